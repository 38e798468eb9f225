/** Pooling over windows of an image and its gradients. */
import * as tf from '@tensorflow/tfjs';
import {channelsFirst, channelsLast, paddingOf} from './image-geometry.js';
import {transposedConvolution} from './input-gradient.js';
import type {Value} from './graph.js';
import {sizeOf} from './graph.js';
import type {Call, Kernels, Unary} from './kernel.js';
import {binary, compare, pad, reshape, scalar, slice, unary, where} from './operations.js';

interface PoolAttributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

export const pooling = {
  MaxPool: ({inputs: {x}, attributes}: Call<Unary, PoolAttributes>) => channelsLast(maxPool(x, attributes)),
  AvgPool: ({inputs: {x}, attributes}: Call<Unary, PoolAttributes>) => averagePool(x, attributes),
  MaxPoolGrad: ({inputs: {dy, input}, attributes}: Call<{dy: Value; input: Value}, PoolAttributes>) =>
    maxPoolGradient(dy, input, attributes),
  AvgPoolGrad: ({inputs: {dy, input}, attributes}: Call<{dy: Value; input: Value}, PoolAttributes>) =>
    averagePoolGradient(dy, input, attributes),
} satisfies Kernels;

function geometryOf(x: Value, {filterSize, strides, pad, dimRoundingMode}: PoolAttributes): tf.backend_util.Conv2DInfo {
  const shape = x.shape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
}

function windowsOf(geometry: tf.backend_util.Conv2DInfo): {kernel_shape: number[]; strides: number[]; pads: number[]} {
  return {
    kernel_shape: [geometry.filterHeight, geometry.filterWidth],
    strides: [geometry.strideHeight, geometry.strideWidth],
    pads: paddingOf(geometry),
  };
}

function pooledShape({batchSize, outChannels, outHeight, outWidth}: tf.backend_util.Conv2DInfo): number[] {
  return [batchSize, outChannels, outHeight, outWidth];
}

/** [N, C, H, W]. */
function maxPool(x: Value, attributes: PoolAttributes): Value {
  const geometry = geometryOf(x, attributes);
  const output = {shape: pooledShape(geometry), dtype: x.dtype};
  return x.graph.node('MaxPool', [channelsFirst(x)], output, windowsOf(geometry));
}

/** Padding does not count in the mean. */
function averagePool(x: Value, attributes: PoolAttributes): Value {
  const geometry = geometryOf(x, attributes);
  const output = {shape: pooledShape(geometry), dtype: x.dtype};
  const options = {...windowsOf(geometry), count_include_pad: 0};
  return channelsLast(x.graph.node('AveragePool', [channelsFirst(x)], output, options));
}

/** Adds each dy to the element that was the largest of its window, the first where several were. */
function maxPoolGradient(dy: Value, x: Value, attributes: PoolAttributes): Value {
  const {graph} = x;
  // ONNX Runtime's pooling tells no indices on WebGPU.
  if (graph.options.target === 'gpu') return maxPoolGradientByTaps(dy, x, attributes);
  const indices = graph.secondOutput(maxPool(x, attributes), 'int64');
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const zeros = graph.uniform(0, [sizeOf(x.shape)], x.dtype);
  const flat = [indices, channelsFirst(dy)].map((value) => reshape(value, [sizeOf(dy.shape)]));
  const dx = graph.node('ScatterElements', [zeros, ...flat], zeros, {axis: 0, reduction: 'add'});
  return channelsLast(reshape(dx, [batch, channels, height, width]));
}

/** The same by comparison: each tap of the window takes the dy of those windows whose first largest element it saw. */
function maxPoolGradientByTaps(dy: Value, x: Value, attributes: PoolAttributes): Value {
  const geometry = geometryOf(x, attributes);
  const {batchSize, inChannels, inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth} = geometry;
  const {strideHeight, strideWidth} = geometry;
  const [top, left, bottom, right] = paddingOf(geometry);
  const around = [
    [0, 0],
    [0, 0],
    [top, bottom],
    [left, right],
  ] as const;
  const padded = pad(channelsFirst(x), around, {value: -Infinity});
  const [y, gradient] = [maxPool(x, attributes), channelsFirst(dy)];
  const [height, width] = [outHeight * strideHeight, outWidth * strideWidth];
  let taken: Value | undefined;
  let sum: Value | undefined;
  for (let tap = 0; tap < filterHeight * filterWidth; tap++) {
    const [row, column] = [Math.floor(tap / filterWidth), tap % filterWidth];
    const end = [row + (outHeight - 1) * strideHeight + 1, column + (outWidth - 1) * strideWidth + 1];
    const seen = slice(padded, [0, 0, row, column], [batchSize, inChannels, ...end], [1, 1, strideHeight, strideWidth]);
    const largest = compare('Equal', seen, y);
    const first = taken === undefined ? largest : compare('And', largest, unary('Not', taken));
    taken = taken === undefined ? largest : compare('Or', taken, largest);
    const share = spread(where(first, gradient, scalar(gradient, 0)), [strideHeight, strideWidth]);
    const placed = pad(share, [
      [0, 0],
      [0, 0],
      [row, filterHeight - row],
      [column, filterWidth - column],
    ]);
    sum = sum === undefined ? placed : binary('Add', sum, placed);
  }
  const reach = [
    Math.max(0, top + inHeight - height - filterHeight),
    Math.max(0, left + inWidth - width - filterWidth),
  ] as const;
  const whole = pad(sum!, [
    [0, 0],
    [0, 0],
    [0, reach[0]],
    [0, reach[1]],
  ]);
  return channelsLast(slice(whole, [0, 0, top, left], [batchSize, inChannels, top + inHeight, left + inWidth]));
}

/** Puts zeros between the rows and columns of an image, so that neighbours lie `strides` apart. */
function spread(image: Value, [down, across]: readonly [number, number]): Value {
  const [batch = 0, channels = 0, height = 0, width = 0] = image.shape;
  const apart = reshape(image, [batch, channels, height, 1, width, 1]);
  const room = [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, across - 1],
  ] as const;
  return reshape(pad(apart, room), [batch, channels, height * down, width * across]);
}

function averagePoolGradient(dy: Value, x: Value, attributes: PoolAttributes): Value {
  const geometry = geometryOf(x, attributes);
  const {batchSize, inChannels, inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth} = geometry;
  const counts = x.graph.constant(windowCounts(geometry), [outHeight, outWidth, 1], 'float32');
  const shares = channelsFirst(binary('Div', dy, counts));
  const ones = x.graph.uniform(1, [1, 1, filterHeight, filterWidth], 'float32');
  const planes = batchSize * inChannels;
  const dx = transposedConvolution(reshape(shares, [planes, 1, outHeight, outWidth]), ones, geometry, {
    shape: [planes, 1, inHeight, inWidth],
    group: 1,
  });
  return channelsLast(reshape(dx, [batchSize, inChannels, inHeight, inWidth]));
}

/** How many elements inside the image each window covers. [outHeight, outWidth] */
function windowCounts(geometry: tf.backend_util.Conv2DInfo): Float32Array {
  const {padInfo, inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth} = geometry;
  const covered = (first: number, length: number, size: number): number =>
    Math.min(first + length, size) - Math.max(first, 0);
  const counts = new Float32Array(outHeight * outWidth);
  return counts.map((_, index) => {
    const row = Math.floor(index / outWidth);
    const top = row * geometry.strideHeight - padInfo.top;
    const left = (index - row * outWidth) * geometry.strideWidth - padInfo.left;
    return covered(top, filterHeight, inHeight) * covered(left, filterWidth, inWidth);
  });
}
