/** Reads what the fold evaluations of an experiment recorded, as plain values for the reports. */
import {existsSync} from 'node:fs';
import path from 'node:path';
import type {Digest} from '../cache/digest.js';
import type {Row, ShardSchema} from '../cache/shard.js';
import {variantDefinitions} from '../stages/fold-evaluation/variants.js';
import {moments as momentsSchema, robustness as robustnessSchema, scores as scoresSchema} from '../stages/schemas.js';
import type {RobustnessScore} from '../reports/robustness.js';
import type {MomentRecord, ReportInput, Score} from '../reports/score.js';
import {targets} from '../reports/score.js';
import {forecast, type Forecast} from './forecast.js';
import {readClosures, readLock} from './identity.js';
import {Inspector} from './inspector.js';
import {packageVersion} from './package-root.js';
import {makePlan} from './plan.js';
import type {Experiment} from './experiment.js';
import {describeSystems, modalityWords, usesEmbeddedDefault} from './system-traits.js';
import type {Workspace} from './workspace.js';

/** Collects every recorded score of an experiment; tasks that have not run are listed as incomplete. */
export async function readResults(experiment: Experiment, workspace: Workspace): Promise<ReportInput> {
  const inspector = new Inspector({plan: makePlan(experiment), workspace, closures: readClosures(), lock: readLock()});
  const forecasts = await forecast(inspector, 'back');
  const scores: Score[] = [];
  const moments: MomentRecord[] = [];
  const robustness: RobustnessScore[] = [];
  for (const one of forecasts) {
    if (one.will !== 'reuse') continue;
    if (one.task.stage === 'fold-evaluation') {
      scores.push(...(await readScores(experiment, workspace, one)));
      moments.push(...(await readMoments(experiment, workspace, one)));
    }
    if (one.task.stage === 'robustness') robustness.push(...(await readRobustness(workspace, one)));
  }
  return {
    experiment: experiment.name,
    scores,
    moments,
    robustness,
    folds: experiment.folds.map(({name, train, validation}) => ({
      name,
      train: train.map((clip) => clip.name),
      validation: validation.map((clip) => clip.name),
    })),
    warnings: forecasts.flatMap((one) =>
      one.will === 'reuse'
        ? one.record.warnings.map((message) => ({
            ...(one.task.subject.clip === undefined ? {} : {clip: one.task.subject.clip}),
            stage: one.task.stage,
            message,
          }))
        : [],
    ),
    ...missing(experiment, forecasts),
    systems: describeSystems(experiment),
    seeds: experiment.seeds,
    isEmbeddedDefault: usesEmbeddedDefault(experiment),
    variantDefinitions,
    isDrawnDataset: existsSync(path.join(path.dirname(experiment.file), 'dataset.json')),
    generated: {version: packageVersion(), device: devices(forecasts)},
  };
}

/** A clip that the experiment goes without, and what failed first. */
export interface LeftOutClip {
  readonly clip: string;
  readonly stage: string;
  readonly because: string;
}

/** Clips of which something failed, where the experiment goes on without them. */
export function clipsLeftOut(experiment: Experiment, forecasts: Iterable<Forecast>): LeftOutClip[] {
  const leftOut = new Map<string, LeftOutClip>();
  if (experiment.config.onFailedClip !== 'exclude') return [];
  for (const one of forecasts) {
    const {stage, subject} = one.task;
    // Stages come in order, so what is first is the cause of the rest.
    if (one.will === 'fail' && subject.clip !== undefined && !leftOut.has(subject.clip))
      leftOut.set(subject.clip, {clip: subject.clip, stage, because: one.because});
  }
  return [...leftOut.values()];
}

/** Clips that are left out, and tasks that have no result otherwise. */
function missing(experiment: Experiment, forecasts: readonly Forecast[]): Pick<ReportInput, 'leftOut' | 'incomplete'> {
  const leftOut = clipsLeftOut(experiment, forecasts);
  const isLeftOut = ({will, task}: Forecast) => will === 'fail' && leftOut.some(({clip}) => clip === task.subject.clip);
  const without = forecasts.filter((one) => one.will !== 'reuse' && !isLeftOut(one));
  return {leftOut, incomplete: without.map(({task}) => task.id)};
}

