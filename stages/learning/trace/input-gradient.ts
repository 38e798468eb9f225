/** The gradient of a convolution's input. */
import {fastInputGradient} from './fast-convolution.js';
import {turnedFormOf} from './fast-form.js';
import type {Value} from './graph.js';
import {fromFirst, fromLast, geometryOf, outputFirst, paddingOf, toFirst, toLast} from './image-geometry.js';
import type {ConvolutionAttributes, Geometry, Kind} from './image-geometry.js';
import {binary, matmul, pad, reshape, sizeOf, slice, transpose} from './operations.js';
import {patchInputGradient, suitsPatches} from './patch-convolution.js';

/**
 * Spreads dy over the windows that it came from: a convolution with the turned filter, which ONNX Runtime computes as
 * fast as the forward one, or a transposed convolution where windows lie more than one step apart.
 */
export function inputGradient(
  {dy, filter}: {readonly dy: Value; readonly filter: Value},
  attributes: ConvolutionAttributes & {inputShape: readonly number[]},
  kind: Kind,
): Value {
  const geometry = geometryOf(attributes.inputShape, filter.shape, attributes, kind);
  const {batchSize, inChannels, inHeight, inWidth, strideHeight, strideWidth} = geometry;
  const shape = [batchSize, inChannels, inHeight, inWidth];
  const form = turnedFormOf(dy.graph, geometry, kind);
  if (form !== undefined) return fromLast(fastInputGradient(toLast(dy, attributes), filter, form), attributes);
  if (suitsPatches(dy.graph, geometry, {channels: geometry.outChannels, kind})) {
    return fromLast(patchInputGradient(toLast(dy, attributes), filter, geometry), attributes);
  }
  const image = toFirst(dy, attributes);
  if (kind === 'dense' && strideHeight === 1 && strideWidth === 1) {
    return fromFirst(turnedConvolution(image, filter, geometry, shape), attributes);
  }
  if (kind === 'depthwise') return fromFirst(depthwiseInputGradient(image, filter, geometry, shape), attributes);
  return fromFirst(transposedConvolution(image, outputFirst(filter, kind), geometry, {shape, group: 1}), attributes);
}

/**
 * One transposed convolution for each of the filters [H, W, C, M] that a channel has: with several output channels in
 * a group, ONNX Runtime 1.30 on WebGPU gives wrong numbers.
 */
function depthwiseInputGradient(dy: Value, filter: Value, geometry: Geometry, shape: readonly number[]): Value {
  const [height = 0, width = 0, channels = 0, multiplier = 0] = filter.shape;
  const [batch = 0, , ...positions] = dy.shape;
  const apart = reshape(dy, [batch, channels, multiplier, ...positions]);
  const filters = transpose(filter, [2, 3, 0, 1]);
  const parts = Array.from({length: multiplier}, (_, at) => {
    const part = slice(apart, [0, 0, at, 0, 0], [batch, channels, at + 1, ...positions]);
    const own = slice(filters, [0, at, 0, 0], [channels, at + 1, height, width]);
    return transposedConvolution(reshape(part, [batch, channels, ...positions]), own, geometry, {
      shape,
      group: channels,
    });
  });
  return parts.reduce((sum, part) => binary('Add', sum, part));
}

function turnedConvolution(dy: Value, filter: Value, geometry: Geometry, shape: readonly number[]): Value {
  const {effectiveFilterHeight, effectiveFilterWidth, padInfo, inHeight, inWidth, outHeight, outWidth} = geometry;
  const top = effectiveFilterHeight - 1 - padInfo.top;
  const left = effectiveFilterWidth - 1 - padInfo.left;
  const bottom = inHeight + effectiveFilterHeight - 1 - outHeight - top;
  const right = inWidth + effectiveFilterWidth - 1 - outWidth - left;
  // Padding beyond the filter's own size means that the outermost dy saw nothing of the image.
  const cut = (amount: number): number => Math.max(0, -amount);
  const seen = slice(
    dy,
    [0, 0, cut(top), cut(left)],
    [...dy.shape.slice(0, 2), outHeight - cut(bottom), outWidth - cut(right)],
  );
  const turned = turnedFilter(filter);
  return dy.graph.node(
    'Conv',
    [seen, turned],
    {shape, dtype: dy.dtype},
    {
      strides: [1, 1],
      dilations: [geometry.dilationHeight, geometry.dilationWidth],
      pads: [top, left, bottom, right].map((amount) => Math.max(0, amount)),
      group: 1,
      kernel_shape: turned.shape.slice(2),
    },
  );
}

/** ONNX's transposed convolution, cut or padded to the size of the input that the windows were taken from. */
export function transposedConvolution(
  dy: Value,
  filter: Value,
  geometry: Geometry,
  {shape, group}: {shape: readonly number[]; group: number},
): Value {
  const {strideHeight, strideWidth, outHeight, outWidth, inHeight, inWidth} = geometry;
  const [top, left, bottom, right] = paddingOf(geometry);
  const covered = [
    (outHeight - 1) * strideHeight + geometry.effectiveFilterHeight - top - bottom,
    (outWidth - 1) * strideWidth + geometry.effectiveFilterWidth - left - right,
  ];
  const [batch = 0, channels = 0] = shape;
  const output = {shape: [batch, channels, ...covered], dtype: dy.dtype};
  const dx = dy.graph.node('ConvTranspose', [dy, filter], output, {
    strides: [strideHeight, strideWidth],
    dilations: [geometry.dilationHeight, geometry.dilationWidth],
    pads: [top, left, bottom, right],
    group,
    kernel_shape: filter.shape.slice(2),
  });
  // Rows that no window reached have no gradient.
  return pad(dx, [
    [0, 0],
    [0, 0],
    [0, inHeight - covered[0]!],
    [0, inWidth - covered[1]!],
  ]);
}

/**
 * HWIO → IOHW, rows and columns in reverse: a product with the matrix that reverses a vector of taps, which is several
 * times as fast as ONNX Runtime's slices with negative steps.
 */
function turnedFilter(filter: Value): Value {
  const [height = 0, width = 0, inputs = 0, outputs = 0] = filter.shape;
  const stored = transpose(filter, [3, 2, 0, 1]);
  const turned = transpose(reversedTaps(stored, height * width), [1, 0, 2, 3]);
  return reshape(turned, [inputs, outputs, height, width]);
}

/** Reverses the taps, the last elements of a value in groups of `taps`. */
function reversedTaps(x: Value, taps: number): Value {
  if (taps === 1) return x;
  const reversal = new Float32Array(taps * taps);
  for (let tap = 0; tap < taps; tap++) reversal[tap * taps + taps - 1 - tap] = 1;
  const groups = reshape(x, [sizeOf(x.shape) / taps, taps]);
  const matrix = x.graph.constant(reversal, [taps, taps], 'float32');
  return reshape(matmul(groups, matrix), x.shape);
}
