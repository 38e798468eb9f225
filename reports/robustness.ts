/** CCC against corruption: trained systems evaluated on features that are absent, noisy or interrupted. */
import {CCC_DECIMALS} from './ccc-cells.js';
import {ReportError} from './errors.js';
import {measures} from './fold-summary.js';
import type {Measure} from './fold-summary.js';
import type {Modality, Target} from './score.js';
import {mean} from './statistics.js';
import {alone, empty, left, markBest, missing, number, right, text} from './table.js';
import type {Cell, Row, Table} from './table.js';

/** What was done to the validation features before a trained system saw them. */
export type Corruption =
  | {readonly kind: 'none'}
  | {readonly kind: 'absent'; readonly modality: Modality}
  | {readonly kind: 'noise'; readonly modality: Modality; readonly signalToNoiseDecibels: number}
  /** Stretches without the modality; `share` of all frames is lost. */
  | {readonly kind: 'drop-out'; readonly modality: Modality; readonly share: number};

/** One score of a trained system on corrupted features; the system was not trained again. */
export interface RobustnessScore {
  readonly label: string;
  readonly corruption: Corruption;
  readonly fold: string;
  readonly seed: number;
  readonly target: Target;
  readonly ccc: number;
  readonly fingerprint: string;
}

/** Builds one table per measure: a row per corruption, a column per system; none where nothing was corrupted. */
export function robustnessTables(scores: readonly RobustnessScore[]): readonly Table[] {
  const labels = [...new Set(scores.map((score) => score.label))];
  const conditions = [...new Map(scores.map(({corruption}) => [describe(corruption), corruption])).values()].sort(
    order,
  );
  return conditions.some(({kind}) => kind !== 'none')
    ? measures.map((measure) => tableOf({scores, labels, conditions, measure}))
    : [];
}

interface TableRequest {
  readonly scores: readonly RobustnessScore[];
  readonly labels: readonly string[];
  readonly conditions: readonly Corruption[];
  readonly measure: Measure;
}

function tableOf({scores, labels, conditions, measure}: TableRequest): Table {
  const rows: readonly Row[] = conditions.map((condition, at) => ({
    cells: [text(describe(condition)), ...labels.map((label) => cellOf(of(scores, label), condition, measure))],
    startsBlock: at === 0 || modalityOf(condition) !== modalityOf(conditions[at - 1]!),
  }));
  return {
    name: `robustness-${measure}`,
    title: `CCC under corruption, ${measure}`,
    caption: [
      'Systems trained on clean features and evaluated on corrupted ones, without retraining.',
      'Values are means over folds, seeds averaged within a fold. An empty cell: the system was not evaluated so, as where it does not use the modality.',
      'The highest complete value of a row is marked.',
    ],
    groups: [alone(left('Corruption'), ...labels.map(right))],
    rows: rows.map(bestOfRow),
  };
}

const of = (scores: readonly RobustnessScore[], label: string): readonly RobustnessScore[] =>
  scores.filter((score) => score.label === label);

/** A partial value, one that lacks a fold or seed the system has elsewhere, carries a footnote. */
function cellOf(scores: readonly RobustnessScore[], condition: Corruption, measure: Measure): Cell {
  const here = scores.filter(({corruption}) => describe(corruption) === describe(condition));
  if (here.length === 0) return empty;
  const folds = [...new Set(scores.map((score) => score.fold))];
  const seeds = [...new Set(scores.map((score) => score.seed))];
  const grid = folds.map((fold) => seeds.map((seed) => measured(here, fold, seed, measure)));
  const values = grid.flatMap((row) => mean(row.flatMap((value) => value ?? [])) ?? []);
  const lost = grid.flat().filter((value) => value === undefined).length;
  const notes = lost > 0 ? [`${lost} of ${folds.length * seeds.length} folds and seeds have no score.`] : [];
  const fingerprints = [...new Set(here.map((score) => score.fingerprint))];
  return values.length === 0
    ? missing(...notes)
    : number(mean(values), CCC_DECIMALS, {fingerprints, notes, isPartial: lost > 0});
}

function measured(
  scores: readonly RobustnessScore[],
  fold: string,
  seed: number,
  measure: Measure,
): number | undefined {
  const needed: readonly Target[] = measure === 'average' ? ['valence', 'arousal'] : [measure];
  const values = needed.flatMap((target) => {
    const found = scores.filter((score) => score.fold === fold && score.seed === seed && score.target === target);
    if (found.length > 1) refuseSecond(found[1]!);
    return found.filter((score) => Number.isFinite(score.ccc)).map((score) => score.ccc);
  });
  return values.length === needed.length ? mean(values) : undefined;
}

function refuseSecond({label, corruption, fold, seed, target}: RobustnessScore): never {
  throw new ReportError(
    'ambiguous-score',
    `${label}, ${describe(corruption)}, fold ${fold}, seed ${seed}, ${target}: two scores for one cell.`,
    'Give systems that differ in parameters different labels, or report one run at a time.',
  );
}

/** 'clean', 'audio absent', 'visual noise, SNR 10 dB', 'text drop-outs, 25 % of frames'. */
export function describe(corruption: Corruption): string {
  switch (corruption.kind) {
    case 'none':
      return 'clean';
    case 'absent':
      return `${corruption.modality} absent`;
    case 'noise':
      return `${corruption.modality} noise, SNR ${corruption.signalToNoiseDecibels} dB`;
    case 'drop-out':
      return `${corruption.modality} drop-outs, ${Number((100 * corruption.share).toFixed(1))} % of frames`;
  }
}

const KINDS = ['none', 'noise', 'drop-out', 'absent'] as const;
const MODALITIES = ['', 'audio', 'visual', 'text'] as const;
const modalityOf = (corruption: Corruption): Modality | '' => (corruption.kind === 'none' ? '' : corruption.modality);

/** Clean first, then by modality, kind, and from mild to severe. */
function order(a: Corruption, b: Corruption): number {
  return (
    MODALITIES.indexOf(modalityOf(a)) - MODALITIES.indexOf(modalityOf(b)) ||
    KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
    severity(a) - severity(b)
  );
}

function severity(corruption: Corruption): number {
  if (corruption.kind === 'noise') return -corruption.signalToNoiseDecibels;
  return corruption.kind === 'drop-out' ? corruption.share : 0;
}

/** Marks the best system of a row by treating its values as a column. */
function bestOfRow(row: Row): Row {
  const marked = markBest(
    row.cells.map((cell) => ({cells: [cell]})),
    0,
  );
  return {...row, cells: marked.map(({cells}) => cells[0]!)};
}
