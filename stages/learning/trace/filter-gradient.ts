/** The gradient of a convolution's filter. */
import type * as tf from '@tensorflow/tfjs';
import {fastFilterGradient} from './fast-convolution.js';
import {fastFormOf} from './fast-form.js';
import {fromTapsSecond} from './filter-layout.js';
import type {Value} from './graph.js';
import {axesOf, channelRows, geometryOf, paddingOf, toFirst, toLast} from './image-geometry.js';
import type {ConvolutionAttributes, Kind} from './image-geometry.js';
import {matmul, reduce, reshape, slice, transpose} from './operations.js';
import {patches, phasesOf, windowsOf} from './patches.js';
import type {AxisWindows} from './patches.js';

interface Images {
  readonly x: Value;
  readonly dy: Value;
}

/** Correlates x with dy over batch and positions, for each tap of the filter. */
export function filterGradient(
  {x, dy}: Images,
  attributes: ConvolutionAttributes & {filterShape: readonly number[]},
  kind: Kind,
): Value {
  const geometry = geometryOf(x.shape, attributes.filterShape, attributes, kind);
  const form = fastFormOf(x.graph, geometry, kind);
  if (form !== undefined) return fastFilterGradient(toLast(x, attributes), toLast(dy, attributes), form);
  return kind === 'depthwise'
    ? depthwiseFilterGradient(
        {x: toFirst(x, attributes), dy: toFirst(dy, attributes)},
        geometry,
        attributes.filterShape,
      )
    : denseFilterGradient({x: toLast(x, attributes), dy: toLast(dy, attributes)}, geometry);
}

/**
 * One product over all positions: of dy and the patches of x, or, where dy has fewer channels and windows lie side by
 * side, of x and the patches of dy.
 */
function denseFilterGradient({x, dy}: Images, geometry: tf.backend_util.Conv2DInfo): Value {
  const {inChannels, outChannels, filterHeight, filterWidth, strideHeight, strideWidth} = geometry;
  const [rows, columns] = axesOf(geometry);
  if (strideHeight === 1 && strideWidth === 1 && outChannels < inChannels) {
    const [down, across] = [rows, columns].map((axis) => phasesOf(axis)[0]!.seen) as [AxisWindows, AxisWindows];
    const product = overPositions(x, patches(dy, [down, across]));
    return transpose(reshape(product, [inChannels, filterHeight, filterWidth, outChannels]), [1, 2, 0, 3]);
  }
  const product = overPositions(dy, patches(x, [windowsOf(rows), windowsOf(columns)]));
  const taps = filterHeight * filterWidth;
  return fromTapsSecond(reshape(product, [outChannels, taps, inChannels]), [filterHeight, filterWidth]);
}

/** Positions of an image from which on its own product, of a size that caches hold, is faster than one for all images. */
const MANY_POSITIONS = 1024;

/** An image [N, …, A] and patches [N · positions, taps · B] → [A, taps · B], summed over positions. */
function overPositions(image: Value, columns: Value): Value {
  const rows = channelRows(image);
  const [batch = 0, count = 0, channels = 0] = rows.shape;
  const sum = {transposeA: true, transposeB: false};
  if (count < MANY_POSITIONS) return matmul(reshape(rows, [batch * count, channels]), columns, sum);
  return reduce('ReduceSum', matmul(rows, reshape(columns, [batch, count, columns.shape[1]!]), sum), [0]);
}

/** A convolution of x with dy as its filter, each channel by itself, with strides and dilations exchanged. */
function depthwiseFilterGradient(
  {x, dy}: Images,
  geometry: tf.backend_util.Conv2DInfo,
  shape: readonly number[],
): Value {
  const {batchSize, inChannels, outChannels, inHeight, inWidth, outHeight, outWidth} = geometry;
  const [swappedX, swappedDy] = [x, dy].map((value) => transpose(value, [1, 0, 2, 3]));
  const [top, left, bottom, right] = paddingOf(geometry);
  const taps = (size: number, stride: number, out: number, dilation: number): number =>
    Math.floor((size - (stride * (out - 1) + 1)) / dilation) + 1;
  const found = [
    taps(inHeight + top + bottom, geometry.strideHeight, outHeight, geometry.dilationHeight),
    taps(inWidth + left + right, geometry.strideWidth, outWidth, geometry.dilationWidth),
  ];
  const input = reshape(swappedX!, [1, inChannels * batchSize, inHeight, inWidth]);
  const output = {shape: [1, outChannels, ...found], dtype: x.dtype};
  const gradient = x.graph.node('Conv', [input, swappedDy!], output, {
    strides: [geometry.dilationHeight, geometry.dilationWidth],
    dilations: [geometry.strideHeight, geometry.strideWidth],
    pads: [top, left, bottom, right],
    group: inChannels,
    kernel_shape: [outHeight, outWidth],
  });
  // A last window that stops short of the edge leaves more positions than the filter has.
  const exact = slice(gradient, [0, 0, 0, 0], [1, outChannels, geometry.filterHeight, geometry.filterWidth]);
  return reshape(transpose(exact, [2, 3, 0, 1]), shape);
}
