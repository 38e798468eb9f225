/** What an experiment has recorded: its tasks and the features of clips, opened again. */
import type {Digest} from '../cache/digest.js';
import type {OpenShard} from '../cache/shard-store.js';
import type {ShardSchema} from '../cache/shard.js';
import type {ClipFeatures} from '../stages/fusion-training/ensemble.js';
import type {FeatureReader} from '../stages/fusion-training/features.js';
import type {Modality} from '../stages/fusion-training/system.js';
import {suggestion} from '../stages/nearest.js';
import {acoustic, linguistic, visual} from '../stages/schemas.js';
import {UsageError} from './errors.js';
import type {Experiment, SystemRun} from './experiment.js';
import {forecast, type Forecast} from './forecast.js';
import {readClosures, readLock} from './identity.js';
import {Inspector} from './inspector.js';
import {makePlan, taskId, type Selection} from './plan.js';
import type {Workspace} from './workspace.js';

export type Records = ReadonlyMap<string, Forecast>;
export type Recorded = Extract<Forecast, {will: 'reuse'}>;

/** Every task of a selection, with its record where it has one that is current. */
export async function recorded(experiment: Experiment, workspace: Workspace, selection: Selection): Promise<Records> {
  const plan = makePlan(experiment, selection);
  const inspector = new Inspector({plan, workspace, closures: readClosures(), lock: readLock()});
  const forecasts = await forecast(inspector, 'back');
  return new Map(forecasts.map((one) => [one.task.id, one]));
}

const schemas = {visual, acoustic, linguistic};

/** Shards of each modality for clips in the given order. */
export async function clipFeatures(
  shards: OpenShards,
  experiment: Experiment,
  records: Records,
  modalities: readonly Modality[],
  clips: readonly string[],
): Promise<ClipFeatures> {
  const features = new Map<Modality, FeatureReader[]>();
  for (const modality of modalities) {
    const {stage, output} = experiment.graph.producer(modality);
    const readers: FeatureReader[] = [];
    for (const clip of clips) {
      const one = reused(records, taskId(stage.name, {clip}), experiment);
      readers.push((await shards.open(one, output, schemas[modality])) as FeatureReader);
    }
    features.set(modality, readers);
  }
  return features;
}

/** Shards that are closed together. */
export class OpenShards implements AsyncDisposable {
  readonly #opened: OpenShard<ShardSchema>[] = [];
  constructor(private readonly workspace: Workspace) {}

  async open<S extends ShardSchema>({record}: Recorded, output: string, schema: S): Promise<OpenShard<S>> {
    const {digest} = record.outputs.find(({name}) => name === output)!;
    const shard = await this.workspace.store.open(digest as Digest, schema);
    this.#opened.push(shard as unknown as OpenShard<ShardSchema>);
    return shard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const shard of this.#opened) await shard.close();
  }
}

/** The record of a task. Throws UsageError 'not-run-yet' where there is none. */
export function reused(records: Records, id: string, experiment: Experiment): Recorded {
  const one = records.get(id);
  if (one?.will === 'reuse') return one;
  throw new UsageError(
    'not-run-yet',
    `'${id}' has not run with these parameters`,
    `Run it first: affectflow run ${experiment.file}, with --clips for clips that are in no fold.`,
  );
}

/** A system by its label. Throws UsageError 'unknown-system'. */
export function systemOf(experiment: Experiment, label: string): SystemRun {
  const labels = experiment.systems.map((system) => system.label);
  const found = experiment.systems.find((system) => system.label === label);
  if (found === undefined)
    throw new UsageError(
      'unknown-system',
      `there is no system '${label}' in ${experiment.file}`,
      suggestion(label, labels),
    );
  return found;
}
