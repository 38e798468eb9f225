/** Batch normalisation with given moments; layer normalisation is made of means and products. */
import type * as tf from '@tensorflow/tfjs';
import {channelsFirst, channelsLast} from './convolution.js';
import type {Value} from './graph.js';
import type {Call, Kernels} from './kernel.js';
import {binary, floatAttribute, scalar, unary} from './operations.js';

interface BatchNormInputs {
  readonly x: Value;
  readonly mean: Value;
  readonly variance: Value;
  readonly scale?: Value;
  readonly offset?: Value;
}

export const normalisation = {
  FusedBatchNorm: ({inputs, attributes}: Call<BatchNormInputs, tf.FusedBatchNormAttrs>) => {
    const {x, mean} = inputs;
    // After a convolution, whose transpose it then absorbs and into which ONNX Runtime folds it.
    const followsImage = x.node?.op === 'Transpose' && mean.shape.length === 1;
    return followsImage
      ? perChannel(inputs, attributes.varianceEpsilon)
      : elementwise(inputs, attributes.varianceEpsilon);
  },
} satisfies Kernels;

function perChannel({x, mean, variance, scale, offset}: BatchNormInputs, epsilon: number): Value {
  const one = scale ?? x.graph.uniform(1, mean.shape, 'float32');
  const zero = offset ?? x.graph.uniform(0, mean.shape, 'float32');
  const image = channelsFirst(x);
  const inputs = [image, one, zero, mean, variance];
  return channelsLast(x.graph.node('BatchNormalization', inputs, image, {epsilon: floatAttribute(epsilon)}));
}

/** (x − mean) · scale / √(variance + ε) + offset. */
function elementwise({x, mean, variance, scale, offset}: BatchNormInputs, epsilon: number): Value {
  const inverse = unary('Reciprocal', unary('Sqrt', binary('Add', variance, scalar(variance, epsilon))));
  const factor = scale === undefined ? inverse : binary('Mul', scale, inverse);
  const scaled = binary('Mul', binary('Sub', x, mean), factor);
  return offset === undefined ? scaled : binary('Add', scaled, offset);
}
