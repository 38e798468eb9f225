/**
 * Windows are views: positions in a clip, from which batches are cut when they are needed.
 *
 * Frame-level: windows of L frames with a hop; one more covers the end where the hop leaves frames over. Clip-level:
 * step j of a window stands for the frames that end at `first + j · stride`; windows shifted by single frames make
 * every frame the end of exactly one step.
 */

export interface Window {
  /** Position of the clip in its list. */
  readonly clip: number;
  /** Frame of the first step. */
  readonly first: number;
  /** Frames from one step to the next. */
  readonly stride: number;
  /** Steps that are real; the others of the window are padding. */
  readonly steps: number;
}

export interface Geometry {
  /** Frames of a window. */
  readonly windowFrames: number;
  readonly hopFrames: number;
  /** Frames pooled into a step; 1 for frame-level systems. */
  readonly clipFrames: number;
}

/** Steps of a window, L. */
export const lengthOf = ({windowFrames, clipFrames}: Geometry): number => Math.floor(windowFrames / clipFrames);

/** The windows that cover a clip of `frameCount` frames; every frame is the end of at least one step. */
export function windowsOf(clip: number, frameCount: number, geometry: Geometry, shiftFrames = 1): Window[] {
  return geometry.clipFrames === 1
    ? frameWindows(clip, frameCount, geometry)
    : clipWindows(clip, frameCount, geometry, shiftFrames);
}

function frameWindows(clip: number, frameCount: number, {windowFrames, hopFrames}: Geometry): Window[] {
  if (frameCount === 0) return [];
  if (frameCount <= windowFrames) return [{clip, first: 0, stride: 1, steps: frameCount}];
  const count = Math.floor((frameCount - windowFrames) / hopFrames) + 1;
  const firsts = Array.from({length: count}, (_, i) => i * hopFrames);
  const last = frameCount - windowFrames;
  if (firsts.at(-1) !== last) firsts.push(last);
  return firsts.map((first) => ({clip, first, stride: 1, steps: windowFrames}));
}

function clipWindows(clip: number, frameCount: number, geometry: Geometry, shiftFrames: number): Window[] {
  const {clipFrames} = geometry;
  const length = lengthOf(geometry);
  const windows: Window[] = [];
  for (let block = 0; block < frameCount; block += length * clipFrames) {
    for (let shift = 0; shift < clipFrames && block + shift < frameCount; shift += shiftFrames) {
      const first = block + shift;
      const steps = Math.min(length, Math.ceil((frameCount - first) / clipFrames));
      windows.push({clip, first, stride: clipFrames, steps});
    }
  }
  return windows;
}

/** Averages, in float64, what overlapping windows say about each frame. */
export class OverlapAverage {
  readonly #sums: Float64Array;
  readonly #counts: Int32Array;

  constructor(
    readonly frameCount: number,
    readonly targetCount: number,
  ) {
    this.#sums = new Float64Array(frameCount * targetCount);
    this.#counts = new Int32Array(frameCount);
  }

  /** Adds the prediction of one window [L, T], row-major; padding is left out. */
  add(window: Window, prediction: Float32Array | Int32Array): void {
    for (let step = 0; step < window.steps; step++) {
      const frame = window.first + step * window.stride;
      this.#counts[frame]! += 1;
      for (let target = 0; target < this.targetCount; target++) {
        this.#sums[frame * this.targetCount + target]! += prediction[step * this.targetCount + target]!;
      }
    }
  }

  /** Predictions of one target, one per frame. */
  target(index: number): Float32Array {
    return Float32Array.from(
      {length: this.frameCount},
      (_, frame) => this.#sums[frame * this.targetCount + index]! / this.#counts[frame]!,
    );
  }
}
