import {describe, expect, it} from 'vitest';
import {exportSystem} from '../../../stages/fusion-training/exported-system.js';
import {readInitialWeights} from '../../../stages/fusion-training/initial-weights.js';
import {modelOf} from '../../../stages/fusion-training/model.js';
import {fusionParams, settingsOf} from '../../../stages/fusion-training/settings.js';
import {lengthOf, OverlapAverage, windowsOf} from '../../../stages/fusion-training/windows.js';
import {writeSafetensors} from '../../../stages/learning/safetensors.js';
import {loadTraced} from '../../../stages/learning/traced.js';
import type {Arrays} from '../../../stages/learning/program.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {fold, inputsOf, small, train} from './run-fold.js';
import {smallDims} from './small-fold.js';
import {writeFile} from 'node:fs/promises';
import path from 'node:path';

/** A clip-level system has no temporal convolutions in front, and pools frames into steps. */
const clipLevel = {system: 'ca', architecture: {}, clipFrames: 5, windowFrames: 30, hopFrames: 30};

async function exported(params: Readonly<Record<string, unknown>>, windows: number) {
  const run = await train({params});
  const {features} = inputsOf();
  const settings = settingsOf(fusionParams.parse({...small, ...params}) as Parameters<typeof settingsOf>[0]);
  const {modalities} = settings.system;
  const result = await exportSystem({
    settings,
    weights: run.outputs.weights,
    train: new Map(modalities.map((modality) => [modality, features.get(modality)!.train])) as never,
    windows,
    metadata: {system: settings.system.name},
  });
  return {run, settings, modalities, ...result};
}

type Exported = Awaited<ReturnType<typeof exported>>;

/** Runs the ONNX file on raw features of the validation clips, with nonsense where a window is padded. */
async function predictions({onnx, settings, modalities}: Exported, target: 'valence' | 'arousal'): Promise<number[]> {
  const inference = await loadTraced(onnx, {provider: 'cpu', threads: 1});
  const length = lengthOf(settings.training);
  const {clipFrames} = settings.training;
  const found: number[] = [];
  for (const [clip, {rowCount}] of fold().labels.validation.entries()) {
    const average = new OverlapAverage(rowCount, 1);
    for (const window of windowsOf(clip, rowCount, settings.training)) {
      const real = Float32Array.from({length}, (_, step) => (step < window.steps ? 1 : 0));
      const inputs: Arrays = {real: {shape: [1, length], values: real}};
      for (const modality of modalities) {
        const width = smallDims[modality];
        const vectors = await fold()[modality].validation[clip]!.column('vector');
        const values = Float32Array.from({length: length * width}, (_, i) => {
          const [step, column] = [Math.floor(i / width), i % width];
          if (step >= window.steps) return 7e3;
          const end = window.first + step * window.stride + 1;
          const rows = Array.from({length: Math.min(clipFrames, end)}, (_, back) => end - 1 - back);
          return rows.reduce((sum, row) => sum + vectors[row * width + column]!, 0) / rows.length;
        });
        inputs[modality] = {shape: [1, length, width], values};
      }
      average.add(window, (await inference.run(inputs))[target]!.values);
    }
    found.push(...average.target(0));
  }
  await inference.release();
  return found;
}

describe('an exported system', () => {
  for (const [name, params] of Object.entries({
    'with one model for both emotions': {},
    'with a model for each emotion': {targets: 'separate', normalisation: 'scalar'},
    'that reads clips of frames': clipLevel,
  })) {
    it(`${name} predicts from raw features what training predicted`, async () => {
      const system = await exported(params, 1);
      for (const target of ['valence', 'arousal'] as const) {
        const recorded = await system.run.outputs.predictions.column(target);
        const again = await predictions(system, target);
        expect(again).toHaveLength(recorded.length);
        expect(Math.max(...again.map((value, at) => Math.abs(value - recorded[at]!)))).toBeLessThan(1e-5);
      }
    });
  }

  it('leaves as safetensors that a training can start from', async () => {
    const {models, settings} = await exported({targets: 'separate'}, 2);
    expect(models.map((model) => model.name)).toEqual(['valence', 'arousal']);
    const {declaration} = modelOf({...settings, dims: smallDims, targetCount: 1});
    const file = path.join(temporaryFolder(), 'weights.safetensors');
    await writeFile(file, writeSafetensors({tensors: models[0]!.arrays, metadata: {}}));
    const {arrays, unused} = await readInitialWeights(file, declaration);
    for (const name of Object.keys(declaration.weights)) expect(arrays[name]).toEqual(models[0]!.arrays[name]);
    expect(unused.filter((name) => !name.startsWith('normalisation/'))).toEqual([]);
  });
});
