/**
 * Convolutions and their gradients. tfjs keeps channels last (NHWC, filters HWIO), ONNX first (NCHW, filters OIHW);
 * the transposes between two convolutions cancel.
 */
import * as tf from '@tensorflow/tfjs';
import {biased} from './activation.js';
import type {FusedAttributes, FusedInputs} from './activation.js';
import type {Value} from './graph.js';
import type {Call, Kernels} from './kernel.js';
import {pad, reshape, slice, transpose} from './operations.js';

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
  return transpose(x, [0, 2, 3, 1]);
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

/** HWIO → OIHW; a depthwise filter [H, W, C, M] → [C · M, 1, H, W], output channel c · M + m. */
function outputFirst(filter: Value, kind: Kind): Value {
  if (kind === 'dense') return transpose(filter, [3, 2, 0, 1]);
  const [height = 0, width = 0, channels = 0, multiplier = 0] = filter.shape;
  return reshape(transpose(filter, [2, 3, 0, 1]), [channels * multiplier, 1, height, width]);
}

/** Spreads dy over the windows that it came from: a transposed convolution. */
function inputGradient(
  {dy, filter}: GradientInputs,
  attributes: ConvolutionAttributes & {inputShape: readonly number[]},
  kind: Kind,
): Value {
  const geometry = geometryOf(attributes.inputShape, filter.shape, attributes, kind);
  const {batchSize, inChannels, inHeight, inWidth} = geometry;
  const dx = transposedConvolution(toFirst(dy, attributes), outputFirst(filter, kind), geometry, {
    shape: [batchSize, inChannels, inHeight, inWidth],
    group: kind === 'depthwise' ? inChannels : 1,
  });
  return fromFirst(dx, attributes);
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

/** Correlates x with dy: a convolution whose batch axis is summed over, with strides and dilations exchanged. */
function filterGradient(
  {x, dy}: GradientInputs,
  attributes: ConvolutionAttributes & {filterShape: readonly number[]},
  kind: Kind,
): Value {
  const geometry = geometryOf(x.shape, attributes.filterShape, attributes, kind);
  const {batchSize, inChannels, outChannels, inHeight, inWidth, outHeight, outWidth} = geometry;
  const depthwise = kind === 'depthwise';
  const [swappedX, swappedDy] = [toFirst(x, attributes), toFirst(dy, attributes)].map((value) =>
    transpose(value, [1, 0, 2, 3]),
  );
  const input = depthwise ? reshape(swappedX!, [1, inChannels * batchSize, inHeight, inWidth]) : swappedX!;
  const [top, left, bottom, right] = paddingOf(geometry);
  const taps = (size: number, padding: number, stride: number, out: number, dilation: number): number =>
    Math.floor((size + padding - (stride * (out - 1) + 1)) / dilation) + 1;
  const found = [
    taps(inHeight, top + bottom, geometry.strideHeight, outHeight, geometry.dilationHeight),
    taps(inWidth, left + right, geometry.strideWidth, outWidth, geometry.dilationWidth),
  ];
  const rows = depthwise ? 1 : inChannels;
  const output = {shape: [rows, outChannels, ...found], dtype: x.dtype};
  const gradient = x.graph.node('Conv', [input, swappedDy!], output, {
    strides: [geometry.dilationHeight, geometry.dilationWidth],
    dilations: [geometry.strideHeight, geometry.strideWidth],
    pads: [top, left, bottom, right],
    group: depthwise ? inChannels : 1,
    kernel_shape: [outHeight, outWidth],
  });
  // A last window that stops short of the edge leaves more positions than the filter has.
  const {filterHeight, filterWidth} = geometry;
  const exact = slice(gradient, [0, 0, 0, 0], [rows, outChannels, filterHeight, filterWidth]);
  return reshape(transpose(exact, [2, 3, 0, 1]), attributes.filterShape);
}