type Recorded = Extract<Forecast, {will: 'reuse'}>;

async function readScores(experiment: Experiment, workspace: Workspace, one: Recorded): Promise<Score[]> {
  const clips = clipNames(experiment, one);
  const traits = describeSystems(experiment).find(({label}) => label === one.task.subject.system)!;
  return (await rowsOf(workspace, one, 'scores', scoresSchema)).map((row) => ({
    ...traits,
    ...subjectOf(one),
    target: row.target as Score['target'],
    variant: row.variant,
    ccc: row.ccc,
    pearson: row.pearson,
    rmse: row.rmse,
    frameCount: row.frameCount,
    ...(row.clipIndex < 0 ? {} : {clip: clips[row.clipIndex]!}),
    fingerprint: one.record.fingerprint,
  }));
}

/** One record per target, for the bootstrap over clips. */
async function readMoments(experiment: Experiment, workspace: Workspace, one: Recorded): Promise<MomentRecord[]> {
  const names = clipNames(experiment, one);
  const rows = await rowsOf(workspace, one, 'moments', momentsSchema);
  return targets.map((target) => ({
    ...subjectOf(one),
    target,
    clips: rows
      .filter((row) => row.target === target)
      .map((row) => ({
        clip: names[row.clipIndex]!,
        n: row.frameCount,
        meanP: row.meanPrediction,
        meanY: row.meanLabel,
        varP: row.variancePrediction,
        varY: row.varianceLabel,
        cov: row.covariance,
      })),
  }));
}

async function readRobustness(workspace: Workspace, one: Recorded): Promise<RobustnessScore[]> {
  return (await rowsOf(workspace, one, 'scores', robustnessSchema)).map((row) => ({
    ...subjectOf(one),
    corruption: corruptionOf(row),
    target: row.target as RobustnessScore['target'],
    ccc: row.ccc,
    fingerprint: one.record.fingerprint,
  }));
}

/** In the words of the reports. */
function corruptionOf({
  corruption,
  modality: recorded,
  amount,
}: Row<typeof robustnessSchema>): RobustnessScore['corruption'] {
  if (corruption === 'none') return {kind: 'none'};
  const modality = modalityWords[recorded as keyof typeof modalityWords];
  if (corruption === 'noise') return {kind: 'noise', modality, signalToNoiseDecibels: amount};
  return corruption === 'drop-out' ? {kind: 'drop-out', modality, share: amount} : {kind: 'absent', modality};
}

function subjectOf({task}: Recorded) {
  return {label: task.subject.system!, fold: task.subject.fold!, seed: Number(task.subject.seed)};
}

/** Names of the clips whose positions a fold's shards hold (D17). */
function clipNames(experiment: Experiment, {task, excluded}: Recorded): string[] {
  const fold = experiment.folds.find(({name}) => name === task.subject.fold)!;
  return fold.validation.map(({name}) => name).filter((name) => !excluded.has(name));
}

async function rowsOf<S extends ShardSchema>(
  workspace: Workspace,
  {record}: Recorded,
  output: string,
  schema: S,
): Promise<Row<S>[]> {
  const {digest} = record.outputs.find(({name}) => name === output)!;
  await using shard = await workspace.store.open(digest as Digest, schema);
  const rows: Row<S>[] = [];
  for await (const row of shard.rows()) rows.push(row);
  return rows;
}

function devices(forecasts: readonly Forecast[]): string {
  const used = forecasts.flatMap((one) =>
    one.will === 'reuse' && one.task.stage === 'fusion-training'
      ? [String(one.record.notes['device'] ?? 'unknown')]
      : [],
  );
  return [...new Set(used)].join(', ') || 'none';
}
