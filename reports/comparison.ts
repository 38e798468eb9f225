/** Ours beside published. A difference is called one only where data set and backbones agree. */
import {CCC_DECIMALS, meanCell, singleCell, summariesOf} from './ccc-cells.js';
import type {Summaries} from './ccc-cells.js';
import {jmtFolds, published} from './published.js';
import type {PublishedResult, Source} from './published.js';
import {isFusion, targets} from './score.js';
import type {Modality, ReportInput, SystemDescription, Target} from './score.js';
import {indexFolds} from './score-index.js';
import {mean, sampleDeviation} from './statistics.js';
import {alone, empty, left, number, prose, right, text} from './table.js';
import type {Cell, ColumnGroup, Row, Table} from './table.js';

/** One published row and the system of this experiment that stands beside it, if any. */
interface Pair {
  readonly theirs: PublishedResult;
  readonly ours: SystemDescription | undefined;
}

/** Builds the tables of published numbers beside ours; none where no system of the experiment was published. */
export function publishedTables(input: ReportInput): readonly Table[] {
  const summaries = summariesOf(input, indexFolds(input.scores));
  const pairs = pairsOf(summaries.rows.filter(isFusion));
  if (pairs.every(({ours}) => ours === undefined)) return [];
  const comparable = pairs.filter((pair) => isComparable(input, pair));
  const others = pairs.filter((pair) => !comparable.includes(pair));
  return [
    ...targets.flatMap((target) => tableOf({input, summaries, target, pairs: comparable, isSameSetting: true})),
    ...targets.flatMap((target) => tableOf({input, summaries, target, pairs: others, isSameSetting: false})),
    ...(pairs.some(({ours}) => ours?.system === 'jmt') ? [jmtFoldTable()] : []),
    sourceTable(),
  ];
}

/** Every published row, once for each of our systems of that name, or once alone. */
function pairsOf(rows: readonly SystemDescription[]): readonly Pair[] {
  return published.flatMap((theirs): readonly Pair[] => {
    const ours = rows.filter((row) => row.system === theirs.system);
    return ours.length > 0 ? ours.map((row) => ({theirs, ours: row})) : [{theirs, ours: undefined}];
  });
}

/** Whether data set and backbones are those of the paper; folds and protocol may still differ. */
export function isComparable(input: ReportInput, {theirs, ours}: Pair): boolean {
  if (ours === undefined || input.isEmbeddedDefault || input.isDrawnDataset === true) return false;
  return plain(input.dataset ?? '') === plain(theirs.dataset) && plain(ours.backbones) === plain(theirs.backbones);
}

/** 'Resnet-50' and 'ResNet50' are one backbone, and so are 'R(2+1)D' and 'R(2plus1)D'. */
const plain = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll('plus', '+')
    .replaceAll(/[^a-z0-9+:;]/g, '');

interface TableRequest {
  readonly input: ReportInput;
  readonly summaries: Summaries;
  readonly target: Target;
  readonly pairs: readonly Pair[];
  readonly isSameSetting: boolean;
}

const SHOWN = ['audio', 'visual', 'text', 'fusion'] as const;

function tableOf({input, summaries, target, pairs, isSameSetting}: TableRequest): readonly Table[] {
  if (pairs.length === 0) return [];
  const difference = isSameSetting ? 'Difference' : 'Difference (not comparable)';
  const table: Table = {
    name: `published-${target}${isSameSetting ? '-same-setting' : ''}`,
    title: `Published CCC and ours, ${target}`,
    caption: isSameSetting ? SAME_SETTING : [settingSentence(input), ...NOT_COMPARABLE],
    groups: [
      alone(left('Method')),
      {title: 'Published', columns: [right('Audio'), right('Visual'), right('Fusion')]},
      alone(left('Our system')),
      {title: 'Ours', columns: SHOWN.map((column) => right(capitalised(column)))},
      alone(right(difference)),
    ],
    rows: pairs.map((pair) => rowOf(summaries, pair, target)),
  };
  return [table];
}

const NOT_COMPARABLE = [
  'Published: CCC on the Aff-Wild2 validation set, as printed. Ours: mean over the folds of this experiment.',
  'Difference is ours minus published, fusion. It compares different data or different backbones and says nothing about which system is better.',
];

