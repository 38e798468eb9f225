/**
 * Causal dilated temporal convolution network of Bai, Kolter and Koltun, "An empirical evaluation of generic
 * convolutional and recurrent networks for sequence modeling", 2018: levels with dilation 1, 2, 4, …, two convolutions
 * each, a residual around both.
 */
import {tf} from '../tf.js';
import type {Declaration, Scope} from './declaration.js';
import {declare, named} from './declaration.js';
import {linear} from './dense.js';
import {dropout, dropoutMask} from './dropout.js';
import type {Initialiser} from './initialisers.js';
import {normsOf, torchDefault, uniform, xavierUniform} from './initialisers.js';

/** Slope for negative values, PyTorch's default. */
const LEAK = 0.01;

export interface TemporalConvolutionOptions {
  readonly inputs: number;
  /** Output channels of each level. */
  readonly channels: readonly number[];
  readonly kernel: number;
  readonly dropout: number;
  /** Steps of a window, for the shapes of the dropout masks. */
  readonly length: number;
  /** Weight normalisation (Salimans and Kingma, 2016), as in Bai's and the authors' code. */
  readonly weightNorm: boolean;
}

export function temporalConvolutionWeights(name: string, options: TemporalConvolutionOptions): Declaration {
  const {channels, kernel, length, weightNorm} = options;
  return declare(
    ...channels.map((outputs, level) => {
      const inputs = channels[level - 1] ?? options.inputs;
      const prefix = `${name}.network.${level}`;
      return declare(
        convolutionWeights(`${prefix}.conv1`, {inputs, outputs, kernel, weightNorm}),
        convolutionWeights(`${prefix}.conv2`, {inputs: outputs, outputs, kernel, weightNorm}),
        inputs === outputs ? {} : downsampleWeights(`${prefix}.downsample`, inputs, outputs),
        dropoutMask(`${prefix}.dropout1`, [length, outputs], options.dropout),
        dropoutMask(`${prefix}.dropout2`, [length, outputs], options.dropout),
      );
    }),
  );
}

/** Maps x [B, L, inputs] to [B, L, last channel]; step k reads no step after k: with four levels of kernel 5, 121 steps. */
export function temporalConvolution(scope: Scope, name: string, x: tf.Tensor): tf.Tensor {
  let y = x;
  for (let level = 0; hasConvolution(scope, `${name}.network.${level}.conv1`); level++) {
    y = residualLevel(scope, `${name}.network.${level}`, y, 2 ** level);
  }
  return y;
}

function residualLevel(scope: Scope, prefix: string, x: tf.Tensor, dilation: number): tf.Tensor {
  const inner = dropout(scope, `${prefix}.dropout1`, leaky(convolution(scope, `${prefix}.conv1`, x, dilation)));
  const outer = dropout(scope, `${prefix}.dropout2`, leaky(convolution(scope, `${prefix}.conv2`, inner, dilation)));
  const direct = hasConvolution(scope, `${prefix}.downsample`) ? convolution(scope, `${prefix}.downsample`, x, 1) : x;
  return leaky(outer.add(direct));
}

export const leaky = (x: tf.Tensor): tf.Tensor => tf.leakyRelu(x, LEAK);

interface ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly weightNorm: boolean;
}

function convolutionWeights(name: string, options: ConvolutionOptions): Pick<Declaration, 'weights'> {
  const {inputs, outputs, kernel, weightNorm} = options;
  const shape = [outputs, inputs, kernel];
  const bias = {shape: [outputs], initialise: uniform(1 / Math.sqrt(inputs * kernel))};
  if (!weightNorm) return {weights: {[`${name}.weight`]: weightOf(shape, torchDefault), [`${name}.bias`]: bias}};
  const initialise = normsOf(`${name}.weight_v`, shape, torchDefault);
  return {
    weights: {
      [`${name}.bias`]: bias,
      [`${name}.weight_g`]: {shape: [outputs, 1, 1], initialise},
      [`${name}.weight_v`]: weightOf(shape, torchDefault),
    },
  };
}

/** The 1 × 1 convolution of the residual where the channels change; Xavier with gain √2, as released. */
function downsampleWeights(name: string, inputs: number, outputs: number): Pick<Declaration, 'weights'> {
  const bias = {shape: [outputs], initialise: uniform(1 / Math.sqrt(inputs))};
  return {
    weights: {
      [`${name}.weight`]: weightOf([outputs, inputs, 1], xavierUniform(Math.SQRT2)),
      [`${name}.bias`]: bias,
    },
  };
}

const weightOf = (shape: readonly number[], initialise: Initialiser) => ({shape, initialise});

const hasConvolution = (scope: Scope, name: string): boolean =>
  `${name}.weight` in scope.weights || `${name}.weight_v` in scope.weights;

function convolution(scope: Scope, name: string, x: tf.Tensor, dilation: number): tf.Tensor {
  return causalConvolution(x, kernelOf(scope, name), named(scope.weights, `${name}.bias`), dilation);
}

/** The kernel itself, or g · v / ‖v‖ with one norm per output channel. */
function kernelOf(scope: Scope, name: string): tf.Tensor {
  if (`${name}.weight` in scope.weights) return named(scope.weights, `${name}.weight`);
  const direction = named(scope.weights, `${name}.weight_v`);
  const norm = direction.square().sum([1, 2], true).sqrt();
  return direction.mul(named(scope.weights, `${name}.weight_g`).div(norm));
}

/** x [B, L, in] with kernel [out, in, k]: y[t] = Σ_j W[:, :, j] x[t − (k − 1 − j) · dilation] + b. */
export function causalConvolution(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, dilation: number): tf.Tensor {
  const [batch, length, inputs] = x.shape as [number, number, number];
  const [outputs, , taps] = kernel.shape as [number, number, number];
  if (taps === 1) return linear(x, kernel.reshape([outputs, inputs]), bias);
  const image = x.reshape<tf.Tensor4D>([batch, 1, length, inputs]);
  const filter = kernel.transpose([2, 1, 0]).reshape<tf.Tensor4D>([1, taps, inputs, outputs]);
  const y = tf.conv2d(image, filter, 1, pastOf(taps, dilation), 'NHWC', [1, dilation]);
  return y.reshape([batch, length, outputs]).add(bias);
}

/** Zeros in front of a window for what an output reads of the past. */
const pastOf = (taps: number, dilation: number): Parameters<typeof tf.conv2d>[3] => [
  [0, 0],
  [0, 0],
  [(taps - 1) * dilation, 0],
  [0, 0],
];
