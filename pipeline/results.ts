/** Reads what the fold evaluations of an experiment recorded, as plain values for the reports. */
import {existsSync} from 'node:fs';
import path from 'node:path';
import type {Digest} from '../cache/digest.js';
import {scores as scoresSchema} from '../stages/schemas.js';
import type {ReportInput, Score} from '../reports/score.js';
import {forecast, type Forecast} from './forecast.js';
import {readClosures, readLock} from './identity.js';
import {Inspector} from './inspector.js';
import {packageVersion} from './package-root.js';
import {makePlan} from './plan.js';
import type {Experiment} from './experiment.js';
import {describeSystems, usesEmbeddedDefault} from './system-traits.js';
import type {Workspace} from './workspace.js';

/** Collects every recorded score of an experiment; tasks that have not run are listed as incomplete. */
export async function readResults(experiment: Experiment, workspace: Workspace): Promise<ReportInput> {
  const inspector = new Inspector({plan: makePlan(experiment), workspace, closures: readClosures(), lock: readLock()});
  const forecasts = await forecast(inspector);
  const scores: Score[] = [];
  for (const one of forecasts)
    if (one.task.stage === 'fold-evaluation' && one.will === 'reuse')
      scores.push(...(await readScores(experiment, workspace, one)));
  return {
    experiment: experiment.name,
    scores,
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
    incomplete: forecasts.filter((one) => one.will !== 'reuse').map((one) => one.task.id),
    systems: describeSystems(experiment),
    seeds: experiment.seeds,
    isEmbeddedDefault: usesEmbeddedDefault(experiment),
    isDrawnDataset: existsSync(path.join(path.dirname(experiment.file), 'dataset.json')),
    generated: {version: packageVersion(), device: devices(forecasts)},
  };
}

async function readScores(
  experiment: Experiment,
  workspace: Workspace,
  one: Extract<Forecast, {will: 'reuse'}>,
): Promise<Score[]> {
  const fold = experiment.folds.find(({name}) => name === one.task.subject.fold)!;
  const clips = fold.validation.map(({name}) => name).filter((name) => !one.excluded.has(name));
  const traits = describeSystems(experiment).find(({label}) => label === one.task.subject.system)!;
  await using shard = await workspace.store.open(one.record.outputs[0]!.digest as Digest, scoresSchema);
  const scores: Score[] = [];
  for await (const row of shard.rows()) {
    scores.push({
      ...traits,
      fold: fold.name,
      seed: Number(one.task.subject.seed),
      target: row.target as Score['target'],
      variant: row.variant,
      ccc: row.ccc,
      pearson: row.pearson,
      rmse: row.rmse,
      frameCount: row.frameCount,
      ...(row.clipIndex < 0 ? {} : {clip: clips[row.clipIndex]!}),
      fingerprint: one.record.fingerprint,
    });
  }
  return scores;
}

function devices(forecasts: readonly Forecast[]): string {
  const used = forecasts.flatMap((one) =>
    one.will === 'reuse' && one.task.stage === 'fusion-training'
      ? [String(one.record.notes['device'] ?? 'unknown')]
      : [],
  );
  return [...new Set(used)].join(', ') || 'none';
}
