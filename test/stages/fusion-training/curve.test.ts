import {readFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {compile} from '../../../stages/learning/engine.js';
import type {Arrays} from '../../../stages/learning/program.js';
import {random} from '../../../stages/learning/random.js';
import {initialState, modelOf, optimiserOf, trainingStep} from '../../../stages/fusion-training/model.js';
import {prefixed} from '../../../stages/learning/records.js';
import {systems} from '../../../stages/fusion-training/systems/index.js';
import {publishedTraining} from '../../../stages/fusion-training/training-params.js';
import {masksOf, wave, weightsOf} from './formulas.js';

interface Reference {
  readonly architecture: Readonly<Record<string, unknown>>;
  readonly dims: Readonly<Record<string, number>>;
  readonly length: number;
  readonly losses: readonly number[];
}

const reference = JSON.parse(readFileSync('test/fixtures/reference/rcma-curve.json', 'utf8')) as Reference;
const B = 2;

/** The batch of rcma-curve.py. */
function batchOf(step: number): Arrays {
  const {dims, length} = reference;
  const inputs = Object.entries(dims).map(([modality, d]) => {
    const values = wave(`inputs/${modality}@${step % 7}`, B * length * d, 1.5);
    return [modality, {shape: [B, length, d], values}] as const;
  });
  const [visual, acoustic] = [inputs[0]![1].values, inputs[1]![1].values];
  const label = Float32Array.from(
    {length: B * length},
    (_, i) => Math.tanh(visual[5 * i]! + acoustic[3 * i + 1]!) * 0.8,
  );
  const ones = {shape: [B, length], values: new Float32Array(B * length).fill(1)};
  return {
    ...prefixed('inputs', Object.fromEntries(inputs)),
    labels: {shape: [B, length, 1], values: label},
    valid: ones,
    real: ones,
  };
}

it('RCMA follows PyTorch for 200 steps of training, from equal weights, masks and batches', async () => {
  const system = systems['rcma']!;
  const {dims, length, losses} = reference;
  const training = {...publishedTraining, windowFrames: length, weightDecay: 1e-3, lossMoments: 'released' as const};
  const architecture = system.architecture.parse(reference.architecture);
  const model = modelOf({system, architecture, training, dims, targetCount: 1});
  const {weights, statistics} = weightsOf(model.declaration);
  const state = {
    ...initialState(model, random(0)),
    ...prefixed('weights', weights),
    ...prefixed('statistics', statistics),
  };
  const arraysOf = (step: number): Arrays => {
    const scalars = Object.entries(optimiserOf(training).scalars({learningRate: 1e-3, step}));
    return {
      ...batchOf(step),
      ...prefixed('masks', masksOf(model.declaration, B, `@${step}`)),
      ...Object.fromEntries(scalars.map(([name, v]) => [`optimiser/${name}`, {shape: [], values: Float32Array.of(v)}])),
    };
  };
  const batch = Object.fromEntries(
    Object.entries(arraysOf(1)).map(([name, {shape}]) => [name, {shape, dtype: 'float32' as const}]),
  );
  const program = await compile({step: trainingStep(model), state, batch}, {device: 'cpu', threads: 1});
  for (const [i, expected] of losses.entries()) {
    const {loss} = await program.run(arraysOf(i + 1));
    // 1e-4: float32 in another order, two hundred times.
    expect(Math.abs(loss!.values[0]! - expected), `step ${i + 1}`).toBeLessThan(1e-4);
  }
  await program.release();
});
