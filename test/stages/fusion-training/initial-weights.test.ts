import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import {describe, expect, it} from 'vitest';
import {fusionTraining} from '../../../stages/fusion-training.js';
import type {Arrays} from '../../../stages/learning/program.js';
import {writeSafetensors} from '../../../stages/learning/safetensors.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import type {Run} from './run-fold.js';
import {train} from './run-fold.js';

/** The weights of a run as a safetensors file, changed at will. */
async function fileOf({outputs: {weights}}: Run, change: (tensors: Arrays) => void = () => undefined): Promise<string> {
  const tensors: Arrays = Object.fromEntries(
    weights.all.map(({name, shape, values}) => [
      name,
      {shape: JSON.parse(shape) as number[], values: new Float32Array(values.slice().buffer)},
    ]),
  );
  change(tensors);
  const file = path.join(temporaryFolder(), 'weights.safetensors');
  await writeFile(file, writeSafetensors({tensors, metadata: {}}));
  return file;
}

const from = (file: string, params: object = {}) =>
  train({params: {epochs: 0, initialWeights: {both: file}, ...params}});

describe('initial weights', () => {
  it('are evaluated as they are without an epoch: predictions are those of the run they come from', async () => {
    const trained = await train({params: {epochs: 2}});
    const other = {shape: [1], values: Float32Array.of(1)};
    const again = await from(await fileOf(trained, (tensors) => (tensors['spatial.visual.weight'] = other)));
    expect(again.digests['predictions']).toBe(trained.digests['predictions']);
    expect(again.digests['weights']).toBe(trained.digests['weights']);
    expect(again.outputs.curve.rowCount).toBe(0);
    expect(again.notes['unusedInitialWeights']).toBe(1);
  });

  it('are where training starts: its first loss is below that of random weights', async () => {
    const trained = await train({params: {epochs: 6}});
    const continued = await from(await fileOf(trained), {epochs: 1});
    const firstLoss = ({outputs}: Run) => outputs.curve.all[0]!.trainLoss;
    expect(firstLoss(continued)).toBeLessThan(firstLoss(trained) - 0.1);
  });

  it('name what is missing or has another shape', async () => {
    const trained = await train({params: {epochs: 1}});
    const renamed = await fileOf(trained, (tensors) => {
      for (const name of Object.keys(tensors)) if (name.startsWith('bn.')) Reflect.deleteProperty(tensors, name);
    });
    await expect(from(renamed)).rejects.toMatchObject({
      code: 'bad-weights',
      message: /lacks \d+ of the system's \d+ weights: bn\./,
    });
    const reshaped = await fileOf(trained, (tensors) => {
      const [name] = Object.keys(tensors);
      tensors[name!] = {shape: [1, 1], values: Float32Array.of(1)};
    });
    await expect(from(reshaped)).rejects.toThrow(/is \[1, 1\], the system needs \[/);
  });

  it('are asked for by model, one file for each', () => {
    const parse = (params: object) => fusionTraining.params.safeParse(params).error?.issues.map(({message}) => message);
    const both = {both: 'w.safetensors'};
    expect(parse({targets: 'joint', initialWeights: both})).toBeUndefined();
    expect(parse({initialWeights: both})).toEqual([
      'targets: separate needs files for arousal and valence, not for both',
    ]);
    expect(parse({initialWeights: {valence: 'v'}})).toEqual([
      'targets: separate needs files for arousal and valence, not for valence',
    ]);
    expect(parse({epochs: 0})).toEqual(['epochs: 0 needs initialWeights']);
    const params = fusionTraining.params.parse({targets: 'joint', initialWeights: both});
    expect(fusionTraining.params.parse(params)).toEqual(params);
    expect(fusionTraining.models!(params)).toEqual([{id: 'both', path: path.resolve('w.safetensors')}]);
  });
});
