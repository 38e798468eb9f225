/** The eager device on TensorFlow itself, where @tensorflow/tfjs-node and its addon are installed. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, test} from 'vitest';
import {eagerBackend} from '../../../stages/learning/eager.js';
import {compile, compileForward} from '../../../stages/learning/engine.js';
import {optimiser} from '../../../stages/learning/optimiser.js';
import type {Arrays, Step, Tensors} from '../../../stages/learning/program.js';
import {mapValues, specsOf} from '../../../stages/learning/records.js';
import {rcma} from '../../bench/engine-models.js';
import {expectArraysClose} from './trace/oracle.js';

const backend = await eagerBackend('tfjs', 1);
const absent = backend.backendName !== 'tensorflow';
const because = absent ? ` (skipped: ${backend.library.replace(/^\S+ /, '')})` : '';

const wave = (shape: readonly number[], phase: number, scale = 1): Arrays[string] => ({
  shape,
  values: Float32Array.from(
    {length: shape.reduce((product, size) => product * size, 1)},
    (_, index) => scale * Math.sin(1.7 * index + phase),
  ),
});

const PRELU_SLOPE = 0.2;

/** An image network: padded, strided, dilated and depthwise convolutions, batch norm of the batch, PReLU, both poolings. */
function imageFeatures(w: Tensors, image: tf.Tensor): tf.Tensor2D {
  const around = [
    [0, 0],
    [1, 0],
    [0, 1],
    [0, 0],
  ] as Parameters<typeof tf.conv2d>[3];
  const first = tf.conv2d(image as tf.Tensor4D, w['first'] as tf.Tensor4D, 2, around);
  const {mean, variance} = tf.moments(first, [0, 1, 2]);
  const [scale, offset] = [tf.ones([4]), tf.zeros([4])] as [tf.Tensor1D, tf.Tensor1D];
  const normal = tf.batchNorm(first, mean as tf.Tensor1D, variance as tf.Tensor1D, offset, scale);
  const second = tf.prelu<tf.Tensor>(
    tf.depthwiseConv2d(normal, w['depthwise'] as tf.Tensor4D, 1, 'same'),
    tf.scalar(PRELU_SLOPE),
  );
  const pooled = tf.avgPool(tf.maxPool(second as tf.Tensor4D, 2, 1, 'valid'), 2, 1, 'same');
  const dilated = tf.conv2d(pooled, w['dilated'] as tf.Tensor4D, 1, 'same', 'NHWC', 2);
  return tf.mean(dilated, [1, 2]);
}

/** A GRU over the columns of the image, with gates as PyTorch has them. */
function recurrence(w: Tensors, image: tf.Tensor): tf.Tensor2D {
  let hidden = tf.zeros([image.shape[0]!, 3]);
  for (const column of tf.unstack(tf.mean(image, 1), 1)) {
    const gates = tf.split(tf.matMul(column as tf.Tensor2D, w['input'] as tf.Tensor2D), 3, 1);
    const inner = tf.split(tf.matMul(hidden as tf.Tensor2D, w['hidden'] as tf.Tensor2D), 3, 1);
    const [reset, update] = [0, 1].map((gate) => tf.sigmoid(tf.add(gates[gate]!, inner[gate]!)));
    const candidate = tf.tanh(tf.add(gates[2]!, tf.mul(reset!, inner[2]!)));
    hidden = tf.add(candidate, tf.mul(update!, tf.sub(hidden, candidate)));
  }
  return hidden as tf.Tensor2D;
}

const weights: Arrays = {
  first: wave([3, 3, 2, 4], 0, 0.4),
  depthwise: wave([3, 3, 4, 1], 1, 0.4),
  dilated: wave([3, 3, 4, 3], 2, 0.3),
  input: wave([2, 9], 3, 0.5),
  hidden: wave([3, 9], 4, 0.5),
};
const adam = optimiser({name: 'adam', weightDecay: 0.01});
const step: Step = (state, {image, labels, ...scalars}) => {
  const names = Object.keys(weights);
  const loss = (...given: tf.Tensor[]): tf.Scalar => {
    const w = Object.fromEntries(names.map((name, at) => [name, given[at]!]));
    return tf.mean(tf.squaredDifference(tf.add(imageFeatures(w, image!), recurrence(w, image!)), labels!));
  };
  const {value, grads} = tf.valueAndGrads(loss)(names.map((name) => state[name]!));
  const pick = (names: readonly string[]): Tensors => Object.fromEntries(names.map((name) => [name, state[name]!]));
  const moments = pick(Object.keys(state).filter((name) => !names.includes(name)));
  const gradients = Object.fromEntries(names.map((name, at) => [name, grads[at]!]));
  const next = adam.update({weights: pick(names), gradients, moments, scalars});
  return {state: {...next.weights, ...next.moments}, outputs: {loss: value}};
};
const state: Arrays = {
  ...weights,
  ...Object.fromEntries(
    adam.moments.flatMap((moment) =>
      Object.entries(weights).map(([name, {shape}]) => [`${moment}/${name}`, wave(shape, 0, 0)]),
    ),
  ),
};
const batchOf = (number: number): Arrays => ({
  image: wave([3, 9, 8, 2], number),
  labels: wave([3, 3], number + 1),
  ...mapValues(adam.scalars({learningRate: 0.01, step: number}), (value) => ({
    shape: [],
    values: Float32Array.of(value),
  })),
});

async function train(
  device: 'cpu' | 'tfjs',
  declaration: {step: Step; state: Arrays},
  batches: readonly Arrays[],
): Promise<{losses: number[]; state: Arrays}> {
  const program = await compile({...declaration, batch: specsOf(batches[0]!)}, {device, threads: 1});
  try {
    const losses = [];
    for (const batch of batches) losses.push((await program.run(batch))['loss']!.values[0]!);
    return {losses, state: await program.state()};
  } finally {
    await program.release();
  }
}

describe('on TensorFlow', () => {
  test.skipIf(absent)(`convolutions, pooling, batch norm and a GRU train as they do traced${because}`, async () => {
    const batches = Array.from({length: 5}, (_, at) => batchOf(at + 1));
    const traced = await train('cpu', {step, state}, batches);
    const eager = await train('tfjs', {step, state}, batches);
    expectArraysClose(eager.state, traced.state, 1e-4);
    for (const [at, loss] of traced.losses.entries()) expect(eager.losses[at]).toBeCloseTo(loss, 5);
    expect(new Set(traced.losses.map((loss) => loss.toFixed(6))).size).toBe(5);
  });

  test.skipIf(absent)(`RCMA steps give the state that they give traced${because}`, async () => {
    const sizes = {windows: 2, length: 20, features: {a: 6, v: 8, t: 10}, channels: [8, 6], hidden: 7};
    const {declaration, batch} = rcma(sizes);
    const traced = await train('cpu', declaration, [batch, batch, batch]);
    const eager = await train('tfjs', declaration, [batch, batch, batch]);
    expectArraysClose(eager.state, traced.state, 1e-4);
  });

  test.skipIf(absent)(`programs leave no tensor behind${because}`, async () => {
    const before = tf.memory().numTensors;
    await train('tfjs', {step, state}, [batchOf(1), batchOf(2)]);
    const options = {device: 'tfjs', threads: 1} as const;
    const forward = (w: Tensors, {image}: Tensors): Tensors => ({features: imageFeatures(w, image!)});
    const image = batchOf(1)['image']!;
    const inference = await compileForward(forward, weights, specsOf({image}), options);
    await inference.run({image});
    await inference.release();
    expect(tf.memory().numTensors).toBe(before);
  });
});
