import * as tf from '@tensorflow/tfjs';
import {beforeEach, describe, expect, test} from 'vitest';
import type {TensorSpecs, Tensors} from '../../../../stages/learning/program.js';
import {trace} from '../../../../stages/learning/trace/trace.js';
import {runTraced} from './oracle.js';

const inputs: TensorSpecs = {x: {shape: [2, 3], dtype: 'float32'}};
const opsOf = (body: (inputs: Tensors) => Tensors, target: 'any' | 'cpu' = 'cpu'): string[] =>
  trace(body, inputs, {target}).model.graph!.node!.map(({opType}) => opType!);
const thisFile = /trace\.test\.ts:\d+/;

beforeEach(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

describe('a recorded graph', () => {
  test('holds equal operations once and leaves out what no output needs', () => {
    const ops = opsOf(({x}) => {
      tf.exp(x!);
      return {y: tf.add(tf.sqrt(tf.square(x!)), tf.sqrt(tf.square(x!)))};
    });
    expect(ops).toEqual(['Mul', 'Sqrt', 'Add']);
  });

  test('names a computed value after its output, and copies only inputs and repeated outputs', () => {
    const ops = opsOf(({x}) => {
      const y = tf.exp(x!);
      return {y, again: y, same: x!};
    });
    expect(ops).toEqual(['Exp', 'Identity', 'Identity']);
  });

  test('lets products transpose, merges reshapes and transposes, and keeps no neutral operation', () => {
    const body = ({x}: Tensors): Tensors => {
      const turned = tf.transpose(tf.transpose(tf.transpose(x!)));
      const product = tf.matMul(x!, tf.reshape(tf.reshape(turned, [6]), [3, 2]));
      const neutral = tf.div(tf.mul(tf.add(product, tf.zerosLike(product)), 1), tf.onesLike(product));
      return {y: tf.matMul(neutral, tf.transpose(neutral))};
    };
    expect(opsOf(body)).toEqual(['FusedMatMul', 'FusedMatMul']);
    expect(opsOf(body, 'any')).toEqual(['Gemm', 'Gemm']);
  });

  test('repeats no constant, and takes the sign of an input from its relu', () => {
    const body = ({x}: Tensors): Tensors => ({dx: tf.grad((value) => tf.sum(tf.square(tf.relu(value))))(x!)});
    expect(opsOf(body)).toEqual(['Relu', 'Mul', 'HardSigmoid', 'Mul']);
    expect(opsOf(body, 'any')).toEqual(['Relu', 'Mul', 'Greater', 'Cast', 'Mul']);
  });

  test('writes a large constant of one number as that number', async () => {
    const model = trace(({x}) => ({y: tf.concat([tf.zeros([5000, 3]), x!])}), inputs, {target: 'any'}).model;
    const bytes = model.graph!.initializer!.map(({rawData}) => rawData!.length);
    expect(Math.max(...bytes)).toBeLessThan(32);
    const values = Float32Array.of(1, 2, 3, 4, 5, 6);
    const {y} = await runTraced(({x}) => ({y: tf.concat([tf.zeros([5000, 3]), x!])}), {x: {shape: [2, 3], values}});
    expect(y!.shape).toEqual([5002, 3]);
    expect(y!.values.slice(-6)).toEqual(values);
  });

  test('takes tensors of another backend as constants and leaves them there', async () => {
    const weight = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const reshaped = tf.reshape(weight, [2, 3]);
    const x = {shape: [2, 3], values: Float32Array.of(1, 0, 0, 0, 1, 0)};
    const {y, z} = await runTraced(
      (tensors) => ({y: tf.matMul(tensors['x']!, weight), z: tf.add(tensors['x']!, reshaped)}),
      {x},
    );
    expect(y!.values).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(z!.values).toEqual(Float32Array.of(2, 2, 3, 4, 6, 6));
    expect(weight.dataSync()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    tf.dispose([weight, reshaped]);
  });
});

describe('a step that cannot be recorded', () => {
  test('is refused where it reads a computed value, with the operation and the line', () => {
    const body = ({x}: Tensors): Tensors => ({y: tf.sum(x!).dataSync()[0]! > 0 ? x! : tf.neg(x!)});
    expect(() => opsOf(body)).toThrow(
      expect.objectContaining({code: 'unsupported-op', message: expect.stringMatching(thisFile)}),
    );
    expect(() => opsOf(body)).toThrow(/the result of Sum/);
  });

  test('is refused where it waits for a value', () => {
    const body = (async ({x}: Tensors) => ({y: tf.scalar((await x!.data())[0]!)})) as unknown as (
      t: Tensors,
    ) => Tensors;
    expect(() => opsOf(body)).toThrow(/returned a promise/);
  });

  test('is refused where it reads an input', () => {
    expect(() => opsOf(({x}) => ({y: tf.scalar((x!.arraySync() as number[][])[0]![0]!)}))).toThrow(/an input/);
  });

  test('is refused where an operation has no ONNX form, with its name and the line', () => {
    const body = ({x}: Tensors): Tensors => ({y: tf.real(tf.fft(tf.complex(x!, x!)))});
    expect(() => opsOf(body)).toThrow(/^Complex cannot be traced; it was called at .*trace\.test\.ts:\d+/);
  });

  test('names the line also inside a gradient', () => {
    const body = ({x}: Tensors): Tensors => ({y: tf.grad((value) => tf.sum(tf.prod(value, 1)))(x!)});
    expect(() => opsOf(body)).toThrow(/^Cumprod cannot be traced.*trace\.test\.ts:\d+/);
  });
});

describe('tracing leaves tfjs as it was', () => {
  test('when it succeeds', () => {
    const {numTensors} = tf.memory();
    opsOf(({x}) => ({y: tf.grad((value) => tf.sum(tf.square(value)))(x!)}));
    expect([tf.getBackend(), tf.memory().numTensors]).toEqual(['cpu', numTensors]);
  });

  test('when the step throws inside a gradient', () => {
    const body = ({x}: Tensors): Tensors => ({
      y: tf.grad((value) => {
        tf.square(value).dataSync();
        return value;
      })(x!),
    });
    expect(() => opsOf(body)).toThrow();
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.add(1, 2).dataSync()[0]).toBe(3);
  });

  test('and a trace inside a trace is refused', () => {
    expect(() => opsOf(({x}) => (opsOf((t) => t), {y: x!}))).toThrow(TypeError);
    expect(tf.getBackend()).toBe('cpu');
  });
});

test('a tensor of a finished trace cannot be used', () => {
  let escaped: tf.Tensor | undefined;
  opsOf(({x}) => ({y: (escaped = tf.keep(tf.square(x!)))}));
  expect(() => opsOf(({x}) => ({y: tf.add(x!, escaped!)}))).toThrow();
});
