/**
 * Convolutions and their gradients. tfjs keeps channels last (NHWC, filters HWIO), ONNX first (NCHW, filters OIHW);
 * the transposes between two convolutions cancel.
 */
import * as tf from '@tensorflow/tfjs';
import {biased} from './activation.js';
import type {FusedAttributes, FusedInputs} from './activation.js';
import {fastConvolve, fastFilterGradient, fastForm, fastInputGradient, turned} from './fast-convolution.js';
import type {Convolution, Form} from './fast-convolution.js';
import type {Graph, Value} from './graph.js';
import type {Call, Kernels} from './kernel.js';
import {asImage} from './layout.js';
import {binary, matmul, pad, reshape, sizeOf, slice, transpose} from './operations.js';
import type {AxisGeometry} from './tiling.js';

interface ConvolutionInputs {
  readonly x: Value;
  readonly filter: Value;
}
interface GradientInputs {
  readonly x: Value;
  readonly filter: Value;
  readonly dy: Value;
}
/** What all convolution kernels of tfjs tell about the geometry. */
interface ConvolutionAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: number | [number, number];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
type Geometry = Pick<
  tf.backend_util.Conv2DInfo,
  | 'strideHeight'
  | 'strideWidth'
  | 'dilationHeight'
  | 'dilationWidth'
  | 'effectiveFilterHeight'
  | 'effectiveFilterWidth'
  | 'inHeight'
  | 'inWidth'
  | 'outHeight'
  | 'outWidth'
  | 'padInfo'
>;

export const convolutions = {
  Conv2D: ({inputs, attributes}: Call<ConvolutionInputs, ConvolutionAttributes>) =>
    convolve(inputs, attributes, 'dense'),
  FusedConv2D: ({inputs, attributes}: Call<ConvolutionInputs & FusedInputs, ConvolutionAttributes & FusedAttributes>) =>
    biased(convolve(inputs, attributes, 'dense'), inputs, attributes),
  DepthwiseConv2dNative: ({inputs, attributes}: Call<ConvolutionInputs, ConvolutionAttributes>) =>
    convolve(inputs, attributes, 'depthwise'),
  FusedDepthwiseConv2D: ({
    inputs,
    attributes,
  }: Call<ConvolutionInputs & FusedInputs, ConvolutionAttributes & FusedAttributes>) =>
    biased(convolve(inputs, attributes, 'depthwise'), inputs, attributes),
  Conv2DBackpropInput: ({
    inputs,
    attributes,
  }: Call<GradientInputs, ConvolutionAttributes & {inputShape: readonly number[]}>) =>
    inputGradient(inputs, attributes, 'dense'),
  DepthwiseConv2dNativeBackpropInput: ({
    inputs,
    attributes,
  }: Call<GradientInputs, ConvolutionAttributes & {inputShape: readonly number[]}>) =>
    inputGradient(inputs, attributes, 'depthwise'),
  Conv2DBackpropFilter: ({
    inputs,
    attributes,
  }: Call<GradientInputs, ConvolutionAttributes & {filterShape: readonly number[]}>) =>
    filterGradient(inputs, attributes, 'dense'),
  DepthwiseConv2dNativeBackpropFilter: ({
    inputs,
    attributes,
  }: Call<GradientInputs, ConvolutionAttributes & {filterShape: readonly number[]}>) =>
    filterGradient(inputs, attributes, 'depthwise'),
} satisfies Kernels;

type Kind = 'dense' | 'depthwise';

export function channelsFirst(x: Value): Value {
  return transpose(x, [0, 3, 1, 2]);
}

export function channelsLast(x: Value): Value {
  const last = transpose(x, [0, 2, 3, 1]);
  // On the CPU most convolutions of images, unlike those of sequences, read channels last (`fast-convolution.ts`).
  return x.graph.options.target === 'cpu' && x.shape[2]! > 1 ? last : asImage(last);
}

function geometryOf(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: ConvolutionAttributes,
  kind: Kind,
): tf.backend_util.Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    attributes.strides,
    attributes.dilations ?? 1,
    attributes.pad,
    attributes.dimRoundingMode,
    kind === 'depthwise',
    tf.backend_util.convertConv2DDataFormat(attributes.dataFormat ?? 'NHWC'),
  );
}

