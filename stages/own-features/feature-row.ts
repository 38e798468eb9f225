/** What every feature file is read into. */
import {StageError} from '../errors.js';

export interface FeatureRow {
  /** Frame or seconds, as the file says; undefined where rows are told apart by their order alone. */
  readonly key: number | undefined;
  readonly values: Float32Array;
}

/** Rows with named columns, as tables give them. Cells are what the format holds: numbers, text, lists. */
export interface Table {
  /** undefined where the file has no header. */
  readonly names: readonly string[] | undefined;
  readonly rows: AsyncIterable<readonly unknown[]>;
}

/** Says what a feature file holds instead of what is needed, and what to do about it. */
export function badFeatures(file: string, seen: string, remedy: string, cause?: unknown): StageError {
  return new StageError('bad-features', `Features ${file}: ${seen}.`, remedy, cause === undefined ? {} : {cause});
}
