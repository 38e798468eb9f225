/** Cells and captions that every CCC table shares: what is missing is said in a footnote, never averaged away. */
import {foldNamesOf, isFusion, systemsOf} from './score.js';
import type {Modality, ReportInput, SystemDescription} from './score.js';
import type {ScoreIndex} from './score-index.js';
import type {FoldValue, Measure, Summary} from './fold-summary.js';
import {summarise} from './fold-summary.js';
import type {Cell} from './table.js';
import {empty, missing, number} from './table.js';

/** Decimals of a CCC in the papers' tables. */
export const CCC_DECIMALS = 3;

/** Summaries of one index, by row. */
export interface Summaries {
  readonly folds: readonly string[];
  readonly rows: readonly SystemDescription[];
  of(row: SystemDescription, measure: Measure): Summary;
}

export function summariesOf(input: ReportInput, index: ScoreIndex): Summaries {
  const folds = foldNamesOf(input);
  const of = (row: SystemDescription, measure: Measure): Summary =>
    summarise({index, row, folds, seeds: input.seeds ?? index.seedsOf(row)}, measure);
  return {folds, rows: systemsOf(input), of};
}

/** The value of one fold; a footnote where seeds are missing. */
export function foldCell({value, missingSeeds, fingerprints}: FoldValue): Cell {
  const notes = missingSeeds.length > 0 ? [`No CCC for ${counted('seed', missingSeeds)}.`] : [];
  if (value === undefined) return missing(...(notes.length > 0 ? notes : ['No CCC for this fold.']));
  return number(value, CCC_DECIMALS, {fingerprints, notes, isPartial: notes.length > 0});
}

/** The mean over folds; a footnote where folds or seeds are missing. */
export function meanCell(summary: Summary, spread?: number | null): Cell {
  const notes = summary.isComplete ? [] : [incompleteness(summary)];
  if (summary.mean === undefined) return missing('No fold has a CCC.');
  return number(summary.mean, CCC_DECIMALS, {
    fingerprints: summary.fingerprints,
    notes,
    isPartial: !summary.isComplete,
    ...(spread === undefined ? {} : {spread}),
  });
}

function incompleteness({folds, missingFolds}: Summary): string {
  const present = folds.length - missingFolds.length;
  const seeds = folds.filter((fold) => fold.value !== undefined && fold.missingSeeds.length > 0);
  return (
    [
      `Mean over ${present} of ${folds.length} folds`,
      ...(missingFolds.length > 0 ? [`no CCC for ${counted('fold', missingFolds)}`] : []),
      ...(seeds.length > 0
        ? [
            `some seeds without one in ${counted(
              'fold',
              seeds.map(({fold}) => fold),
            )}`,
          ]
        : []),
    ].join('; ') + '.'
  );
}

/**
 * The mean of the single-modality system that stands for one modality of a row: of the same preset where there is
 * one. A dash where several could stand for it; empty where the row does not use the modality or none was trained.
 */
export function singleCell(summaries: Summaries, row: SystemDescription, modality: Modality, measure: Measure): Cell {
  if (!row.modalities.includes(modality)) return empty;
  const singles = summaries.rows.filter((other) => !isFusion(other) && other.modalities[0] === modality);
  const samePreset = singles.filter((other) => other.preset === row.preset);
  const [single, ...others] = samePreset.length > 0 ? samePreset : singles;
  if (single === undefined) return empty;
  return others.length > 0
    ? missing(`Several ${modality} systems; the fold table shows each.`)
    : meanCell(summaries.of(single, measure));
}

/** 'fold 2', 'folds 2, 3', but 'fold-2' rather than 'fold fold-2'. */
function counted(noun: string, values: readonly (string | number)[]): string {
  const list = values.join(', ');
  if (values.every((value) => String(value).startsWith(noun))) return list;
  return `${noun}${values.length === 1 ? '' : 's'} ${list}`;
}

/** What one CCC is, in one sentence (D12). */
export const CCC_DEFINITION =
  'CCC: population moments in float64 over all valid frames of all validation clips of a fold, concatenated; ' +
  'a frame is valid if both annotations lie in [-1, 1].';

/** How scores become one number, in one sentence with the counts of this experiment. */
export function meanDefinition(input: ReportInput, index: ScoreIndex): string {
  const seeds =
    input.seeds ?? [...new Set(systemsOf(input).flatMap((row) => index.seedsOf(row)))].sort((a, b) => a - b);
  const folds = foldNamesOf(input).length;
  const perFold =
    seeds.length > 1
      ? `a fold's CCC is first averaged over its seeds (${seeds.join(', ')})`
      : `one seed (${seeds.join(', ') || 'none'})`;
  return folds === 1
    ? `One fold; ${perFold}.`
    : `Values are means over ${folds} folds, each fold with the same weight; ${perFold}.`;
}
