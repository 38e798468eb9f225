/**
 * Paired bootstrap over clips (Efron and Tibshirani 1993, ch. 13 and 16): how much of a difference between two
 * systems is owed to which clips happened to be in the data set. Clips are drawn with replacement within each fold,
 * the same draw for both systems, all seeds and all targets; the CCC of a fold is recomputed from the clips' moments.
 * Clips are taken as independent: where several show one subject, intervals come out too narrow.
 */
import type {Random} from '../stages/learning/random.js';
import {ReportError} from './errors.js';
import {centredSums, centreOf, cccOfSums} from './moments.js';
import type {Centre, ClipMoments} from './moments.js';
import {mean, quantile} from './statistics.js';

/** One CCC that enters the statistic: a fold under one seed and one target. */
export interface BootstrapCell {
  readonly fold: string;
  readonly seed: number;
  readonly target: string;
  readonly clips: readonly ClipMoments[];
}

export interface BootstrapRequest {
  readonly first: readonly BootstrapCell[];
  readonly second: readonly BootstrapCell[];
  readonly random: Random;
  /** 2000 resolve a p-value of 0.001. */
  readonly resampleCount: number;
  /** Share of the interval, 0.95 where absent. */
  readonly confidence?: number;
}

export interface BootstrapResult {
  /** First minus second, each the mean over folds of the mean over seeds and targets of the fold's CCC. */
  readonly difference: number;
  /** Percentile interval; undefined where no fold has two clips. */
  readonly interval: {readonly low: number; readonly high: number} | undefined;
  /** Two-sided, twice the smaller share of resamples beyond zero, counting the sample itself: never 0. */
  readonly probability: number | undefined;
  /** Resamples in which some CCC was undefined; they do not count. */
  readonly undefinedCount: number;
}

/** Tests whether two systems differ. Both must have scored the same clips of each fold. */
export function pairedBootstrap(request: BootstrapRequest): BootstrapResult | undefined {
  const folds = pairFolds(request.first, request.second);
  const once = folds.map(({clips}) => new Float64Array(clips.length).fill(1));
  const difference = differenceOf(folds, once);
  if (difference === undefined) return undefined;
  const varies = folds.some(({clips}) => clips.length > 1);
  if (!varies) return {difference, interval: undefined, probability: undefined, undefinedCount: 0};
  const draws = resample(folds, request);
  const tail = (1 - (request.confidence ?? 0.95)) / 2;
  return {
    difference,
    interval: draws.length === 0 ? undefined : {low: quantile(draws, tail), high: quantile(draws, 1 - tail)},
    probability: draws.length === 0 ? undefined : twoSided(draws),
    undefinedCount: request.resampleCount - draws.length,
  };
}

/** Differences of all resamples in which they are defined, ascending. */
function resample(folds: readonly PairedFold[], {random, resampleCount}: BootstrapRequest): Float64Array {
  const stream = random.stream('bootstrap');
  const clipCount = folds.reduce((sum, {clips}) => sum + clips.length, 0);
  const weights = folds.map(({clips}) => new Float64Array(clips.length));
  const draws: number[] = [];
  for (let position = 0; position < resampleCount; position++) {
    fillWeights(weights, stream.at(position).uniform(clipCount));
    const difference = differenceOf(folds, weights);
    if (difference !== undefined) draws.push(difference);
  }
  return Float64Array.from(draws).sort();
}

/** Counts how often each clip is drawn: as many draws per fold as it has clips. */
function fillWeights(weights: readonly Float64Array[], uniform: Float32Array): void {
  let next = 0;
  for (const fold of weights) {
    fold.fill(0);
    for (let draw = 0; draw < fold.length; draw++) fold[Math.floor(uniform[next++]! * fold.length)]! += 1;
  }
}

function twoSided(sorted: Float64Array): number {
  const notAbove = sorted.filter((value) => value <= 0).length;
  const notBelow = sorted.filter((value) => value >= 0).length;
  return Math.min(1, (2 * (1 + Math.min(notAbove, notBelow))) / (sorted.length + 1));
}

/** One fold of both systems: every cell as columns of sums, one entry per clip, clips in one order. */
interface PairedFold {
  readonly clips: readonly string[];
  readonly first: readonly CellSums[];
  readonly second: readonly CellSums[];
}

interface CellSums {
  readonly centre: Centre;
  /** n, p, y, pp, yy, py: see CentredSums. */
  readonly columns: readonly Float64Array[];
}

function pairFolds(first: readonly BootstrapCell[], second: readonly BootstrapCell[]): readonly PairedFold[] {
  const names = [...new Set([...first, ...second].map((cell) => cell.fold))];
  return names.map((fold) => {
    const [ours, theirs] = [first, second].map((cells) => cells.filter((cell) => cell.fold === fold));
    const clips = (ours![0] ?? theirs![0])!.clips.map(({clip}) => clip).sort();
    if (ours!.length === 0 || theirs!.length === 0) refuseUnpaired(fold, 'one system has no score');
    const sums = (cell: BootstrapCell): CellSums => sumsOf(cell, clips);
    return {clips, first: ours!.map(sums), second: theirs!.map(sums)};
  });
}

function sumsOf(cell: BootstrapCell, clips: readonly string[]): CellSums {
  const byName = new Map(cell.clips.map((moments) => [moments.clip, moments]));
  if (byName.size !== clips.length || cell.clips.length !== clips.length) {
    refuseUnpaired(cell.fold, `${cell.clips.length} clips against ${clips.length}`);
  }
  const moments = clips.map((clip) => byName.get(clip) ?? refuseUnpaired(cell.fold, `only one system scored ${clip}`));
  const centre = centreOf(moments);
  const sums = moments.map((clip) => centredSums(clip, centre));
  const columns = (['n', 'p', 'y', 'pp', 'yy', 'py'] as const).map((key) => Float64Array.from(sums, (sum) => sum[key]));
  return {centre, columns};
}

function refuseUnpaired(fold: string, seen: string): never {
  throw new ReportError(
    'unpaired-clips',
    `Fold ${fold}: a paired comparison needs both systems on the same clips; ${seen}.`,
    'Run the tasks that failed, or compare the folds that both systems finished.',
  );
}

function differenceOf(folds: readonly PairedFold[], weights: readonly Float64Array[]): number | undefined {
  const perFold = folds.map((fold, at) => {
    const [first, second] = [meanCcc(fold.first, weights[at]!), meanCcc(fold.second, weights[at]!)];
    return first === undefined || second === undefined ? undefined : first - second;
  });
  const defined = perFold.flatMap((value) => value ?? []);
  return defined.length === folds.length ? mean(defined) : undefined;
}

function meanCcc(cells: readonly CellSums[], weights: Float64Array): number | undefined {
  const values = cells.flatMap((cell) => weightedCcc(cell, weights) ?? []);
  return values.length === cells.length ? mean(values) : undefined;
}

function weightedCcc({centre, columns}: CellSums, weights: Float64Array): number | undefined {
  const [n, p, y, pp, yy, py] = columns.map((column) => dot(column, weights)) as Six;
  return cccOfSums({n, p, y, pp, yy, py}, centre);
}

type Six = [number, number, number, number, number, number];

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
