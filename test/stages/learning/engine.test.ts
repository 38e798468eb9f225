import * as tf from '@tensorflow/tfjs';
import {describe, expect, test} from 'vitest';
import {compile, compileForward} from '../../../stages/learning/engine.js';
import type {Arrays, Step, Tensors} from '../../../stages/learning/program.js';

const options = {device: 'cpu', threads: 1} as const;
const wave = (length: number, phase = 0): Float32Array =>
  Float32Array.from({length}, (_, index) => Math.sin(1.7 * index + phase));

/** Two layers, a squared error, and gradient descent with a step counter. */
const step: Step = (state, batch) => {
  const names = ['first', 'second'];
  const variables = names.map((name) => state[name] as tf.Variable);
  const {value, grads} = tf.variableGrads(() => {
    const hidden = tf.tanh(tf.matMul(batch['x'] as tf.Tensor2D, state['first'] as tf.Tensor2D));
    const difference = tf.sub(tf.matMul(hidden as tf.Tensor2D, state['second'] as tf.Tensor2D), batch['y']!);
    return tf.mean(tf.square(difference)) as tf.Scalar;
  }, variables);
  const next: Tensors = {count: tf.add(state['count']!, tf.scalar(1, 'int32'))};
  for (const [index, name] of names.entries()) {
    next[name] = tf.sub(state[name]!, tf.mul(grads[variables[index]!.name]!, batch['learningRate']!));
  }
  return {state: next, outputs: {loss: value}};
};
const state: Arrays = {
  first: {shape: [3, 4], values: wave(12)},
  second: {shape: [4, 1], values: wave(4, 1)},
  count: {shape: [], values: Int32Array.of(0)},
};
const batch: Arrays = {
  x: {shape: [5, 3], values: wave(15, 2)},
  y: {shape: [5, 1], values: wave(5, 3)},
  learningRate: {shape: [], values: Float32Array.of(0.1)},
};
const batchSpecs = Object.fromEntries(
  Object.entries(batch).map(([name, {shape}]) => [name, {shape, dtype: 'float32' as const}]),
);

describe('a compiled step', () => {
  test('updates its state as the same step does eagerly, and leaks no tensor', async () => {
    await tf.setBackend('cpu');
    const tensorsBefore = tf.memory().numTensors;
    const program = await compile({step, state, batch: batchSpecs}, options);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
    expect(tf.getBackend()).toBe('cpu');
    const losses = [];
    for (let run = 0; run < 3; run++) losses.push((await program.run(batch))['loss']!.values[0]);
    const {eagerLosses, eagerState} = runEagerly(3);
    const traced = await program.state();
    await program.release();

    for (const [run, loss] of eagerLosses.entries()) expect(losses[run]).toBeCloseTo(loss, 6);
    expect(traced['count']!.values).toEqual(Int32Array.of(3));
    for (const name of ['first', 'second']) {
      for (const [index, value] of eagerState[name]!.entries()) {
        expect(traced[name]!.values[index]).toBeCloseTo(value, 6);
      }
    }
  });

  test('never writes to the arrays it was given, and goes back to them when they are loaded again', async () => {
    const given: Arrays = {...state, still: {shape: [2], values: wave(2, 5)}};
    const before = structuredClone(given);
    const keeping: Step = (current, {x, y, learningRate}) => {
      const {still, ...rest} = current;
      const result = step(rest, {x: x!, y: y!, learningRate: learningRate!});
      return {...result, state: {...result.state, still: still!}};
    };
    const program = await compile({step: keeping, state: given, batch: batchSpecs}, options);
    const other = Object.fromEntries(
      Object.entries(given).map(([name, {shape, values}]) => [name, {shape, values: values.map((value) => value + 1)}]),
    );
    const lossAfter = async (loaded: Arrays): Promise<number> => {
      await program.load(loaded);
      return (await program.run(batch))['loss']!.values[0]!;
    };
    const first = (await program.run(batch))['loss']!.values[0];
    const shifted = await lossAfter(other);
    for (let run = 0; run < 3; run++) await program.run(batch);
    expect(given).toEqual(before);
    expect(shifted).not.toBe(first);
    expect(await lossAfter(given)).toBe(first);
    expect((await program.state())['still']).toEqual(before['still']);
    await program.release();
    expect(given).toEqual(before);
  });
});

describe('an eager program', () => {
  test('holds more numbers than a Set of JavaScript', async () => {
    const count = 2 ** 24 + 1;
    const large: Arrays = {x: {shape: [count], values: Float32Array.from({length: count}, (_, at) => -at)}};
    const keep: Step = (current) => ({state: current, outputs: {last: tf.slice(current['x']!, [count - 1], [1])}});
    const program = await compile({step: keep, state: large, batch: {}}, {device: 'tfjs', threads: 1});
    expect((await program.run({}))['last']!.values).toEqual(Float32Array.of(1 - count));
    const {x} = await program.state();
    expect(x!.values.length).toBe(count);
    await program.release();
  });
});

function runEagerly(runs: number): {eagerLosses: number[]; eagerState: Record<string, Float32Array>} {
  return tf.tidy(() => {
    const tensors: Tensors = {};
    const variables: Tensors = {};
    for (const [name, {shape, values}] of Object.entries(batch)) tensors[name] = tf.tensor(values, [...shape]);
    for (const [name, {shape, values}] of Object.entries(state)) {
      const dtype = values instanceof Float32Array ? 'float32' : 'int32';
      variables[name] = tf.variable(tf.tensor(values, [...shape], dtype));
    }
    const eagerLosses = [];
    for (let run = 0; run < runs; run++) {
      const result = step(variables, tensors);
      eagerLosses.push(result.outputs['loss']!.dataSync()[0]!);
      for (const [name, tensor] of Object.entries(result.state)) (variables[name] as tf.Variable).assign(tensor);
    }
    const eagerState = Object.fromEntries(
      Object.entries(variables).map(([name, variable]) => [name, variable.dataSync() as Float32Array]),
    );
    for (const variable of Object.values(variables)) (variable as tf.Variable).dispose();
    return {eagerLosses, eagerState};
  });
}

describe('a compiled forward pass', () => {
  test('takes weights that a library holds as tensors of another backend', async () => {
    await tf.setBackend('cpu');
    const filter = tf.tensor4d(wave(3 * 3 * 2 * 4), [3, 3, 2, 4]);
    const bias = tf.tensor1d(wave(4));
    const forward = (image: tf.Tensor4D): tf.Tensor => {
      const convolved = tf.relu(tf.add(tf.conv2d(image, filter, 2, 'same'), bias));
      return tf.avgPool(tf.maxPool(convolved as tf.Tensor4D, 2, 1, 'valid'), 2, 2, 'same');
    };
    const inference = await compileForward(
      (_, inputs) => ({pooled: forward(inputs['image'] as tf.Tensor4D)}),
      {},
      {image: {shape: [2, 9, 7, 2], dtype: 'float32'}},
      options,
    );
    const values = wave(2 * 9 * 7 * 2, 4);
    const {pooled} = await inference.run({image: {shape: [2, 9, 7, 2], values}});
    await inference.release();

    const expected = tf.tidy(() => forward(tf.tensor4d(values, [2, 9, 7, 2])));
    expect(pooled!.shape).toEqual(expected.shape);
    for (const [index, value] of expected.dataSync().entries()) expect(pooled!.values[index]).toBeCloseTo(value, 5);
    tf.dispose([filter, bias, expected]);
  });
});
