import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import type {Arrays, Tensors} from '../../../../stages/learning/program.js';
import {checkOperations, fixed, nonzero} from './cases.js';
import type {Case} from './cases.js';

const image = (dims: number[], filter: number[]): fc.Arbitrary<Arrays> => fixed({x: dims, filter});
const x4 = ({x}: Tensors): tf.Tensor4D => x as tf.Tensor4D;

const cases: Readonly<Record<string, Case>> = {
  ...convolutionCases(),
  ...poolingCases(),
  batchNorm: {
    compute: ({x, mean, variance, scale, offset}) =>
      tf.batchNorm(
        x!,
        mean as tf.Tensor1D,
        tf.square(variance!) as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
      ),
    inputs: fixed({x: [2, 3, 2, 4], mean: [4], variance: [4], scale: [4], offset: [4]}, nonzero),
    gradient: 'eager',
  },
  batchNormOfBatch: {
    compute: ({x, scale, offset}) => {
      const {mean, variance} = tf.moments(x!, [0, 1, 2]);
      return tf.batchNorm(
        x!,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
        1e-5,
      );
    },
    inputs: fixed({x: [2, 3, 2, 4], scale: [4], offset: [4]}),
    gradient: 'eager',
  },
  batchNormAfterConvolution: {
    compute: ({x, filter, mean, variance, scale, offset}) =>
      tf.batchNorm(
        tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'),
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
      ),
    inputs: fixed({x: [1, 4, 4, 2], filter: [3, 3, 2, 3], mean: [3], variance: [3], scale: [3], offset: [3]}, nonzero),
    gradient: 'eager',
  },
  resizeBilinear: resizing('resizeBilinear', [5, 7]),
  resizeBilinearDown: resizing('resizeBilinear', [2, 3]),
  resizeNearest: resizing('resizeNearestNeighbor', [5, 7]),
};

