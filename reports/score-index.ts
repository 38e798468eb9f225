/** Finds a score by row, fold, seed and target, and refuses to choose between two. */
import {ReportError} from './errors.js';
import {mean} from './statistics.js';
import {POPULATION, rowKey} from './score.js';
import type {Score, SystemDescription, Target} from './score.js';

/** What a table needs of a score. */
export interface IndexedScore {
  readonly ccc: number;
  readonly frameCount: number;
  readonly fingerprint: string;
}

export interface ScoreIndex {
  find(row: SystemDescription, fold: string, seed: number, target: Target): IndexedScore | undefined;
  /** Seeds that a row has any score for, ascending. */
  seedsOf(row: SystemDescription): readonly number[];
}

/** Indexes the scores of whole folds under one definition of the metric. */
export function indexFolds(scores: readonly Score[], variant: string = POPULATION): ScoreIndex {
  return indexScores(scores.filter((score) => score.clip === undefined && score.variant === variant));
}

/**
 * Indexes the mean over clips of the per-clip CCC, each clip with the same weight. Clips whose CCC is undefined
 * (no valid frame, or prediction and annotation constant) do not enter.
 */
export function indexClipMeans(scores: readonly Score[]): ScoreIndex {
  const clipScores = scores.filter((score) => score.clip !== undefined && score.variant === POPULATION);
  const cells = new Map<string, Score[]>();
  for (const score of clipScores) cells.set(cellKey(score), [...(cells.get(cellKey(score)) ?? []), score]);
  return indexScores([...cells.values()].map(clipMean));
}

function clipMean(clips: readonly Score[]): Score {
  const defined = clips.filter((score) => Number.isFinite(score.ccc));
  const frameCount = defined.reduce((sum, score) => sum + score.frameCount, 0);
  return {...clips[0]!, ccc: mean(defined.map((score) => score.ccc)) ?? Number.NaN, frameCount};
}

function indexScores(scores: readonly Score[]): ScoreIndex {
  const byCell = new Map<string, Score>();
  const seeds = new Map<string, Set<number>>();
  for (const score of scores) {
    refuseSecond(byCell.get(cellKey(score)), score);
    byCell.set(cellKey(score), score);
    const key = rowKey(score);
    seeds.set(key, (seeds.get(key) ?? new Set()).add(score.seed));
  }
  return {
    find: (row, fold, seed, target) => byCell.get(cellKey({...row, fold, seed, target})),
    seedsOf: (row) => [...(seeds.get(rowKey(row)) ?? [])].sort((a, b) => a - b),
  };
}

type CellOfScore = SystemDescription & Pick<Score, 'fold' | 'seed' | 'target'>;

const cellKey = (score: CellOfScore): string => JSON.stringify([rowKey(score), score.fold, score.seed, score.target]);

function refuseSecond(first: Score | undefined, second: Score): void {
  if (first === undefined || (first.fingerprint === second.fingerprint && Object.is(first.ccc, second.ccc))) return;
  throw new ReportError(
    'ambiguous-score',
    `${second.label}, fold ${second.fold}, seed ${second.seed}, ${second.target}: two scores for one cell, from ` +
      `tasks ${first.fingerprint.slice(0, 12)} and ${second.fingerprint.slice(0, 12)}.`,
    'Give systems that differ in parameters different labels, or report one run at a time.',
  );
}
