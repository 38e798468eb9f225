/** The tables of CCC: modalities against fusion as in the papers' Table 1, folds as in JMT's Table 1, and variants. */
import {
  CCC_DECIMALS,
  CCC_DEFINITION,
  foldCell,
  meanCell,
  meanDefinition,
  singleCell,
  summariesOf,
} from './ccc-cells.js';
import type {Summaries} from './ccc-cells.js';
import {measures} from './fold-summary.js';
import type {Measure} from './fold-summary.js';
import {isFusion, modalities, POPULATION, targets} from './score.js';
import type {Modality, ReportInput, SystemDescription} from './score.js';
import {indexClipMeans, indexFolds} from './score-index.js';
import type {ScoreIndex} from './score-index.js';
import {alone, columnsOf, empty, left, markBest, number, right, text} from './table.js';
import type {Cell, ColumnGroup, Row, Table} from './table.js';

/** Builds the comparison of the papers' Table 1: per fusion system the single modalities and the fusion. */
export function comparisonTable(input: ReportInput): Table {
  const index = indexFolds(input.scores);
  const summaries = summariesOf(input, index);
  const used = modalities.filter((modality) => summaries.rows.some((row) => row.modalities.includes(modality)));
  const fusions = summaries.rows.filter(isFusion);
  const shown = fusions.length > 0 ? fusions : summaries.rows;
  const rows = shown.map((row) => comparisonRow(summaries, row, used));
  const table: Table = {
    name: 'ccc-comparison',
    title: 'CCC of fusion systems and single modalities',
    caption: [
      CCC_DEFINITION,
      meanDefinition(input, index),
      "Single-modality columns show the experiment's single-modality systems of the same preset.",
      'Average is (valence + arousal) / 2. An empty cell: the system does not use the modality, or none was trained on it alone.',
      BEST,
    ],
    groups: comparisonGroups(used),
    rows,
  };
  return withBest(table, ['Fusion']);
}

const BEST = 'The highest complete value of a column is marked; values that lack a fold or a seed do not compete.';

function comparisonGroups(used: readonly Modality[]): readonly ColumnGroup[] {
  const columns = [...used.map((modality) => right(capitalised(modality))), right('Fusion')];
  return [
    alone(left('System'), left('Preset'), {...left('Backbones'), isDetail: true}),
    ...measures.map((measure) => ({title: capitalised(measure), columns})),
  ];
}

function comparisonRow(summaries: Summaries, row: SystemDescription, used: readonly Modality[]): Row {
  const perMeasure = (measure: Measure): readonly Cell[] => [
    ...used.map((modality) => modalityCell(summaries, row, modality, measure)),
    isFusion(row) ? meanCell(summaries.of(row, measure)) : empty,
  ];
  return {cells: [...systemCells(row), ...measures.flatMap(perMeasure)]};
}

/** Where no fusion was trained, a single-modality system has a row of its own. */
function modalityCell(summaries: Summaries, row: SystemDescription, modality: Modality, measure: Measure): Cell {
  if (isFusion(row)) return singleCell(summaries, row, modality, measure);
  return row.modalities.includes(modality) ? meanCell(summaries.of(row, measure)) : empty;
}

function systemCells(row: SystemDescription): readonly Cell[] {
  return [text(row.label), text(row.preset), text(row.backbones)];
}

/** Builds the table of folds: per system every fold, then mean ± sd over folds, then sd over seeds. */
export function foldTable(input: ReportInput): Table {
  const index = indexFolds(input.scores);
  const summaries = summariesOf(input, index);
  const rows = summaries.rows.flatMap((row) => foldRows(input, {index, summaries, row}));
  const table: Table = {
    name: 'ccc-folds',
    title: 'CCC per fold',
    caption: [
      CCC_DEFINITION,
      'A value of a fold is the mean over its seeds.',
      `${MEAN_ROW}: mean ± sample standard deviation (divisor n - 1) of the fold values.`,
      `${SEED_ROW}: sample standard deviation over seeds of the mean over folds. Both are dashes where there is only one.`,
      'Average is (valence + arousal) / 2, per fold and seed. Frames: valid frames of the validation clips, in both targets.',
      'The highest complete mean over folds of a column is marked.',
    ],
    groups: [
      alone(
        left('System'),
        left('Preset'),
        left('Fold'),
        ...measures.map((m) => right(capitalised(m))),
        right('Frames'),
      ),
    ],
    rows,
  };
  return withBest(table, measures.map(capitalised), isMeanRow);
}

