import {readFileSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {expect, test} from 'vitest';
import {compile} from '../../../stages/learning/engine.js';
import type {Arrays} from '../../../stages/learning/program.js';
import {mapValues} from '../../../stages/learning/records.js';
import {rcma, scalarsOf} from '../../bench/engine-models.js';

const reference = JSON.parse(
  readFileSync(new URL('../../fixtures/reference/rcma-step.json', import.meta.url), 'utf8'),
) as {learningRate: number; losses: number[]};

const [windows, length, hidden] = [3, 24, 7];
const features = {a: 6, v: 8, t: 10};
const {declaration} = rcma({windows, length, features, channels: [8, 6], hidden});

const wave = (shape: readonly number[], phase: number, scale: number): Float32Array =>
  Float32Array.from(
    {length: shape.reduce((product, size) => product * size, 1)},
    (_, index) => scale * Math.sin(1.7 * index + phase),
  );

/** The weights of rcma-step.py: array k is a wave of phase k, scaled by its number of inputs. */
function initialState(): Arrays {
  const isMoment = (name: string): boolean => name.startsWith('first/') || name.startsWith('second/');
  const weights = Object.keys(declaration.state).filter((name) => !isMoment(name));
  return mapValues(declaration.state, ({shape, values}, name) => {
    if (isMoment(name)) return {shape, values};
    const inputs = shape.length === 3 ? shape[1]! * shape[2]! : shape.length === 1 ? 8 : shape[0]!;
    return {shape, values: wave(shape, weights.indexOf(name), 0.7 / Math.sqrt(inputs))};
  });
}

function batchOf(step: number): Arrays {
  const array = (shape: number[], phase: number): Arrays[string] => ({shape, values: wave(shape, phase, 1)});
  return {
    ...scalarsOf({learningRate: reference.learningRate, step: step + 1}),
    labels: array([windows * length], step + 0.5),
    mask: {
      shape: [windows, length, hidden],
      values: wave([windows, length, hidden], step, 1).map((value) => (value > 0 ? 2 : 0)),
    },
    a: array([windows, length, features.a], step),
    v: array([windows, length, features.v], step + 1),
    t: array([windows, length, features.t], step + 2),
  };
}

async function train(device: 'cpu' | 'tfjs', steps: number): Promise<{losses: number[]; state: Arrays}> {
  const program = await compile({...declaration, state: initialState()}, {device, threads: 1});
  try {
    const losses = [];
    for (let step = 0; step < steps; step++) losses.push((await program.run(batchOf(step)))['loss']!.values[0]!);
    return {losses, state: await program.state()};
  } finally {
    await program.release();
  }
}

test('200 steps of RCMA with dropout and Adam follow the losses of PyTorch', async () => {
  const {losses} = await train('cpu', reference.losses.length);
  const distances = losses.map((loss, step) => Math.abs(loss - reference.losses[step]!));
  // Both compute in float32, in different orders; Adam carries the difference from step to step.
  expect(Math.max(...distances)).toBeLessThan(1e-4);
  expect(reference.losses).toHaveLength(200);
});

test('whole steps give the same state traced as eagerly', async () => {
  await tf.setBackend('cpu');
  const [traced, eager] = [await train('cpu', 3), await train('tfjs', 3)];
  for (const [step, loss] of traced.losses.entries()) expect(loss).toBeCloseTo(eager.losses[step]!, 5);
  for (const [name, {values}] of Object.entries(traced.state)) {
    for (const [index, value] of values.entries()) expect(value).toBeCloseTo(eager.state[name]!.values[index]!, 4);
  }
});