function convolutionCases(): Record<string, Case> {
  const padding: readonly (
    | ['valid' | 'same' | number, string]
    | [[[number, number], [number, number], [number, number], [number, number]], string]
  )[] = [
    ['valid', 'Valid'],
    ['same', 'Same'],
    [1, 'PaddedByOne'],
    [
      [
        [0, 0],
        [1, 0],
        [0, 2],
        [0, 0],
      ],
      'PaddedUnevenly',
    ],
  ];
  const found: Record<string, Case> = {};
  for (const [pad, name] of padding) {
    for (const stride of [1, 2] as const) {
      const options = `${name}Stride${String(stride)}`;
      found[`conv2d${options}`] = {
        compute: ({x, filter}) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad),
        inputs: image([2, 5, 6, 2], [3, 2, 2, 3]),
        gradient: 'slope',
      };
      if (typeof pad === 'object') continue;
      found[`depthwiseConv2d${options}`] = {
        compute: ({x, filter}) => tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad),
        inputs: image([2, 5, 6, 3], [3, 3, 3, 2]),
        gradient: 'slope',
      };
    }
  }
  return {
    ...found,
    pointwise: {
      compute: ({x, filter}) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'),
      inputs: image([2, 3, 4, 3], [1, 1, 3, 2]),
      gradient: 'slope',
    },
    pointwiseStride2: {
      compute: ({x, filter}) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 'valid'),
      inputs: image([2, 4, 5, 3], [1, 1, 3, 2]),
      gradient: 'slope',
    },
    wideRowsOfChannels: {
      compute: ({x, filter}) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 1),
      inputs: image([2, 5, 4, 17], [3, 3, 17, 2]),
      gradient: 'eager',
    },
    manyPositions: {
      compute: ({x, filter}) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 1),
      inputs: image([2, 65, 67, 2], [3, 3, 2, 3]),
      gradient: 'eager',
    },
    dilated: {
      compute: ({x, filter}) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same', 'NHWC', 2),
      inputs: image([1, 6, 5, 2], [3, 3, 2, 2]),
      gradient: 'slope',
    },
    causal: {
      compute: ({x, filter}) =>
        tf.conv2d(
          x as tf.Tensor4D,
          filter as tf.Tensor4D,
          1,
          [
            [0, 0],
            [0, 0],
            [8, 0],
            [0, 0],
          ],
          'NHWC',
          [1, 4],
        ),
      inputs: image([2, 1, 7, 3], [1, 3, 3, 2]),
      gradient: 'slope',
    },
    conv1d: {
      compute: ({x, filter}) => tf.conv1d(x as tf.Tensor3D, filter as tf.Tensor3D, 1, 'same'),
      inputs: fixed({x: [2, 7, 3], filter: [5, 3, 2]}),
      gradient: 'slope',
    },
    conv2dTranspose: {
      compute: ({x, filter}) => tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, [1, 6, 6, 2], 2, 'same'),
      inputs: image([1, 3, 3, 3], [3, 3, 2, 3]),
      gradient: 'slope',
    },
    separableConv2d: {
      compute: ({x, filter, point}) =>
        tf.separableConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, point as tf.Tensor4D, 1, 'same'),
      inputs: fixed({x: [1, 5, 5, 2], filter: [3, 3, 2, 1], point: [1, 1, 2, 3]}),
      gradient: 'slope',
    },
    fusedConv2d: {
      compute: ({x, filter, bias}) =>
        tf.fused.conv2d({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          strides: 1,
          pad: 'same',
          bias: bias!,
          activation: 'relu',
        }),
      inputs: fixed({x: [1, 4, 4, 2], filter: [3, 3, 2, 3], bias: [3]}),
      gradient: 'eager',
    },
    fusedDepthwiseConv2d: {
      compute: ({x, filter, bias}) =>
        tf.fused.depthwiseConv2d({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          strides: 1,
          pad: 'same',
          bias: bias!,
          activation: 'relu6',
        }),
      inputs: fixed({x: [1, 4, 4, 2], filter: [3, 3, 2, 1], bias: [2]}),
      gradient: 'none',
    },
    twoConvolutions: {
      compute: ({x, filter, second}) =>
        tf.conv2d(
          tf.relu(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same')),
          second as tf.Tensor4D,
          2,
          'same',
        ),
      inputs: fixed({x: [1, 5, 5, 2], filter: [3, 3, 2, 3], second: [3, 3, 3, 2]}),
      gradient: 'eager',
    },
  };
}

function poolingCases(): Record<string, Case> {
  const found: Record<string, Case> = {};
  for (const [filter, stride, pad] of [
    [2, 2, 'valid'],
    [3, 2, 'same'],
    [3, 1, 1],
    [2, 3, 'valid'],
  ] as const) {
    const name = `${String(filter)}By${String(stride)}${String(pad)}`;
    const inputs = fc.uniqueArray(fc.integer({min: -200, max: 200}), {minLength: 60, maxLength: 60}).map((list) => ({
      x: {shape: [1, 5, 6, 2], values: Float32Array.from(list, (value) => value / 7)},
    }));
    found[`maxPool${name}`] = {compute: (t) => tf.maxPool(x4(t), filter, stride, pad), inputs, gradient: 'slope'};
    // tfjs's CPU backend divides the gradient by the whole window, also where a part of it lies outside.
    found[`avgPool${name}`] = {compute: (t) => tf.avgPool(x4(t), filter, stride, pad), inputs, gradient: 'slope only'};
  }
  return {
    ...found,
    maxPoolRoundedUp: {
      compute: (t) => tf.maxPool(x4(t), 2, 2, 0, 'ceil'),
      inputs: fixed({x: [1, 5, 5, 2]}),
      gradient: 'none',
    },
  };
}

function resizing(name: 'resizeBilinear' | 'resizeNearestNeighbor', target: [number, number]): Case {
  return {
    compute: (t) => [
      tf.image[name](x4(t), target),
      tf.image[name](x4(t), target, true),
      tf.image[name](x4(t), target, false, true),
    ],
    inputs: fixed({x: [2, 3, 4, 2]}),
    // tfjs's CPU backend ignores half-pixel centres in the gradient.
    gradient: 'slope only',
  };
}

checkOperations(cases);
