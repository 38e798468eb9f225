/** The gradient of a convolution's filter. */
import type * as tf from '@tensorflow/tfjs';
import {fastFilterGradient} from './fast-convolution.js';
import {fastFormOf} from './fast-form.js';
import type {Value} from './graph.js';
import {geometryOf, paddingOf, toFirst, toLast} from './image-geometry.js';
import type {ConvolutionAttributes, Kind} from './image-geometry.js';
import {matmul, reduce, reshape, sizeOf, slice, transpose} from './operations.js';
import {patches, turnedWindows, windows} from './patches.js';

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
  const images = {x: toFirst(x, attributes), dy: toFirst(dy, attributes)};
  return kind === 'depthwise'
    ? depthwiseFilterGradient(images, geometry, attributes.filterShape)
    : denseFilterGradient(images, geometry);
}

/**
 * One product over all positions: of dy and the patches of x, or, where dy has fewer channels and windows lie side by
 * side, of x and the patches of dy.
 */
function denseFilterGradient({x, dy}: Images, geometry: tf.backend_util.Conv2DInfo): Value {
  const {inChannels, outChannels, filterHeight, filterWidth, strideHeight, strideWidth} = geometry;
  if (strideHeight === 1 && strideWidth === 1 && outChannels < inChannels) {
    // The tap that looks furthest ahead in x looks furthest back in dy, so the windows over dy have them in reverse.
    const product = overPositions(x, patches(dy, turnedWindows(geometry)));
    return transpose(reshape(product, [inChannels, filterHeight, filterWidth, outChannels]), [1, 2, 0, 3]);
  }
  const product = overPositions(dy, patches(x, windows(geometry)));
  return transpose(reshape(product, [outChannels, filterHeight, filterWidth, inChannels]), [1, 2, 3, 0]);
}

/** Positions of an image from which on its own product, of a size that caches hold, is faster than one for all images. */
const MANY_POSITIONS = 1024;

/** An image [N, A, …] and patches [N · positions, taps · B] → [A, taps · B], summed over positions. */
function overPositions(image: Value, columns: Value): Value {
  const [batch = 0, channels = 0, ...positions] = image.shape;
  const count = sizeOf(positions);
  if (count >= MANY_POSITIONS) {
    const each = reshape(columns, [batch, count, columns.shape[1]!]);
    return reduce('ReduceSum', matmul(reshape(image, [batch, channels, count]), each), [0]);
  }
  const rows = reshape(transpose(image, [1, 0, 2, 3]), [channels, batch * count]);
  return matmul(rows, columns);
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
