/** Mean and spread of descriptors in a window that follows the video frames by their presentation times. */
import type {Descriptor} from './mfcc.js';

export interface PoolOptions {
  /** Length of the window. */
  readonly windowSeconds: number;
  /** Where the frame lies in its window. */
  readonly frameAt: 'start' | 'centre' | 'end';
  /** Length of a descriptor, needed where there is none. */
  readonly descriptorLength: number;
}

export interface FrameVector {
  readonly frameIndex: number;
  /** Means, then standard deviations: twice the length of a descriptor. */
  readonly vector: Float32Array;
}

/** Part of the window that lies before the frame. */
const shareBefore = {start: 0, centre: 0.5, end: 1};
/** Sums of steps such as 0.1 + 0.2 must not decide whether a row lies at the edge of a window. */
const roundingSeconds = 1e-9;

/**
 * Streams one vector per frame; holds the descriptors of one window. A frame whose window holds no descriptor
 * gets the vector of the frame before (the first descriptor's where there is none before), zeros where there
 * is no sound at all.
 */
export async function* poolAtFrames(
  descriptors: AsyncIterable<Descriptor>,
  frames: AsyncIterable<{readonly frameIndex: number; readonly timeSeconds: number}>,
  {windowSeconds, frameAt, descriptorLength}: PoolOptions,
): AsyncGenerator<FrameVector, void, undefined> {
  const source = descriptors[Symbol.asyncIterator]();
  let next = await source.next();
  const held: Descriptor[] = [];
  let vector = next.done === true ? new Float32Array(2 * descriptorLength) : meanAndSpread([next.value]);
  for await (const {frameIndex, timeSeconds} of frames) {
    const start = timeSeconds - windowSeconds * shareBefore[frameAt] - roundingSeconds;
    for (; next.done !== true && next.value.timeSeconds < start + windowSeconds; next = await source.next()) {
      held.push(next.value);
    }
    const outside = held.findIndex((descriptor) => descriptor.timeSeconds >= start);
    held.splice(0, outside < 0 ? held.length : outside);
    if (held.length > 0) vector = meanAndSpread(held);
    yield {frameIndex, vector};
  }
}

/** Means, then population standard deviations, in two passes in float64. */
export function meanAndSpread(window: readonly Descriptor[]): Float32Array<ArrayBuffer> {
  const length = window[0]?.values.length ?? 0;
  const means = new Float64Array(length);
  const squares = new Float64Array(length);
  for (const {values} of window) for (let k = 0; k < length; k++) means[k]! += values[k]!;
  for (let k = 0; k < length; k++) means[k]! /= window.length;
  for (const {values} of window) for (let k = 0; k < length; k++) squares[k]! += (values[k]! - means[k]!) ** 2;
  const vector = new Float32Array(2 * length);
  vector.set(means);
  for (let k = 0; k < length; k++) vector[length + k] = Math.sqrt(squares[k]! / window.length);
  return vector;
}
