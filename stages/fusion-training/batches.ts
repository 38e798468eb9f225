/** Cuts windows out of a fold's features and labels into the arrays of one step. */
import type {Arrays} from '../learning/program.js';
import type {FoldData, Split, Target} from './fold-data.js';
import type {Features} from './features.js';
import type {Normalisation} from './normalisation.js';
import type {Window} from './windows.js';

export interface BatchShape {
  /** Windows of a batch, B; missing ones are padding throughout. */
  readonly batchSize: number;
  /** Steps of a window, L. */
  readonly length: number;
  /** Frames pooled into a step; 1 for frame-level systems. */
  readonly clipFrames: number;
  /** Whether a step is the mean of its frames, also where absent, or the last of them. */
  readonly clipPooling?: 'mean' | 'last' | undefined;
}

/**
 * Features of the windows, normalised, 0 where padded: 'inputs/<modality>' [B, L, d], and 'real' [B, L], 1 where a step
 * is no padding.
 */
export async function featureArrays(
  data: FoldData,
  split: Split,
  windows: readonly Window[],
  shape: BatchShape,
): Promise<Arrays> {
  const {batchSize, length} = shape;
  const arrays = realArrays(windows, shape);
  for (const [modality, features] of split.features) {
    const values = new Float32Array(batchSize * length * features.width);
    const normalisation = data.normalisation.get(modality)!;
    await Promise.all(
      windows.map((window, i) => {
        const out = values.subarray(i * length * features.width, (i + 1) * length * features.width);
        // The last frame alone is the mean over one.
        const clipFrames = shape.clipPooling === 'last' ? 1 : shape.clipFrames;
        return fillWindow(out, features, window, {normalisation, clipFrames});
      }),
    );
    arrays[`inputs/${modality}`] = {shape: [batchSize, length, features.width], values};
  }
  return arrays;
}

/** Labels of the windows: 'labels' [B, L, T] and 'valid' [B, L]. */
export function labelArrays(
  split: Pick<Split, 'labels'>,
  windows: readonly Window[],
  {batchSize, length}: Size,
  of: readonly Target[],
): Arrays {
  const labels = new Float32Array(batchSize * length * of.length);
  const valid = new Float32Array(batchSize * length);
  for (const [i, window] of windows.entries()) {
    const clip = split.labels[window.clip]!;
    for (let step = 0; step < window.steps; step++) {
      const frame = window.first + step * window.stride;
      valid[i * length + step] = clip.valid[frame]!;
      for (const [t, target] of of.entries()) labels[(i * length + step) * of.length + t] = clip[target][frame]!;
    }
  }
  return {
    labels: {shape: [batchSize, length, of.length], values: labels},
    valid: {shape: [batchSize, length], values: valid},
  };
}

/** Which steps of the windows are no padding: 'real' [B, L]. */
export function realArrays(windows: readonly Window[], {batchSize, length}: Size): Arrays {
  const values = new Float32Array(batchSize * length);
  for (const [i, {steps}] of windows.entries()) values.fill(1, i * length, i * length + steps);
  return {real: {shape: [batchSize, length], values}};
}

type Size = Pick<BatchShape, 'batchSize' | 'length'>;

interface Filling {
  readonly normalisation: Normalisation;
  readonly clipFrames: number;
}

/** Writes one window [L, d]; a step is the mean over the `clipFrames` frames that end at it, fewer at the clip's start. */
async function fillWindow(
  out: Float32Array,
  {read, width}: Features,
  {clip, first, stride, steps}: Window,
  {normalisation, clipFrames}: Filling,
): Promise<void> {
  const start = Math.max(0, first - clipFrames + 1);
  const rows = await read(clip, start, first + (steps - 1) * stride + 1);
  for (let step = 0; step < steps; step++) {
    const end = first + step * stride + 1 - start;
    const pooled = {begin: Math.max(0, end - clipFrames), end};
    writeStep(out.subarray(step * width, (step + 1) * width), rows, pooled, normalisation);
  }
}

function writeStep(
  out: Float32Array,
  rows: Float32Array,
  {begin, end}: {readonly begin: number; readonly end: number},
  {mean, scale}: Normalisation,
): void {
  const width = out.length;
  if (end - begin === 1) {
    const first = begin * width;
    for (let column = 0; column < width; column++)
      out[column] = (rows[first + column]! - mean[column]!) * scale[column]!;
    return;
  }
  for (let column = 0; column < width; column++) {
    let sum = 0;
    for (let row = begin; row < end; row++) sum += rows[row * width + column]!;
    out[column] = (sum / (end - begin) - mean[column]!) * scale[column]!;
  }
}
