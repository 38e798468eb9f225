/** The windows of a convolution over an image as the rows of a matrix. */
import type * as tf from '@tensorflow/tfjs';
import type {Value} from './graph.js';
import {channelsLast, paddingOf} from './image-geometry.js';
import {pad, reshape, sizeOf} from './operations.js';

export interface Windows {
  readonly pads: readonly [number, number, number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly taps: readonly [number, number];
  readonly positions: readonly [number, number];
  /** Whether the last tap comes first. */
  readonly reversed: boolean;
}

export function windows(geometry: tf.backend_util.Conv2DInfo): Windows {
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
export function turnedWindows(geometry: tf.backend_util.Conv2DInfo): Windows {
  const [top, left] = paddingOf(geometry);
  const {effectiveFilterHeight, effectiveFilterWidth, inHeight, inWidth, outHeight, outWidth} = geometry;
  const before = [effectiveFilterHeight - 1 - top, effectiveFilterWidth - 1 - left] as const;
  const after = [inHeight - outHeight + top, inWidth - outWidth + left] as const;
  return {...windows(geometry), pads: [...before, ...after], positions: [inHeight, inWidth], reversed: true};
}

/** Bytes of a row from which on gathering it takes as long as its bytes; each shorter one takes as long as these. */
const SHORT_ROW_BYTES = 64;

/**
 * An image [N, C, H, W] → [N · positions, taps · C], with padding cut or added as the windows need. Rows of channels
 * are gathered, whole runs of memory, which is faster than to slice and concatenate; short ones along the columns
 * first, so that longer ones are left to gather along the rows.
 */
export function patches(image: Value, {pads, strides, dilations, taps, positions, reversed}: Windows): Value {
  const room = (amount: number): number => Math.max(0, amount);
  const [top, left, bottom, right] = pads;
  const padded = pad(channelsLast(image), [
    [0, 0],
    [room(top), room(bottom)],
    [room(left), room(right)],
    [0, 0],
  ]);
  const [batch = 0, height = 0, width = 0, channels = 0] = padded.shape;
  /** What each tap sees at each position along an axis. */
  const seen = (axis: 0 | 1, position: number, tap: number): number =>
    position * strides[axis] + (reversed ? taps[axis] - 1 - tap : tap) * dilations[axis] + room(-pads[axis]);
  if (channels * Float32Array.BYTES_PER_ELEMENT >= SHORT_ROW_BYTES) {
    const places = indicesOf(
      [...positions, ...taps],
      (y, x, row, column) => seen(0, y, row) * width + seen(1, x, column),
    );
    const found = gatherRows(reshape(padded, [batch, height * width, channels]), places);
    return reshape(found, [batch * sizeOf(positions), sizeOf(taps) * channels]);
  }
  const across = indicesOf([positions[1], taps[1]], (x, column) => seen(1, x, column));
  const lines = gatherRows(reshape(padded, [batch * height, width, channels]), across);
  const wide = taps[1] * channels;
  const down = indicesOf([...positions, taps[0]], (y, x, row) => seen(0, y, row) * positions[1] + x);
  const found = gatherRows(reshape(lines, [batch, height * positions[1], wide]), down);
  return reshape(found, [batch * sizeOf(positions), taps[0] * wide]);
}

/** The value of `indexOf` for all combinations of numbers below `sizes`, the last changing first. */
function indicesOf(sizes: readonly number[], indexOf: (...at: number[]) => number): BigInt64Array {
  const steps = sizes.map((_, axis) => sizeOf(sizes.slice(axis + 1)));
  return BigInt64Array.from({length: sizeOf(sizes)}, (_, place) =>
    BigInt(indexOf(...sizes.map((size, axis) => Math.floor(place / steps[axis]!) % size))),
  );
}

/** [N, rows, width] → [N, indices, width] */
function gatherRows(x: Value, indices: BigInt64Array): Value {
  const [batch = 0, , width = 0] = x.shape;
  const places = x.graph.constant(indices, [indices.length], 'int64');
  return x.graph.node('Gather', [x, places], {shape: [batch, indices.length, width], dtype: x.dtype}, {axis: 1});
}
