/** Compares traced functions with tfjs's own CPU backend and with finite differences. */
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import {expect} from 'vitest';
import {encodeModel} from '../../../../stages/learning/onnx/model.js';
import {toTensor} from '../../../../stages/learning/onnx/session.js';
import {installGradients} from '../../../../stages/learning/gradients.js';
import type {ArrayValue, Arrays, Tensors} from '../../../../stages/learning/program.js';
import {mapValues, specsOf} from '../../../../stages/learning/records.js';
import type {Target} from '../../../../stages/learning/trace/graph.js';
import {trace} from '../../../../stages/learning/trace/trace.js';

export type Body = (inputs: Tensors) => Tensors;

/** Runs `body` as an ONNX graph. */
export async function runTraced(body: Body, inputs: Arrays, target: Target = 'cpu'): Promise<Arrays> {
  const [result] = await runsTraced(body, [inputs], target);
  return result!;
}

/** Traces `body` once and runs the graph on each of several inputs of equal shapes. */
async function runsTraced(body: Body, points: readonly Arrays[], target: Target): Promise<Arrays[]> {
  const {model} = trace(body, specsOf(points[0]!), {target});
  const session = await ort.InferenceSession.create(encodeModel(model), {intraOpNumThreads: 1, logSeverityLevel: 3});
  try {
    const results: Arrays[] = [];
    for (const inputs of points) {
      const outputs = await session.run(mapValues(inputs, toTensor));
      results.push(mapValues(outputs, ({dims, data}) => ({shape: dims, values: data as Float32Array})));
    }
    return results;
  } finally {
    await session.release();
  }
}

/** Runs `body` on tfjs's CPU backend. */
async function runEager(body: Body, inputs: Arrays): Promise<Arrays> {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  installGradients();
  let arrays: Arrays = {};
  tf.tidy(() => {
    arrays = mapValues(body(mapValues(inputs, tensorOf)), arrayOf);
  });
  return arrays;
}

function tensorOf({shape, values}: ArrayValue): tf.Tensor {
  return tf.tensor(values, [...shape], values instanceof Float32Array ? 'float32' : 'int32');
}

function arrayOf(tensor: tf.Tensor): ArrayValue {
  const values = (tensor.dtype === 'bool' ? tf.cast(tensor, 'int32') : tensor).dataSync();
  return {shape: tensor.shape, values: values.slice() as Float32Array};
}

/** The outputs of `body`, and with them Σ c·y and its gradient for each float input; c gives each element a weight. */
function withGradients(body: Body): Body {
  return (inputs) => {
    const names = Object.keys(inputs).filter((name) => inputs[name]!.dtype === 'float32');
    let outputs: Tensors = {};
    const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
      outputs = mapValues(
        body({...inputs, ...Object.fromEntries(names.map((name, at) => [name, tensors[at]!]))}),
        tf.keep,
      );
      return weighted(outputs);
    };
    const {value, grads} = tf.valueAndGrads(loss)(names.map((name) => inputs[name]!));
    return {...outputs, loss: value, ...Object.fromEntries(grads.map((gradient, at) => [`d${names[at]!}`, gradient]))};
  };
}

function weighted(outputs: Tensors): tf.Scalar {
  const terms = Object.values(outputs).map((y) => {
    const weights = Float32Array.from({length: y.size}, (_, index) => Math.cos(1.3 * index + 0.4));
    return tf.sum(tf.mul(tf.cast(y, 'float32'), tf.tensor(weights, y.shape)));
  });
  return tf.addN(terms) as tf.Scalar;
}

export function expectArraysClose(actual: Arrays, expected: Arrays, tolerance: number): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, {shape, values}] of Object.entries(expected)) {
    expect([name, actual[name]!.shape]).toEqual([name, shape]);
    for (const [index, value] of values.entries()) {
      const seen = actual[name]!.values[index]!;
      const close = Math.abs(seen - value) <= tolerance * (1 + Math.abs(value)) || Object.is(seen, value);
      if (!close)
        expect(`${name}[${String(index)}] = ${String(seen)}`).toBe(`${name}[${String(index)}] = ${String(value)}`);
    }
  }
}

/** How a traced operation is checked: its values only, or also its gradient, against tfjs or by differences. */
export interface Check {
  readonly gradient: 'none' | 'eager' | 'slope' | 'slope only';
  readonly target: Target;
}

/** Values equal tfjs's CPU backend, and so do gradients, which also equal the slope between both sides of the point. */
export async function expectTraced(body: Body, inputs: Arrays, {gradient, target}: Check): Promise<void> {
  const whole = gradient === 'none' ? body : withGradients(body);
  const points = gradient.startsWith('slope') ? [inputs, moved(inputs, STEP), moved(inputs, -STEP)] : [inputs];
  const [traced, above, below] = await runsTraced(whole, points, target);
  const expected = await runEager(gradient === 'slope only' ? body : whole, inputs);
  expectArraysClose(gradient === 'slope only' ? pick(traced!, Object.keys(expected)) : traced!, expected, 2e-5);
  if (above === undefined || below === undefined) return;
  const difference = (above['loss']!.values[0]! - below['loss']!.values[0]!) / (2 * STEP);
  // Float32 sums differ by about 1e-6 of their size, which the division by the step makes 1e-4.
  expect(Math.abs(slopeOf(traced!, inputs) - difference)).toBeLessThan(5e-3 * (1 + Math.abs(difference)));
}

const STEP = 1e-2;
const direction = (index: number): number => Math.sin(2.1 * index + 0.7);

function moved(inputs: Arrays, distance: number): Arrays {
  return mapValues(inputs, ({shape, values}) => {
    if (values instanceof Int32Array) return {shape, values};
    return {shape, values: values.map((value, index) => value + distance * direction(index))};
  });
}

function slopeOf(results: Arrays, inputs: Arrays): number {
  const floats = Object.keys(inputs).filter((name) => inputs[name]!.values instanceof Float32Array);
  const terms = floats.map((name) =>
    [...results[`d${name}`]!.values].reduce((sum, value, index) => sum + value * direction(index), 0),
  );
  return terms.reduce((sum, term) => sum + term, 0);
}

function pick(arrays: Arrays, names: readonly string[]): Arrays {
  return Object.fromEntries(names.map((name) => [name, arrays[name]!]));
}
