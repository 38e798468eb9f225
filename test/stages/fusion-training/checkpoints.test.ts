import {readFileSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {readInitialWeights} from '../../../stages/fusion-training/initial-weights.js';
import {systems} from '../../../stages/fusion-training/systems/index.js';
import {sizeOf} from '../../../stages/learning/layers/declaration.js';
import type {Arrays} from '../../../stages/learning/program.js';
import {writeSafetensors} from '../../../stages/learning/safetensors.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {wave, weightOf} from './formulas.js';
import {infer} from './forward.js';

interface Checkpoint {
  readonly system: string;
  readonly architecture: Readonly<Record<string, unknown>>;
  readonly dims: Readonly<Record<string, number>>;
  readonly length: number;
  /** Shapes by the names of the authors' state dict. */
  readonly state: Readonly<Record<string, readonly number[]>>;
  readonly prediction: readonly number[];
}

const checkpoints = JSON.parse(readFileSync('test/fixtures/reference/checkpoints.json', 'utf8')) as Record<
  string,
  Checkpoint
>;
const B = 2;

async function predictionsOf({system: name, architecture: given, dims, length, state, prediction}: Checkpoint) {
  const file = path.join(temporaryFolder(), 'checkpoint.safetensors');
  const tensors = Object.fromEntries(Object.entries(state).map(([key, shape]) => [key, weightOf(key, shape)]));
  await writeFile(file, writeSafetensors({tensors, metadata: {}}));
  const system = systems[name]!;
  const architecture = system.architecture.parse(given);
  const targetCount = prediction.length / (B * length);
  const declaration = system.declare({architecture, dims, length, targetCount});
  const {arrays, unused} = await readInitialWeights(file, declaration, system.releasedNames);
  const of = (names: object): Arrays => Object.fromEntries(Object.keys(names).map((key) => [key, arrays[key]!]));
  const inputs = Object.fromEntries(
    Object.entries(dims).map(([modality, d]) => {
      const shape = [B, length, d];
      return [modality, {shape, values: wave(`inputs/${modality}`, sizeOf(shape), 1.5)}];
    }),
  );
  const [weights, statistics] = [of(declaration.weights), of(declaration.statistics)];
  const real = {shape: [B, length], values: new Float32Array(B * length).fill(1)};
  return {found: infer({system, architecture, declaration, weights, statistics, inputs, real}).prediction, unused};
}

describe("the authors' checkpoints", () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  for (const [name, checkpoint] of Object.entries(checkpoints)) {
    it(`${name}: is read by the names of its state dict and predicts what its module in PyTorch does`, async () => {
      const {found, unused} = await predictionsOf(checkpoint);
      expect(found.length).toBe(checkpoint.prediction.length);
      expect(Math.max(...checkpoint.prediction.map((value, i) => Math.abs(value - found[i]!)))).toBeLessThan(1e-5);
      // What lies in the state dict twice, and a map of J that the camera-ready code computes and does not use.
      expect(unused.filter((key) => !/\.net\.[04]\.|\.query_linear\./.test(key))).toEqual([]);
    });
  }

  it('are not guessed at: a name that stands behind two prefixes is missing', async () => {
    const grjca = checkpoints['GRJCA']!;
    const twice = Object.fromEntries(
      Object.entries(grjca.state).map(([key, shape]) => [key.replace('GRJCA.coattn', 'a.coattn'), shape]),
    );
    const state = {...grjca.state, ...twice};
    await expect(predictionsOf({...grjca, state})).rejects.toMatchObject({code: 'bad-weights'});
  });
});
