/** The table that tests systems against a reference: differences, confidence intervals, p-values. */
import type {Random} from '../stages/learning/random.js';
import {pairedBootstrap} from './bootstrap.js';
import type {BootstrapCell, BootstrapResult} from './bootstrap.js';
import {CCC_DECIMALS} from './ccc-cells.js';
import {ReportError} from './errors.js';
import {measures} from './fold-summary.js';
import type {Measure} from './fold-summary.js';
import {isFusion, systemsOf} from './score.js';
import type {MomentRecord, ReportInput} from './score.js';
import {holm} from './statistics.js';
import {alone, left, missing, number, right, text} from './table.js';
import type {Cell, Table} from './table.js';

export interface SignificanceOptions {
  readonly random: Random;
  readonly resampleCount: number;
}

/** Builds the table of paired differences to the reference; absent where fewer than two systems have moments. */
export function significanceTable(input: ReportInput, options: SignificanceOptions): Table | undefined {
  const records = input.moments ?? [];
  const labels = [...new Set(records.map((record) => record.label))];
  const reference = input.reference ?? firstFusion(input, labels) ?? labels[0];
  const others = labels.filter((label) => label !== reference);
  if (reference === undefined || !labels.includes(reference) || others.length === 0) return undefined;
  const columns = measures.map((measure) => tested({records, reference, others, measure, options}));
  return {
    name: 'ccc-significance',
    title: `Differences to ${reference}`,
    caption: captionOf(reference, options, {
      comparisonCount: others.length,
      clipCount: clipCountOf(records, reference),
    }),
    groups: [
      alone(left('System')),
      ...measures.map((measure) => ({
        title: measure.charAt(0).toUpperCase() + measure.slice(1),
        columns: [right('Difference'), right('95 % interval'), right('p')],
      })),
    ],
    rows: others.map((label, at) => ({cells: [text(label), ...columns.flatMap((column) => column[at]!)]})),
  };
}

interface Counts {
  readonly comparisonCount: number;
  readonly clipCount: number;
}

function captionOf(reference: string, {resampleCount}: SignificanceOptions, counts: Counts): readonly string[] {
  const {comparisonCount, clipCount} = counts;
  return [
    `Difference: CCC of the system minus CCC of ${reference}, each the mean over folds, seeds averaged within a fold; only folds, seeds and clips that both have enter.`,
    `Interval and p: paired bootstrap over the clips of each fold, ${resampleCount} resamples, percentile interval, two-sided p.`,
    `p is adjusted for ${comparisonCount} comparison${comparisonCount === 1 ? '' : 's'} per column (Holm).`,
    'What varies in a resample is which clips are scored; that training draws other seeds or clips is not covered.',
    ...(clipCount < FEW_CLIPS ? [`With ${clipCount} clips, intervals are too narrow and p too small to rely on.`] : []),
  ];
}

/** Below this, percentile intervals cover visibly less than they say (Efron and Tibshirani 1993, ch. 14). */
const FEW_CLIPS = 30;

function clipCountOf(records: readonly MomentRecord[], label: string): number {
  const own = records.filter((record) => record.label === label);
  return new Set(own.flatMap(({fold, clips}) => clips.map(({clip}) => JSON.stringify([fold, clip])))).size;
}

function firstFusion(input: ReportInput, labels: readonly string[]): string | undefined {
  return systemsOf(input).find((row) => isFusion(row) && labels.includes(row.label))?.label;
}

interface ColumnRequest {
  readonly records: readonly MomentRecord[];
  readonly reference: string;
  readonly others: readonly string[];
  readonly measure: Measure;
  readonly options: SignificanceOptions;
}

/** Three cells per system: difference, interval, p. */
function tested({records, reference, others, measure, options}: ColumnRequest): readonly (readonly Cell[])[] {
  const results = others.map((label) => {
    const {first, second} = shared(cellsOf(records, label, measure), cellsOf(records, reference, measure));
    return first.length === 0 ? undefined : pairedBootstrap({first, second, ...options});
  });
  const known = results.flatMap((result) => result?.probability ?? []);
  const adjusted = [...holm(known)];
  return results.map((result) =>
    cellsOfResult(result, result?.probability === undefined ? undefined : adjusted.shift()!),
  );
}

function cellsOf(records: readonly MomentRecord[], label: string, measure: Measure): readonly BootstrapCell[] {
  const cells = records.filter(
    (record) => record.label === label && (measure === 'average' || record.target === measure),
  );
  const keys = cells.map(keyOf);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) refuseSecond(label, twice);
  return cells;
}

const keyOf = ({fold, seed, target}: BootstrapCell): string => `fold ${fold}, seed ${seed}, ${target}`;

function refuseSecond(label: string, cell: string): never {
  throw new ReportError(
    'ambiguous-score',
    `${label}, ${cell}: moments of two systems for one cell.`,
    'Give systems that differ in parameters or preset different labels.',
  );
}

interface Pair {
  readonly first: readonly BootstrapCell[];
  readonly second: readonly BootstrapCell[];
}

/** Keeps the folds, seeds and targets that both systems have, and of each fold the clips that every cell has. */
function shared(first: readonly BootstrapCell[], second: readonly BootstrapCell[]): Pair {
  const [inFirst, inSecond] = [new Set(first.map(keyOf)), new Set(second.map(keyOf))];
  const isShared = (cell: BootstrapCell): boolean => inFirst.has(keyOf(cell)) && inSecond.has(keyOf(cell));
  return onSharedClips({first: first.filter(isShared), second: second.filter(isShared)});
}

function onSharedClips({first, second}: Pair): Pair {
  const clipsOfFold = new Map<string, ReadonlySet<string>>();
  for (const {fold, clips} of [...first, ...second]) {
    const names = new Set(clips.map(({clip}) => clip));
    clipsOfFold.set(fold, new Set([...(clipsOfFold.get(fold) ?? names)].filter((clip) => names.has(clip))));
  }
  const restrict = (cells: readonly BootstrapCell[]): readonly BootstrapCell[] =>
    cells
      .map((cell) => ({...cell, clips: cell.clips.filter(({clip}) => clipsOfFold.get(cell.fold)!.has(clip))}))
      .filter((cell) => cell.clips.length > 0);
  return {first: restrict(first), second: restrict(second)};
}

function cellsOfResult(result: BootstrapResult | undefined, probability: number | undefined): readonly Cell[] {
  if (result === undefined) return [missing(NOT_SHARED), missing(), missing()];
  const {difference, interval, undefinedCount} = result;
  const notes = undefinedCount > 0 ? [`${undefinedCount} resamples without a defined CCC do not count.`] : [];
  return [
    number(difference, CCC_DECIMALS, {isSigned: true}),
    interval === undefined ? missing(TOO_FEW) : {kind: 'interval', ...interval, decimals: CCC_DECIMALS, notes},
    probability === undefined ? missing(TOO_FEW) : {kind: 'probability', value: probability},
  ];
}

const NOT_SHARED = 'No fold and seed that both systems have.';
const TOO_FEW = 'No fold has two clips.';