const SAME_SETTING = [
  'Published: CCC on the Aff-Wild2 validation set, as printed. Ours: mean over the folds of this experiment, on the same data set with backbones of the same names.',
  'Difference is ours minus published, fusion. Folds, edition of the data set and training protocol may still differ: see the sources.',
];

/** Says in one sentence how far these numbers are from the papers' setting. */
export function settingSentence(input: ReportInput): string {
  const reasons = [
    ...(input.isDrawnDataset === true ? ['the clips are a small drawn data set, not filmed people'] : []),
    ...(input.isEmbeddedDefault
      ? ["the features come from the package's small embedded networks, not the papers' backbones"]
      : []),
  ];
  if (reasons.length > 0) return `These numbers are not the papers' setting: ${reasons.join(', and ')}.`;
  if (plain(input.dataset ?? '') === 'affwild2')
    return 'These numbers are on Aff-Wild2; check backbones, folds and edition before comparing them with a paper.';
  return `These numbers are not the papers' setting: the papers report on Aff-Wild2, this experiment on ${input.dataset ?? 'another data set'}.`;
}

function rowOf(summaries: Summaries, {theirs, ours}: Pair, target: Target): Row {
  const printed = theirs.ccc[target];
  const oursFusion = ours === undefined ? undefined : summaries.of(ours, target);
  const difference =
    oursFusion?.mean === undefined || printed.fusion === undefined ? undefined : oursFusion.mean - printed.fusion;
  return {
    cells: [
      text(theirs.method),
      ...(['audio', 'visual', 'fusion'] as const).map((column) => printedCell(printed[column])),
      text(ours === undefined ? 'not in this experiment' : `${ours.label} (${ours.preset})`),
      ...SHOWN.map((column) => ourCell(summaries, ours, column, target)),
      difference === undefined
        ? empty
        : number(difference, CCC_DECIMALS, {isSigned: true, fingerprints: oursFusion!.fingerprints}),
    ],
  };
}

const printedCell = (value: number | undefined): Cell => (value === undefined ? empty : number(value, CCC_DECIMALS));

function ourCell(
  summaries: Summaries,
  ours: SystemDescription | undefined,
  column: Modality | 'fusion',
  target: Target,
): Cell {
  if (ours === undefined) return empty;
  return column === 'fusion' ? meanCell(summaries.of(ours, target)) : singleCell(summaries, ours, column, target);
}

/** Builds JMT's Table 1, the only published table of folds. */
export function jmtFoldTable(): Table {
  const columns = ['valence', 'arousal', 'average'] as const;
  const printed = jmtFolds.folds.map((row) => ({
    cells: [text(row.fold), ...columns.map((column) => number(row[column], CCC_DECIMALS))],
  }));
  const means = columns.map((column) => {
    const values = jmtFolds.folds.map((row) => row[column]);
    return number(mean(values), CCC_DECIMALS, {spread: sampleDeviation(values) ?? null});
  });
  return {
    name: 'published-jmt-folds',
    title: 'Published folds of JMT',
    caption: [
      `As printed in ${cite(jmtFolds.source)}.`,
      'The last row, mean ± sample standard deviation (divisor n - 1) over the six rows, is computed here and not printed there.',
      'Its folds hold other clips than the folds of this experiment.',
    ],
    groups: [alone(left('Validation set'), right('Valence'), right('Arousal'), right('Average'))],
    rows: [...printed, {cells: [text('mean ± sd'), ...means], startsBlock: true}],
  };
}

/** Builds the table that says where each published number stands and what to know about it. */
export function sourceTable(): Table {
  return {
    name: 'published-sources',
    title: 'Sources of published numbers',
    caption: ['All on the Aff-Wild2 validation set.'],
    groups: [SOURCE_COLUMNS],
    rows: published.map(({method, backbones, sources, caveats}) => ({
      cells: [text(method), text(backbones), text(sources.map(cite).join('; ')), text(caveats.join(' '))],
    })),
  };
}

const SOURCE_COLUMNS: ColumnGroup = alone(left('Method'), left('Backbones'), prose('Source'), prose('Caveats'));

const cite = ({paper, table, section}: Source): string => `${paper}, ${table} (section ${section})`;

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
