/** The windows of a convolution over an image as the rows of a matrix. */
import type {Value} from './graph.js';
import {range} from './image-geometry.js';
import type {Axis} from './image-geometry.js';
import {pad, reshape, sizeOf} from './operations.js';

/** What the windows see along one axis: tap t of window p lies at p · stride + offsets[t], in zeros where that is outside. */
export interface AxisWindows {
  readonly windows: number;
  readonly stride: number;
  readonly offsets: readonly number[];
}

/** Along rows and columns. */
export type Windows = readonly [AxisWindows, AxisWindows];

/** The windows over x that belong to the positions of y. */
export function windowsOf({taps, stride, dilation, before, outputs}: Axis): AxisWindows {
  return {windows: outputs, stride, offsets: range(taps).map((tap) => tap * dilation - before)};
}

/** The windows over y that belong to every `stride`-th position of x, and which taps of the filter they hold. */
export interface Phase {
  readonly seen: AxisWindows;
  readonly taps: readonly number[];
}

/** For each of the first `stride` positions of x, the windows over y of the positions `stride` apart from it. */
export function phasesOf({taps, stride, dilation, before, inputs}: Axis): Phase[] {
  return range(stride).map((first) => {
    const own = range(taps).filter((tap) => (first + before - tap * dilation) % stride === 0);
    const offsets = own.map((tap) => (first + before - tap * dilation) / stride);
    return {taps: own, seen: {windows: Math.max(0, Math.ceil((inputs - first) / stride)), stride: 1, offsets}};
  });
}

/** Bytes of a row from which on gathering it takes as long as its bytes; each shorter one takes as long as these. */
export const SHORT_ROW_BYTES = 64;

/**
 * An image [N, H, W, C] → [N · windows, taps · C]. Rows of channels are gathered, whole runs of memory, which is faster
 * than to slice and concatenate; short ones along the columns first, so that longer ones are left to gather along the rows.
 */
export function patches(image: Value, windows: Windows): Value {
  const [batch = 0, , , channels = 0] = image.shape;
  const count = windows[0].windows * windows[1].windows;
  const taps = windows.map(({offsets}) => offsets.length) as [number, number];
  if (windows.every((axis, at) => isWhole(axis, image.shape[at + 1]!)))
    return reshape(image, [batch * count, channels]);
  const around = windows.map((axis, at) => roomFor(axis, image.shape[at + 1]!));
  const padded = pad(image, [[0, 0], ...around, [0, 0]]);
  const [, height = 0, width = 0] = padded.shape;
  const [down, across] = windows.map(({stride, offsets}, at) => (window: number, tap: number): number => {
    return window * stride + offsets[tap]! + around[at]![0];
  }) as [Seen, Seen];
  const name = JSON.stringify([image.shape.slice(1, 3), windows]);
  if (channels * Float32Array.BYTES_PER_ELEMENT >= SHORT_ROW_BYTES) {
    const places = (): BigInt64Array =>
      indicesOf(
        [windows[0].windows, windows[1].windows, ...taps],
        (y, x, row, column) => down(y, row) * width + across(x, column),
      );
    const found = gatherRows(reshape(padded, [batch, height * width, channels]), `patches ${name}`, places);
    return reshape(found, [batch * count, sizeOf(taps) * channels]);
  }
  const lines = gatherRows(reshape(padded, [batch * height, width, channels]), `lines ${name}`, () =>
    indicesOf([windows[1].windows, taps[1]], across),
  );
  const wide = taps[1] * channels;
  const found = gatherRows(reshape(lines, [batch, height * windows[1].windows, wide]), `patches of lines ${name}`, () =>
    indicesOf([windows[0].windows, windows[1].windows, taps[0]], (y, x, row) => {
      return down(y, row) * windows[1].windows + x;
    }),
  );
  return reshape(found, [batch * count, taps[0] * wide]);
}

/** The place that a tap of a window sees in the padded image. */
type Seen = (window: number, tap: number) => number;

/** Whether the windows are the elements of the axis. */
function isWhole({windows, stride, offsets}: AxisWindows, size: number): boolean {
  return windows === size && stride === 1 && offsets.length === 1 && offsets[0] === 0;
}

/** Zeros that windows see before and after an axis. */
function roomFor({windows, stride, offsets}: AxisWindows, size: number): [number, number] {
  const last = (windows - 1) * stride + Math.max(...offsets);
  return [Math.max(0, -Math.min(...offsets)), Math.max(0, last + 1 - size)];
}

/** The value of `indexOf` for all combinations of numbers below `sizes`, the last changing first. */
export function indicesOf(sizes: readonly number[], indexOf: (...at: number[]) => number): BigInt64Array {
  const steps = sizes.map((_, axis) => sizeOf(sizes.slice(axis + 1)));
  return BigInt64Array.from({length: sizeOf(sizes)}, (_, place) =>
    BigInt(indexOf(...sizes.map((size, axis) => Math.floor(place / steps[axis]!) % size))),
  );
}

/** [N, rows, width] → [N, indices, width]. Equal names stand for equal indices, so that equal rows are gathered once. */
export function gatherRows(x: Value, name: string, indices: () => BigInt64Array): Value {
  const [batch = 0, , width = 0] = x.shape;
  const places = x.graph.named(name, () => {
    const found = indices();
    return x.graph.constant(found, [found.length], 'int64');
  });
  const shape = [batch, places.shape[0]!, width];
  return x.graph.node('Gather', [x, places], {shape, dtype: x.dtype}, {axis: 1});
}
