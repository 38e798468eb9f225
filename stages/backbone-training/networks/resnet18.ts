/**
 * ResNet-18 (He et al., CVPR 2016) without its classifier, with torchvision's names, for face crops and, with one
 * channel, for the spectrograms of JCA and JMT.
 *
 *   image     [N, 112, 112, 3], or [N, 64, 107, 1]
 *   stem      7 × 7 convolution and 3 × 3 maximum, each halving the image  →  64 channels
 *   layers    2 units each of 64, 128, 256 and 512 channels; all but the first halve the image
 *   output    [N, 512], the mean over positions
 *
 * No paper releases its parts one by one; the groups are its last layers.
 */
import {patchGeometries} from '../../acoustic-embedding/network-params.js';
import {convolution, convolutionWeights} from '../../learning/layers/convolution.js';
import type {Declaration, Scope} from '../../learning/layers/declaration.js';
import {declare} from '../../learning/layers/declaration.js';
import {imageNorm, imageNormWeights} from '../../learning/layers/image-norm.js';
import {tf} from '../../learning/tf.js';
import type {Network} from './network.js';

const CHANNELS = [64, 128, 256, 512];
const PAPER = 'He et al., "Deep Residual Learning for Image Recognition", CVPR 2016';
const groups = [['layer4'], ['layer3'], ['layer2']];

export const resnet18: Network = {
  name: 'resnet18',
  title: 'ResNet-18',
  paper: PAPER,
  // Mean and deviation of ImageNet, as torchvision's weights expect, times 255.
  format: {
    kind: 'crop',
    resizeTo: 128,
    size: 112,
    mean: [123.675, 116.28, 103.53],
    std: [58.395, 57.12, 57.375],
  },
  dimension: 512,
  groups,
  declare: () => declaration(3),
  forward,
};

export const resnet18Audio: Network = {
  name: 'resnet18-audio',
  title: 'ResNet-18 for spectrograms',
  paper: PAPER,
  format: {kind: 'patch', geometry: patchGeometries.resnet18},
  dimension: 512,
  groups,
  declare: () => declaration(1),
  forward,
};

interface Unit {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
}

function units(): Unit[] {
  return CHANNELS.flatMap((outputs, layer) =>
    [0, 1].map((k) => ({
      name: `layer${layer + 1}.${k}`,
      inputs: k === 0 ? (CHANNELS[layer - 1] ?? outputs) : outputs,
      outputs,
      stride: k === 0 && layer > 0 ? 2 : 1,
    })),
  );
}

function declaration(channels: number): Declaration {
  return declare(
    convolutionWeights('conv1', {inputs: channels, outputs: 64, size: 7}),
    imageNormWeights('bn1', 64),
    ...units().map(({name, inputs, outputs}) =>
      declare(
        convolutionWeights(`${name}.conv1`, {inputs, outputs, size: 3}),
        imageNormWeights(`${name}.bn1`, outputs),
        convolutionWeights(`${name}.conv2`, {inputs: outputs, outputs, size: 3}),
        imageNormWeights(`${name}.bn2`, outputs),
        inputs === outputs ? {} : convolutionWeights(`${name}.downsample.0`, {inputs, outputs, size: 1}),
        inputs === outputs ? {} : imageNormWeights(`${name}.downsample.1`, outputs),
      ),
    ),
  );
}

function forward(scope: Scope, images: tf.Tensor4D): tf.Tensor2D {
  const stem = imageNorm(scope, 'bn1', convolution(scope, 'conv1', images, 2));
  // The rectifier of the maximum is the maximum of the rectified, and there are four times as few of them.
  let x = tf.maxPool(stem, 3, 2, 1, 'floor').relu<tf.Tensor4D>();
  for (const unit of units()) x = residual(scope, unit, x);
  return x.mean<tf.Tensor2D>([1, 2]);
}

function residual(scope: Scope, {name, inputs, outputs, stride}: Unit, x: tf.Tensor4D): tf.Tensor4D {
  const inner = imageNorm(scope, `${name}.bn1`, convolution(scope, `${name}.conv1`, x, stride)).relu<tf.Tensor4D>();
  const outer = imageNorm(scope, `${name}.bn2`, convolution(scope, `${name}.conv2`, inner));
  if (inputs === outputs) return outer.add<tf.Tensor4D>(x).relu();
  const shortcut = convolution(scope, `${name}.downsample.0`, x, stride);
  return outer.add<tf.Tensor4D>(imageNorm(scope, `${name}.downsample.1`, shortcut)).relu();
}
