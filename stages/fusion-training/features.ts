/**
 * Feature vectors of the clips of a fold, read from shards window by window. A modality whose vectors fit a budget is
 * kept in memory once read; larger data sets are read at random for every window.
 */
import type {ShardReader} from '../../cache/shard.js';
import {StageError} from '../errors.js';
import type {acoustic, linguistic, visual} from '../schemas.js';
import type {Modality} from './system.js';
import type {Tuned} from './tuned-features.js';

export type FeatureReader = ShardReader<typeof visual | typeof acoustic | typeof linguistic | Tuned>;

/** Bytes that the vectors of one modality and split may take in memory. */
const CACHE_BYTES = 256 * 2 ** 20;

export interface Features {
  /** Length of a vector; 0 where no clip has a frame. */
  readonly width: number;
  /** Frames of each clip. */
  readonly frameCounts: readonly number[];
  /** Rows [start, end) of a clip, row-major. The array must not be changed. */
  read(clip: number, start: number, end: number): Promise<Float32Array>;
}

/** Opens a modality's shards, one per clip; all must have vectors of one length. */
export function openFeatures(
  modality: Modality,
  readers: readonly FeatureReader[],
  cacheBytes: number = CACHE_BYTES,
): Features {
  const frameCounts = readers.map((reader) => reader.rowCount);
  const width = commonWidth(modality, readers);
  const bytes = 4 * width * frameCounts.reduce((sum, n) => sum + n, 0);
  const direct = (clip: number, start: number, end: number) => readers[clip]!.column('vector', start, end);
  return {width, frameCounts, read: bytes <= cacheBytes ? cached(readers, width) : direct};
}

function cached(readers: readonly FeatureReader[], width: number): Features['read'] {
  const clips = new Map<number, Promise<Float32Array>>();
  return async (clip, start, end) => {
    const whole = clips.get(clip) ?? readers[clip]!.column('vector');
    clips.set(clip, whole);
    return (await whole).subarray(start * width, end * width);
  };
}

/** The vector length of all readers that have rows. */
export function commonWidth(modality: Modality, readers: readonly FeatureReader[]): number {
  const widths = [...new Set(readers.filter((reader) => reader.rowCount > 0).map((reader) => reader.width('vector')))];
  if (widths.length <= 1) return widths[0] ?? 0;
  throw new StageError(
    'wrong-shape',
    `${modality} vectors have ${widths.join(' and ')} values in different clips of one fold.`,
    'Make all clips with the same embedding, or leave the odd ones out.',
  );
}
