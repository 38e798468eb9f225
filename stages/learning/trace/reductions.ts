/** Kernels that sum up axes, and those along one axis. */
import * as tf from '@tensorflow/tfjs';
import type {Value} from './graph.js';
import type {Call, Kernel, Kernels, Listed, Unary} from './kernel.js';
import {broadcastShape, cast, reduce} from './operations.js';
import type {Reduction} from './operations.js';

interface Axes {
  readonly axis: number | number[];
  readonly keepDims: boolean;
}

const axesOf = (x: Value, axis: number | number[]): number[] => tf.util.parseAxisParam(axis, [...x.shape]);

const reduction =
  (op: Reduction, prepare: (x: Value) => Value): Kernel<Unary, Axes> =>
  ({inputs: {x}, attributes: {axis, keepDims}}) =>
    reduce(op, prepare(x), axesOf(x, axis), keepDims);
const asIs = (x: Value): Value => x;
const summable = (x: Value): Value => (x.dtype === 'bool' ? cast(x, 'int32') : x);
const real = (x: Value): Value => cast(x, 'float32');

/** ONNX has no reduction of truth values: the least and the greatest of 0 and 1 stand for "all" and "any". */
const logical =
  (op: 'ReduceMin' | 'ReduceMax'): Kernel<Unary, Axes> =>
  ({inputs: {x}, attributes: {axis, keepDims}}) =>
    cast(reduce(op, cast(x, 'int32'), axesOf(x, axis), keepDims), 'bool');

const index =
  (op: 'ArgMax' | 'ArgMin'): Kernel<Unary, {axis: number}> =>
  ({inputs: {x}, attributes}) => {
    const [axis = 0] = axesOf(x, attributes.axis);
    const shape = x.shape.filter((_, at) => at !== axis);
    return cast(x.graph.node(op, [x], {shape, dtype: 'int64'}, {axis, keepdims: 0}), 'int32');
  };

export const reductions = {
  Sum: reduction('ReduceSum', summable),
  Mean: reduction('ReduceMean', real),
  Min: reduction('ReduceMin', asIs),
  Prod: reduction('ReduceProd', summable),
  Max: ({inputs: {x}, attributes}: Call<Unary, tf.MaxAttrs>) =>
    reduce('ReduceMax', x, axesOf(x, attributes.reductionIndices), attributes.keepDims),
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  ArgMax: index('ArgMax'),
  ArgMin: index('ArgMin'),
  Softmax: ({inputs: {logits}, attributes: {dim}}: Call<{logits: Value}, tf.SoftmaxAttrs>) =>
    logits.graph.node('Softmax', [logits], logits, {axis: dim}),
  LogSoftmax: ({inputs: {logits}, attributes: {axis}}: Call<{logits: Value}, tf.LogSoftmaxAttrs>) =>
    logits.graph.node('LogSoftmax', [logits], logits, {axis}),
  Cumsum: ({inputs: {x}, attributes: {axis, exclusive, reverse}}: Call<Unary, tf.CumsumAttrs>) =>
    x.graph.node('CumSum', [x, x.graph.constant(Int32Array.of(axis), [], 'int32')], x, {
      exclusive: Number(exclusive),
      reverse: Number(reverse),
    }),
  Einsum: ({inputs, attributes: {equation}}: Call<Listed, tf.EinsumAttrs>) => einsum(Object.values(inputs), equation),
} satisfies Kernels;

function einsum(operands: readonly Value[], equation: string): Value {
  const [left = '', right = ''] = equation.replaceAll(' ', '').split('->');
  const sizes = new Map<string, number>();
  for (const [at, letters] of left.split(',').entries()) {
    for (const [axis, letter] of [...letters].entries()) {
      const [size = 1] = broadcastShape([sizes.get(letter) ?? 1], [operands[at]!.shape[axis]!]);
      sizes.set(letter, size);
    }
  }
  const shape = [...right].map((letter) => sizes.get(letter)!);
  return operands[0]!.graph.node('Einsum', operands, {shape, dtype: operands[0]!.dtype}, {equation});
}
