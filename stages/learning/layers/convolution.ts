/** Convolutions over images [N, H, W, C], with the weights and names of PyTorch: [out, in, H, W]. */
import {tf} from '../tf.js';
import type {Declaration, Scope} from './declaration.js';
import {named} from './declaration.js';
import {normal, zeros} from './initialisers.js';

export interface ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Rows and columns of the kernel. */
  readonly size: number;
  readonly bias?: boolean;
}

/** Weights start as He et al. (ICCV 2015) propose: normal with variance 2 / fan out; biases at 0. */
export function convolutionWeights(name: string, options: ConvolutionOptions): Pick<Declaration, 'weights'> {
  const {inputs, outputs, size, bias = false} = options;
  const deviation = Math.sqrt(2 / (outputs * size ** 2));
  return {
    weights: {
      [`${name}.weight`]: {shape: [outputs, inputs, size, size], initialise: normal(deviation)},
      ...(bias && {[`${name}.bias`]: {shape: [outputs], initialise: zeros}}),
    },
  };
}

/** Zeros around the image: as many on each side as keep its size at stride 1. */
export function convolution(scope: Scope, name: string, x: tf.Tensor4D, stride = 1): tf.Tensor4D {
  const weight = named(scope.weights, `${name}.weight`);
  const padding = (weight.shape[2]! - 1) / 2;
  const y = tf.conv2d(x, weight.transpose<tf.Tensor4D>([2, 3, 1, 0]), stride, [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ]);
  const bias = scope.weights[`${name}.bias`];
  return bias === undefined ? y : y.add(bias);
}
