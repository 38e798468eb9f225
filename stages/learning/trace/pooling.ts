/** Pooling over windows of an image and its gradients. */
import * as tf from '@tensorflow/tfjs';
import {channelsFirst, channelsLast, paddingOf, transposedConvolution} from './convolution.js';
import type {Value} from './graph.js';
import {sizeOf} from './graph.js';
import type {Call, Kernels, Unary} from './kernel.js';
import {binary, reshape} from './operations.js';

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
  const indices = graph.secondOutput(maxPool(x, attributes), 'int64');
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const zeros = graph.uniform(0, [sizeOf(x.shape)], x.dtype);
  const flat = [indices, channelsFirst(dy)].map((value) => reshape(value, [sizeOf(dy.shape)]));
  const dx = graph.node('ScatterElements', [zeros, ...flat], zeros, {axis: 0, reduction: 'add'});
  return channelsLast(reshape(dx, [batch, channels, height, width]));
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
