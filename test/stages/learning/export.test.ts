import * as tf from '@tensorflow/tfjs';
import {describe, expect, test} from 'vitest';
import {exportForward, importWeights} from '../../../stages/learning/export.js';
import type {Forward} from '../../../stages/learning/export.js';
import {decodeModel} from '../../../stages/learning/onnx/model.js';
import {createSession, toArray, toTensor} from '../../../stages/learning/onnx/session.js';
import type {Arrays, TensorSpecs} from '../../../stages/learning/program.js';
import {mapValues} from '../../../stages/learning/records.js';

const wave = (length: number, phase = 0): Float32Array =>
  Float32Array.from({length}, (_, index) => Math.sin(1.7 * index + phase));

/** A convolution, batch norm, attention over the positions, and a head. */
const forward: Forward = (w, {image}) => {
  const filter = tf.transpose(w['conv.weight'] as tf.Tensor4D, [2, 3, 1, 0]) as tf.Tensor4D;
  const convolved = tf.conv2d(image as tf.Tensor4D, filter, 2, 'same');
  const [mean, variance, scale, offset] = ['mean', 'var', 'weight', 'bias'].map(
    (part) => w[`bn.${part}`] as tf.Tensor1D,
  );
  const normal = tf.relu(tf.batchNorm(convolved, mean!, variance!, offset, scale));
  const steps = tf.reshape(normal, [2, 12, 5]);
  const attention = tf.softmax(tf.div(tf.matMul(steps, steps, false, true), Math.sqrt(5)));
  const pooled = tf.mean(tf.matMul(attention, steps), 1);
  return {
    prediction: tf.tanh(tf.matMul(pooled as tf.Tensor2D, w['head.weight'] as tf.Tensor2D, false, true)),
    attention,
  };
};
const weights: Arrays = {
  'conv.weight': {shape: [5, 3, 3, 3], values: wave(135)},
  'bn.mean': {shape: [5], values: wave(5, 1)},
  'bn.var': {shape: [5], values: wave(5, 2).map((value) => value * value + 0.5)},
  'bn.weight': {shape: [5], values: new Float32Array(5).fill(1)},
  'bn.bias': {shape: [5], values: new Float32Array(5)},
  'head.weight': {shape: [2, 5], values: wave(10, 3)},
};
const inputs: TensorSpecs = {image: {shape: [2, 6, 8, 3], dtype: 'float32'}};
const image = {shape: [2, 6, 8, 3], values: wave(288, 4)};
const file = exportForward(forward, weights, inputs, {metadata: {system: 'rcma', licence: 'MIT'}});

async function run(model: Uint8Array): Promise<Arrays> {
  const session = await createSession(model, {provider: 'cpu', threads: 1});
  try {
    return mapValues(await session.run({image: toTensor(image)}), toArray);
  } finally {
    await session.release();
  }
}

async function eagerly(given: Arrays): Promise<Arrays> {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const results: Arrays = {};
  tf.tidy(() => {
    const tensor = ({shape, values}: Arrays[string]): tf.Tensor => tf.tensor(values, [...shape]);
    for (const [name, value] of Object.entries(forward(mapValues(given, tensor), {image: tensor(image)}))) {
      results[name] = {shape: value.shape, values: value.dataSync() as Float32Array};
    }
  });
  return results;
}

function expectClose(actual: Arrays, expected: Arrays): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, {shape, values}] of Object.entries(expected)) {
    expect(actual[name]!.shape).toEqual(shape);
    for (const [index, value] of values.entries()) expect(actual[name]!.values[index]).toBeCloseTo(value, 5);
  }
}

describe('an exported forward pass', () => {
  test('gives the numbers of the forward pass', async () => {
    expectClose(await run(file), await eagerly(weights));
  });

  test('uses the operators of ONNX alone, and declares shapes and facts', () => {
    const model = decodeModel(file);
    expect(model.opsetImport).toEqual([{domain: '', version: 18}]);
    expect(model.graph!.node!.filter(({domain}) => domain !== undefined)).toEqual([]);
    expect(model.metadataProps).toEqual([
      {key: 'system', value: 'rcma'},
      {key: 'licence', value: 'MIT'},
    ]);
    const shapes = [...model.graph!.input!, ...model.graph!.output!].map(({name, type}) => [
      name,
      type!.tensorType!.shape!.dim!.map(({dimValue}) => dimValue),
    ]);
    expect(shapes).toEqual([
      ['image', [2, 6, 8, 3]],
      ['prediction', [2, 2]],
      ['attention', [2, 12, 12]],
    ]);
  });

  test('computes every value before it is read, and each once', () => {
    const {node = [], initializer = [], input = []} = decodeModel(file).graph!;
    const known = new Set([...initializer.map(({name}) => name!), ...input.map(({name}) => name!)]);
    for (const {input: read = [], output = []} of node) {
      expect(read.filter((name) => name !== '' && !known.has(name))).toEqual([]);
      for (const name of output) {
        expect(known.has(name)).toBe(false);
        known.add(name);
      }
    }
  });

  test('gives its weights back by name, also where the file was read as a Buffer', () => {
    for (const bytes of [file, Buffer.from(file)]) {
      const imported = importWeights(bytes);
      for (const [name, value] of Object.entries(weights)) expect(imported[name]).toEqual(value);
    }
  });

  test('refuses names used twice', () => {
    const refuse = (give: () => unknown): void => {
      expect(give).toThrow(expect.objectContaining({code: 'bad-weights'}));
    };
    refuse(() => exportForward((w) => ({image: w['w']!}), {w: {shape: [1], values: wave(1)}}, inputs));
    refuse(() => exportForward((w) => ({y: w['image']!}), {image: {shape: [1], values: wave(1)}}, inputs));
  });
});