/** ONNX's [top, left, bottom, right]; the last two reach as far as the last window does. */
export function paddingOf(geometry: Geometry): [number, number, number, number] {
  const {padInfo, strideHeight, strideWidth, inHeight, inWidth, outHeight, outWidth} = geometry;
  const {effectiveFilterHeight, effectiveFilterWidth} = geometry;
  const bottom = (outHeight - 1) * strideHeight + effectiveFilterHeight - inHeight - padInfo.top;
  const right = (outWidth - 1) * strideWidth + effectiveFilterWidth - inWidth - padInfo.left;
  return [padInfo.top, padInfo.left, Math.max(0, bottom), Math.max(0, right)];
}

function convolve({x, filter}: ConvolutionInputs, attributes: ConvolutionAttributes, kind: Kind): Value {
  const geometry = geometryOf(x.shape, filter.shape, attributes, kind);
  const form = formOf(x.graph, fastGeometry(geometry, kind));
  if (form !== undefined) return fromLast(fastConvolve(toLast(x, attributes), filter, form), attributes);
  const {batchSize, outChannels, outHeight, outWidth} = geometry;
  const output = {shape: [batchSize, outChannels, outHeight, outWidth], dtype: x.dtype};
  const y = x.graph.node('Conv', [toFirst(x, attributes), outputFirst(filter, kind)], output, {
    strides: [geometry.strideHeight, geometry.strideWidth],
    dilations: [geometry.dilationHeight, geometry.dilationWidth],
    pads: paddingOf(geometry),
    group: kind === 'depthwise' ? geometry.inChannels : 1,
    kernel_shape: [geometry.filterHeight, geometry.filterWidth],
  });
  return fromFirst(y, attributes);
}

const toFirst = (x: Value, {dataFormat}: ConvolutionAttributes): Value =>
  dataFormat === 'NCHW' ? x : channelsFirst(x);
const fromFirst = (x: Value, {dataFormat}: ConvolutionAttributes): Value =>
  dataFormat === 'NCHW' ? x : channelsLast(x);

const toLast = (x: Value, {dataFormat}: ConvolutionAttributes): Value =>
  dataFormat === 'NCHW' ? transpose(x, [0, 2, 3, 1]) : x;
const fromLast = (x: Value, {dataFormat}: ConvolutionAttributes): Value =>
  dataFormat === 'NCHW' ? transpose(x, [0, 3, 1, 2]) : x;

/** The form with fewer products, on the CPU: graphs that leave ONNX Runtime keep the operators of convolutions. */
function formOf({options}: Graph, convolution: Convolution | undefined): Form | undefined {
  return options.target === 'cpu' && convolution !== undefined ? fastForm(convolution) : undefined;
}

function fastGeometry(geometry: tf.backend_util.Conv2DInfo, kind: Kind): Convolution | undefined {
  const {batchSize: batch, inChannels, outChannels, strideHeight, strideWidth, padInfo} = geometry;
  if (kind === 'depthwise' || strideHeight !== 1 || strideWidth !== 1) return undefined;
  const rows: AxisGeometry = {
    taps: geometry.filterHeight,
    dilation: geometry.dilationHeight,
    before: padInfo.top,
    inputs: geometry.inHeight,
    outputs: geometry.outHeight,
  };
  const columns: AxisGeometry = {
    taps: geometry.filterWidth,
    dilation: geometry.dilationWidth,
    before: padInfo.left,
    inputs: geometry.inWidth,
    outputs: geometry.outWidth,
  };
  return {batch, axes: [rows, columns], inChannels, outChannels};
}

/** HWIO → OIHW; a depthwise filter [H, W, C, M] → [C · M, 1, H, W], output channel c · M + m. */
function outputFirst(filter: Value, kind: Kind): Value {
  if (kind === 'dense') return transpose(filter, [3, 2, 0, 1]);
  const [height = 0, width = 0, channels = 0, multiplier = 0] = filter.shape;
  return reshape(transpose(filter, [2, 3, 0, 1]), [channels * multiplier, 1, height, width]);
}

/**
 * Spreads dy over the windows that it came from: a convolution with the turned filter, which ONNX Runtime computes as
 * fast as the forward one, or a transposed convolution where windows lie more than one step apart.
 */