const MEAN_ROW = 'mean ± sd over folds';
const SEED_ROW = 'sd over seeds';
const isMeanRow = (row: Row): boolean => row.cells.some((cell) => cell.kind === 'text' && cell.text === MEAN_ROW);

interface FoldRowsRequest {
  readonly index: ScoreIndex;
  readonly summaries: Summaries;
  readonly row: SystemDescription;
}

function foldRows(input: ReportInput, {index, summaries, row}: FoldRowsRequest): readonly Row[] {
  const found = measures.map((measure) => summaries.of(row, measure));
  const name = [text(row.label), text(row.preset)];
  const perFold = summaries.folds.map((fold, at) => ({
    cells: [
      ...name,
      text(fold),
      ...found.map((summary) => foldCell(summary.folds[at]!)),
      frameCell(input, index, row, fold),
    ],
    startsBlock: at === 0,
  }));
  const meanRow = found.map((summary) => meanCell(summary, summary.deviationOverFolds ?? null));
  const seedRow = found.map((summary) =>
    number(summary.deviationOverSeeds, CCC_DECIMALS, {fingerprints: summary.fingerprints}),
  );
  return [
    ...perFold,
    {cells: [...name, text(MEAN_ROW), ...meanRow, empty]},
    {cells: [...name, text(SEED_ROW), ...seedRow, empty]},
  ];
}

/** Valid frames of a fold; a footnote where scores disagree, because some clips then failed for some seeds. */
function frameCell(input: ReportInput, index: ScoreIndex, row: SystemDescription, fold: string): Cell {
  const seeds = input.seeds ?? index.seedsOf(row);
  const scores = seeds.flatMap((seed) => targets.flatMap((target) => index.find(row, fold, seed, target) ?? []));
  const counts = [...new Set(scores.map((score) => score.frameCount))].sort((a, b) => a - b);
  const fingerprints = [...new Set(scores.map((score) => score.fingerprint))];
  const notes = counts.length > 1 ? [`Frames differ between seeds or targets: ${counts.join(', ')}.`] : [];
  return number(counts[0], 0, {fingerprints, notes});
}

/** Builds the table of other definitions of the metric; absent where the scores hold no other. */
export function variantTable(input: ReportInput): Table | undefined {
  const released = [...new Set(input.scores.map((score) => score.variant))].filter((name) => name !== POPULATION);
  const hasClips = input.scores.some((score) => score.clip !== undefined && score.variant === POPULATION);
  if (released.length === 0 && !hasClips) return undefined;
  const variants = [
    {name: POPULATION, index: indexFolds(input.scores)},
    ...(hasClips ? [{name: CLIP_MEAN, index: indexClipMeans(input.scores)}] : []),
    ...released.map((name) => ({name, index: indexFolds(input.scores, name)})),
  ].map((variant) => ({...variant, summaries: summariesOf(input, variant.index)}));
  const rows = variants[0]!.summaries.rows.map((row) => ({
    cells: [
      text(row.label),
      text(row.preset),
      ...variants.flatMap(({summaries}) => measures.map((measure) => meanCell(summaries.of(row, measure)))),
    ],
  }));
  return {
    name: 'ccc-variants',
    title: 'CCC under other definitions',
    caption: [
      meanDefinition(input, variants[0]!.index),
      `${POPULATION}: the definition of every other table.`,
      ...(hasClips
        ? [`${CLIP_MEAN}: the CCC of each clip, averaged with equal weight; clips that have none are left out.`]
        : []),
      ...released.map(
        (name) => `${name}: ${input.variantDefinitions?.[name] ?? 'a definition found in released code.'}`,
      ),
    ],
    groups: [
      alone(left('System'), left('Preset')),
      ...variants.map(({name}) => ({title: name, columns: measures.map((measure) => right(capitalised(measure)))})),
    ],
    rows,
  };
}

const CLIP_MEAN = 'per-clip mean';

/** Marks the best value of every column with one of the titles. */
function withBest(table: Table, titles: readonly string[], competes?: (row: Row) => boolean): Table {
  const rows = columnsOf(table).reduce(
    (marked, column, at) => (titles.includes(column.title) ? markBest(marked, at, competes) : marked),
    table.rows,
  );
  return {...table, rows};
}

const capitalised = (word: Measure | Modality): string => word.charAt(0).toUpperCase() + word.slice(1);
