import {mkdtemp} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {describe, expect, it} from 'vitest';
import {openFold, targets} from '../../../stages/fusion-training/fold-data.js';
import {modelOf} from '../../../stages/fusion-training/model.js';
import {fusionParams, settingsOf} from '../../../stages/fusion-training/settings.js';
import type {TrainingTask} from '../../../stages/fusion-training/training.js';
import {trainModel} from '../../../stages/fusion-training/training.js';
import {eagerEngine} from './eager-engine.js';
import {smallFold} from './small-fold.js';

const small = {
  visualChannels: [8],
  acousticChannels: [8],
  linguisticChannels: [8],
  kernel: 3,
  headUnits: 8,
  headDropout: 0.1,
};

async function taskOf(params: Record<string, unknown>, extra: Partial<TrainingTask> = {}): Promise<TrainingTask> {
  const settings = settingsOf(
    fusionParams.parse({
      architecture: {...small, ...(params['system'] === 'rcma' ? {attendedDropout: 0.1} : {})},
      windowFrames: 30,
      hopFrames: 20,
      batchSize: 4,
      learningRate: 1e-2,
      warmUp: 'none',
      epochs: 6,
      targets: 'joint',
      ...params,
    }),
  );
  const clips = (count: number, seed: number) =>
    Array.from({length: count}, (_, i) => ({
      frameCount: 45 + 5 * i,
      seed: seed + i,
      invalid: (k: number) => k % 11 === 0,
    }));
  const inputs = smallFold(clips(4, 1), clips(2, 101), settings.system.modalities);
  const data = await openFold(inputs, settings.training, () => undefined);
  return {
    model: modelOf({...settings, dims: data.dims, targetCount: 2}),
    targets,
    data,
    seed: 3,
    engine: eagerEngine,
    options: {device: 'auto', threads: 1},
    checkpoint: path.join(await mkdtemp(path.join(tmpdir(), 'training-')), 'both.safetensors'),
    signal: new AbortController().signal,
    onEpoch: () => undefined,
    ...extra,
  };
}

describe('trainModel', () => {
  for (const system of ['visual', 'concatenation', 'rcma']) {
    it(`learns with ${system} what the features tell of the labels`, async () => {
      const t = performance.now();
      const {curve} = await trainModel(await taskOf({system}));
      console.log(
        system,
        performance.now() - t,
        curve.map((r) => [r.trainLoss, r.concordance.valence, r.concordance.arousal]),
      );
      expect(Math.max(...curve.map(({concordance}) => concordance.valence!))).toBeGreaterThan(0.5);
    });
  }
});
