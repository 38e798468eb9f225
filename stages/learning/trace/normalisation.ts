/** Batch normalisation with given moments; layer normalisation is made of means and products. */
import type * as tf from '@tensorflow/tfjs';
import type {Value} from './graph.js';
import type {Call, Kernels} from './kernel.js';
import {binary, scalar, unary} from './operations.js';

interface BatchNormInputs {
  readonly x: Value;
  readonly mean: Value;
  readonly variance: Value;
  readonly scale?: Value;
  readonly offset?: Value;
}

export const normalisation = {
  /** x · s + (offset − mean · s) with s = scale / √(variance + ε): ONNX Runtime folds both into a convolution before. */
  FusedBatchNorm: ({inputs, attributes}: Call<BatchNormInputs, tf.FusedBatchNormAttrs>) => {
    const {x, mean, variance, scale, offset} = inputs;
    const deviation = unary('Sqrt', binary('Add', variance, scalar(variance, attributes.varianceEpsilon)));
    const factor = scale === undefined ? unary('Reciprocal', deviation) : binary('Div', scale, deviation);
    const shift = binary('Mul', mean, factor);
    const addend = offset === undefined ? unary('Neg', shift) : binary('Sub', offset, shift);
    return binary('Add', binary('Mul', x, factor), addend);
  },
} satisfies Kernels;
