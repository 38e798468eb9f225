/**
 * What the kernels of convolutions and pooling share: their geometry, and the order of axes. tfjs keeps channels last
 * (NHWC, filters HWIO), ONNX first (NCHW, filters OIHW); the transposes between two convolutions cancel.
 */
import * as tf from '@tensorflow/tfjs';
import type {Value} from './graph.js';
import {asImage, transposeBehind} from './layout.js';
import {reshape, transpose} from './operations.js';

/** What all convolution kernels of tfjs tell about the geometry. */
export interface ConvolutionAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: number | [number, number];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
export type Geometry = Pick<
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

export type Kind = 'dense' | 'depthwise';

export function channelsFirst(x: Value): Value {
  return transpose(x, [0, 3, 1, 2]);
}

export function channelsLast(x: Value): Value {
  const last = transpose(x, [0, 2, 3, 1]);
  // On the CPU most convolutions of images, unlike those of sequences, read channels last (`fast-convolution.ts`).
  return x.graph.options.target === 'cpu' && x.shape[2]! > 1 ? last : asImage(last);
}

export function geometryOf(
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

/** A convolution along one axis. */
export interface Axis {
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  /** Zeros in front of the axis; negative where its first elements are not read. */
  readonly before: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** Rows and columns. */
export function axesOf(geometry: tf.backend_util.Conv2DInfo): readonly [Axis, Axis] {
  const rows = {
    taps: geometry.filterHeight,
    stride: geometry.strideHeight,
    dilation: geometry.dilationHeight,
    before: geometry.padInfo.top,
    inputs: geometry.inHeight,
    outputs: geometry.outHeight,
  };
  const columns = {
    taps: geometry.filterWidth,
    stride: geometry.strideWidth,
    dilation: geometry.dilationWidth,
    before: geometry.padInfo.left,
    inputs: geometry.inWidth,
    outputs: geometry.outWidth,
  };
  return [rows, columns];
}

/** ONNX's [top, left, bottom, right]; the last two reach as far as the last window does. */
export function paddingOf(geometry: Geometry): [number, number, number, number] {
  const {padInfo, strideHeight, strideWidth, inHeight, inWidth, outHeight, outWidth} = geometry;
  const {effectiveFilterHeight, effectiveFilterWidth} = geometry;
  const bottom = (outHeight - 1) * strideHeight + effectiveFilterHeight - inHeight - padInfo.top;
  const right = (outWidth - 1) * strideWidth + effectiveFilterWidth - inWidth - padInfo.left;
  return [padInfo.top, padInfo.left, Math.max(0, bottom), Math.max(0, right)];
}

export const toFirst = (x: Value, {dataFormat}: ConvolutionAttributes): Value =>
  dataFormat === 'NCHW' ? x : channelsFirst(x);
export const fromFirst = (x: Value, {dataFormat}: ConvolutionAttributes): Value =>
  dataFormat === 'NCHW' ? x : channelsLast(x);

export const toLast = (x: Value, {dataFormat}: ConvolutionAttributes): Value =>
  dataFormat === 'NCHW' ? transpose(x, [0, 2, 3, 1]) : x;
export const fromLast = (x: Value, {dataFormat}: ConvolutionAttributes): Value =>
  dataFormat === 'NCHW' ? transpose(x, [0, 3, 1, 2]) : x;

/** An image [N, H, W, C] as rows of channels [N, positions, C]; where channels are stored first, it stays as it is stored. */
export function channelRows(image: Value): Value {
  const [batch = 0, height = 0, width = 0, channels = 0] = image.shape;
  const first = channelsFirst(image);
  if (transposeBehind(first) !== undefined) return reshape(image, [batch, height * width, channels]);
  return transpose(reshape(first, [batch, channels, height * width]), [0, 2, 1]);
}

/** HWIO → OIHW; a depthwise filter [H, W, C, M] → [C · M, 1, H, W], output channel c · M + m. */
export function outputFirst(filter: Value, kind: Kind): Value {
  if (kind === 'dense') return transpose(filter, [3, 2, 0, 1]);
  const [height = 0, width = 0, channels = 0, multiplier = 0] = filter.shape;
  return reshape(transpose(filter, [2, 3, 0, 1]), [channels * multiplier, 1, height, width]);
}

/** 0, 1, …, length − 1. */
export const range = (length: number): number[] => Array.from({length}, (_, at) => at);
