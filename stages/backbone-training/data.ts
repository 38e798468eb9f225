/** The clips of a fold as a backbone sees them: labels in memory, images behind readers, windows as positions. */
import {labelArrays, realArrays} from '../fusion-training/batches.js';
import type {ClipLabels, Target} from '../fusion-training/fold-data.js';
import {noLabels} from '../fusion-training/fold-data.js';
import type {Window} from '../fusion-training/windows.js';
import {windowsOf} from '../fusion-training/windows.js';
import {StageError} from '../errors.js';
import type {Arrays} from '../learning/program.js';
import type {View} from './augmentation.js';
import type {FrameImages} from './frame-images.js';
import type {Settings} from './settings.js';

export interface Split {
  readonly labels: readonly ClipLabels[];
  readonly images: readonly FrameImages[];
}

export interface Splits {
  readonly train: Split;
  readonly validation: Split;
}

export interface Data {
  readonly train: Split & {readonly windows: readonly Window[]};
  readonly validation: Split;
}

/** Joins labels and images; training windows without a valid label are left out. Throws StageError. */
export function dataOf({train, validation}: Splits, settings: Settings): Data {
  checkLengths('training', train);
  checkLengths('validation', validation);
  if (!validation.labels.some(({valid}) => valid.includes(1))) throw noLabels('validation');
  const windows = train.labels.flatMap(({valid}, clip) =>
    stridedWindows(clip, valid.length, settings).filter((window) =>
      framesOf(window).some((frame) => valid[frame] === 1),
    ),
  );
  if (windows.length === 0) throw noLabels('training');
  return {train: {...train, windows}, validation};
}

/** Windows over every `frameStride`-th frame of a clip. */
function stridedWindows(clip: number, frameCount: number, settings: Settings): Window[] {
  const {hopFrames, frameStride: stride} = settings;
  const steps = (frames: number) => Math.max(1, Math.floor(frames / stride));
  const geometry = {windowFrames: stepsOf(settings), hopFrames: steps(hopFrames), clipFrames: 1};
  return windowsOf(clip, Math.ceil(frameCount / stride), geometry).map((window) => ({
    ...window,
    first: window.first * stride,
    stride,
  }));
}

/** Steps of a window, L. */
export const stepsOf = ({windowFrames, frameStride}: Settings): number =>
  Math.max(1, Math.floor(windowFrames / frameStride));

const framesOf = ({first, stride, steps}: Window): number[] =>
  Array.from({length: steps}, (_, step) => first + step * stride);

export interface WindowArguments {
  readonly windows: readonly Window[];
  /** One per window. */
  readonly views: readonly View[];
  /** Windows of a batch, B; missing ones are padding throughout. */
  readonly batchSize: number;
  /** Steps of a window, L. */
  readonly length: number;
  /** [H, W, C] */
  readonly shape: readonly [number, number, number];
  readonly targets: readonly Target[];
}

/** 'images' [B · L, H, W, C], 0 where padded; 'real' and 'valid' [B, L]; 'labels' [B, L, T]. */
export async function windowArrays(split: Split, args: WindowArguments): Promise<Arrays> {
  const {windows, views, batchSize, length, shape, targets} = args;
  const size = shape[0] * shape[1] * shape[2];
  const values = new Float32Array(batchSize * length * size);
  for (const [k, {clip, first, stride, steps: count}] of windows.entries()) {
    const start = k * length;
    const out = values.subarray(start * size, (start + count) * size);
    await split.images[clip]!.write(out, {first, stride, count}, views[k]!);
  }
  return {
    images: {shape: [batchSize * length, ...shape], values},
    ...realArrays(windows, args),
    ...labelArrays(split, windows, args, targets),
  };
}

function checkLengths(part: string, {labels, images}: Split): void {
  for (const [clip, {valid}] of labels.entries()) {
    const {frameCount} = images[clip]!;
    if (frameCount === valid.length) continue;
    throw new StageError(
      'wrong-shape',
      `The images of ${part} clip ${clip} have ${frameCount} frames, its labels ${valid.length}.`,
      'Both must come from one timeline; run the clip again from demux.',
    );
  }
}
