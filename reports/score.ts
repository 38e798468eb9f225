/**
 * What a report is made of: plain values, handed in by the pipeline. A report reads neither files nor the lineage,
 * so equal input gives equal bytes.
 */
import type {ClipMoments} from './moments.js';
import type {RobustnessScore} from './robustness.js';

export const modalities = ['audio', 'visual', 'text'] as const;
export type Modality = (typeof modalities)[number];

export const targets = ['valence', 'arousal'] as const;
export type Target = (typeof targets)[number];

/** The definition of CCC that headline tables use (D12); every other variant stands beside it. */
export const POPULATION = 'population';

/** What makes a row of a table: one trained system of the experiment. */
export interface SystemDescription {
  /** Name of the architecture, e.g. 'rcma'. */
  readonly system: string;
  /** What the row is called; two rows that differ only in parameters need different labels. */
  readonly label: string;
  readonly modalities: readonly Modality[];
  /** 'published' or 'released'. */
  readonly preset: string;
  /** Backbones as the papers print them, e.g. 'A: VGGish; V: Resnet-50; T: BERT'. */
  readonly backbones: string;
}

/** One recorded score: a system, a fold, a seed, a target, one definition of the metric. */
export interface Score extends SystemDescription {
  readonly fold: string;
  readonly seed: number;
  readonly target: Target;
  /** 'population', or a variant of released code. */
  readonly variant: 'population' | (string & {});
  /** NaN where it is undefined. */
  readonly ccc: number;
  readonly pearson: number;
  readonly rmse: number;
  /** Valid frames that entered the score. */
  readonly frameCount: number;
  /** Absent: the score of the whole fold. */
  readonly clip?: string;
  /** Of the fold-evaluation task that wrote the score. */
  readonly fingerprint: string;
}

export interface Fold {
  readonly name: string;
  readonly train: readonly string[];
  readonly validation: readonly string[];
}

/** Something a task recorded without failing. */
export interface Warning {
  readonly clip?: string;
  readonly stage: string;
  readonly message: string;
}

/** Per-clip moments of one system, fold, seed and target: what a bootstrap over clips needs. */
export interface MomentRecord {
  readonly label: string;
  readonly fold: string;
  readonly seed: number;
  readonly target: Target;
  readonly clips: readonly ClipMoments[];
}

export interface ReportInput {
  readonly experiment: string;
  readonly scores: readonly Score[];
  readonly folds: readonly Fold[];
  readonly warnings: readonly Warning[];
  /** Tasks that failed or did not run, one sentence each. */
  readonly incomplete: readonly string[];
  /** Clips that every system does without, since a stage failed on them, and what went wrong. */
  readonly leftOut?: readonly {readonly clip: string; readonly stage: string; readonly because: string}[];
  /** Whether the features come from the small networks that travel inside the package. */
  readonly isEmbeddedDefault: boolean;
  /** Whether the clips were drawn by `affectflow demo` rather than filmed. */
  readonly isDrawnDataset?: boolean;
  /** Name of the data set as papers write it, e.g. 'Aff-Wild2'; decides whether published numbers are comparable. */
  readonly dataset?: string;
  readonly generated: {readonly version: string; readonly device: string};
  /** Every row that was planned, so that a system without a single score is shown as missing. */
  readonly systems?: readonly SystemDescription[];
  /** Every seed that was planned; where absent, those that a row has scores for. */
  readonly seeds?: readonly number[];
  /** Definitions of variants, one sentence each, by name. */
  readonly variantDefinitions?: Readonly<Record<string, string>>;
  readonly robustness?: readonly RobustnessScore[];
  readonly moments?: readonly MomentRecord[];
  /** Label of the system that the others are tested against; the first fusion system where absent. */
  readonly reference?: string;
}

/** Identifies the row a description belongs to. */
export function rowKey(row: SystemDescription): string {
  return JSON.stringify([row.system, row.label, row.preset, row.backbones, [...row.modalities].sort()]);
}

export const isFusion = (row: SystemDescription): boolean => row.modalities.length > 1;

/** Lists the rows of an experiment, planned ones first, in the order they were given. */
export function systemsOf(input: ReportInput): readonly SystemDescription[] {
  const rows = new Map<string, SystemDescription>();
  for (const row of [...(input.systems ?? []), ...input.scores]) {
    if (!rows.has(rowKey(row))) rows.set(rowKey(row), row);
  }
  return [...rows.values()];
}

/** Lists the folds of an experiment, then those that only scores mention. */
export function foldNamesOf(input: ReportInput): readonly string[] {
  return [...new Set([...input.folds.map((fold) => fold.name), ...input.scores.map((score) => score.fold)])];
}