function inputGradient(
  {dy, filter}: GradientInputs,
  attributes: ConvolutionAttributes & {inputShape: readonly number[]},
  kind: Kind,
): Value {
  const geometry = geometryOf(attributes.inputShape, filter.shape, attributes, kind);
  const {batchSize, inChannels, inHeight, inWidth, strideHeight, strideWidth} = geometry;
  const shape = [batchSize, inChannels, inHeight, inWidth];
  const fast = fastGeometry(geometry, kind);
  const form = fast && formOf(dy.graph, turned(fast));
  if (form !== undefined) return fromLast(fastInputGradient(toLast(dy, attributes), filter, form), attributes);
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

/** Correlates x with dy over batch and positions, for each tap of the filter. */
function filterGradient(
  {x, dy}: GradientInputs,
  attributes: ConvolutionAttributes & {filterShape: readonly number[]},
  kind: Kind,
): Value {
  const geometry = geometryOf(x.shape, attributes.filterShape, attributes, kind);
  const form = formOf(x.graph, fastGeometry(geometry, kind));
  if (form !== undefined) return fastFilterGradient(toLast(x, attributes), toLast(dy, attributes), form);
  const images = {x: toFirst(x, attributes), dy: toFirst(dy, attributes)};
  return kind === 'depthwise'
    ? depthwiseFilterGradient(images, geometry, attributes.filterShape)
    : denseFilterGradient(images, geometry);
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
  return reshape(matmul(groups, matrix, {transposeA: false, transposeB: false}), x.shape);
}

interface Images {
  readonly x: Value;
  readonly dy: Value;
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

/** An image [N, A, …] and patches [N · positions, taps · B] → [A, taps · B], summed over positions. */
function overPositions(image: Value, columns: Value): Value {
  const [batch = 0, channels = 0, ...positions] = image.shape;
  const rows = reshape(transpose(image, [1, 0, 2, 3]), [channels, batch * sizeOf(positions)]);
  return matmul(rows, columns, {transposeA: false, transposeB: false});
}

interface Windows {
  readonly pads: readonly [number, number, number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly taps: readonly [number, number];
  readonly positions: readonly [number, number];
  /** Whether the last tap comes first. */
  readonly reversed: boolean;
}

function windows(geometry: tf.backend_util.Conv2DInfo): Windows {
  return {
    pads: paddingOf(geometry),
    strides: [geometry.strideHeight, geometry.strideWidth],
    dilations: [geometry.dilationHeight, geometry.dilationWidth],
    taps: [geometry.filterHeight, geometry.filterWidth],
    positions: [geometry.outHeight, geometry.outWidth],
    reversed: false,
  };
}

/** The windows over dy that belong to each position of x, each tap where the filter has it. */
function turnedWindows(geometry: tf.backend_util.Conv2DInfo): Windows {
  const [top, left] = paddingOf(geometry);
  const {effectiveFilterHeight, effectiveFilterWidth, inHeight, inWidth, outHeight, outWidth} = geometry;
  const before = [effectiveFilterHeight - 1 - top, effectiveFilterWidth - 1 - left] as const;
  const after = [inHeight - outHeight + top, inWidth - outWidth + left] as const;
  return {...windows(geometry), pads: [...before, ...after], positions: [inHeight, inWidth], reversed: true};
}

/**
 * An image [N, C, H, W] → [N · positions, taps · C], with padding cut or added as the windows need. Rows of channels
 * are gathered, whole runs of memory, which is faster than to slice and concatenate.
 */
function patches(image: Value, {pads, strides, dilations, taps, positions, reversed}: Windows): Value {
  const room = (amount: number): number => Math.max(0, amount);
  const [top, left, bottom, right] = pads;
  const padded = pad(channelsLast(image), [
    [0, 0],
    [room(top), room(bottom)],
    [room(left), room(right)],
    [0, 0],
  ]);
  const [batch = 0, height = 0, width = 0, channels = 0] = padded.shape;
  const count = taps[0] * taps[1];
  const places = sizeOf(positions);
  const indices = BigInt64Array.from({length: places * count}, (_, at) => {
    const [position, given] = [Math.floor(at / count), at % count];
    const tap = reversed ? count - 1 - given : given;
    const row =
      Math.floor(position / positions[1]) * strides[0] + Math.floor(tap / taps[1]) * dilations[0] + room(-top);
    const column = (position % positions[1]) * strides[1] + (tap % taps[1]) * dilations[1] + room(-left);
    return BigInt(row * width + column);
  });
  const rows = reshape(padded, [batch, height * width, channels]);
  const {graph} = image;
  const shape = [batch, places * count, channels];
  const found = graph.node(
    'Gather',
    [rows, graph.constant(indices, [places * count], 'int64')],
    {shape, dtype: image.dtype},
    {
      axis: 1,
    },
  );
  return reshape(found, [batch * places, count * channels]);
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
