/**
 * From scores per fold and seed to one number per system. Order of averaging, everywhere: seeds within a fold first,
 * then folds, so that every fold weighs the same however many seeds it has.
 */
import type {ScoreIndex} from './score-index.js';
import {mean, sampleDeviation} from './statistics.js';
import type {SystemDescription, Target} from './score.js';

/** Average: (valence + arousal) / 2, the measure of the ABAW challenges. */
export type Measure = Target | 'average';
export const measures = ['valence', 'arousal', 'average'] as const satisfies readonly Measure[];

/** One fold of one system: the mean over its seeds. */
export interface FoldValue {
  readonly fold: string;
  readonly value: number | undefined;
  /** Planned seeds without a usable score. */
  readonly missingSeeds: readonly number[];
  readonly fingerprints: readonly string[];
}

export interface Summary {
  readonly folds: readonly FoldValue[];
  /** Mean over the folds that have a value. */
  readonly mean: number | undefined;
  /** Sample standard deviation over folds, seeds averaged within a fold first. */
  readonly deviationOverFolds: number | undefined;
  /** Sample standard deviation over seeds of the mean over folds; only folds in which every seed has a score enter. */
  readonly deviationOverSeeds: number | undefined;
  readonly missingFolds: readonly string[];
  /** Whether every planned fold and seed entered. */
  readonly isComplete: boolean;
  readonly fingerprints: readonly string[];
}

export interface SummaryRequest {
  readonly index: ScoreIndex;
  readonly row: SystemDescription;
  readonly folds: readonly string[];
  readonly seeds: readonly number[];
}

export function summarise(request: SummaryRequest, measure: Measure): Summary {
  const folds = request.folds.map((fold) => foldValue(request, fold, measure));
  const values = folds.flatMap((fold) => (fold.value === undefined ? [] : [fold.value]));
  const missingFolds = folds.filter((fold) => fold.value === undefined).map((fold) => fold.fold);
  return {
    folds,
    mean: mean(values),
    deviationOverFolds: sampleDeviation(values),
    deviationOverSeeds: deviationOverSeeds(request, folds, measure),
    missingFolds,
    isComplete: missingFolds.length === 0 && folds.every((fold) => fold.missingSeeds.length === 0),
    fingerprints: distinct(folds.flatMap((fold) => fold.fingerprints)),
  };
}

function foldValue(request: SummaryRequest, fold: string, measure: Measure): FoldValue {
  const perSeed = request.seeds.map((seed) => ({seed, ...measured(request, fold, seed, measure)}));
  const present = perSeed.filter((entry) => entry.value !== undefined);
  return {
    fold,
    value: mean(present.map((entry) => entry.value!)),
    missingSeeds: perSeed.filter((entry) => entry.value === undefined).map((entry) => entry.seed),
    fingerprints: distinct(present.flatMap((entry) => entry.fingerprints)),
  };
}

interface Measured {
  readonly value: number | undefined;
  readonly fingerprints: readonly string[];
}

function measured({index, row}: SummaryRequest, fold: string, seed: number, measure: Measure): Measured {
  const needed: readonly Target[] = measure === 'average' ? ['valence', 'arousal'] : [measure];
  const scores = needed.flatMap((target) => index.find(row, fold, seed, target) ?? []);
  const isUsable = scores.length === needed.length && scores.every((score) => Number.isFinite(score.ccc));
  return {
    value: isUsable ? mean(scores.map((score) => score.ccc)) : undefined,
    fingerprints: distinct(scores.map((score) => score.fingerprint)),
  };
}

function deviationOverSeeds(
  request: SummaryRequest,
  folds: readonly FoldValue[],
  measure: Measure,
): number | undefined {
  const whole = folds.filter((fold) => fold.value !== undefined && fold.missingSeeds.length === 0);
  const seedMeans = request.seeds.flatMap(
    (seed) => mean(whole.map((fold) => measured(request, fold.fold, seed, measure).value!)) ?? [],
  );
  return sampleDeviation(seedMeans);
}

const distinct = (values: readonly string[]): readonly string[] => [...new Set(values)];
