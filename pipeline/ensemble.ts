/** An ensemble of a system's best folds, for clips that none of them was trained on. */
import type {Digest} from '../cache/digest.js';
import type {OpenShard} from '../cache/shard-store.js';
import type {ShardSchema} from '../cache/shard.js';
import {POPULATION, type Score} from '../reports/score.js';
import {
  ensemblePredictions,
  type ClipFeatures,
  type EnsemblePrediction,
  type Member,
} from '../stages/fusion-training/ensemble.js';
import type {FeatureReader} from '../stages/fusion-training/features.js';
import {settingsOf} from '../stages/fusion-training/settings.js';
import type {Modality} from '../stages/fusion-training/system.js';
import {acoustic, linguistic, visual, weights} from '../stages/schemas.js';
import {UsageError} from './errors.js';
import type {Experiment, SystemRun} from './experiment.js';
import {forecast, type Forecast} from './forecast.js';
import {readClosures, readLock} from './identity.js';
import {Inspector} from './inspector.js';
import {suggestion} from '../stages/nearest.js';
import {makePlan, taskId, type Selection} from './plan.js';
import {readResults} from './results.js';
import type {Workspace} from './workspace.js';

export interface EnsembleOptions {
  /** Label of the system. */
  readonly system: string;
  /** Folds that take part, best first. */
  readonly best: number;
  /** Glob over names of clips, or the names. */
  readonly clips: string | readonly string[];
  readonly device: 'auto' | 'cpu';
  readonly threads: number;
}

export interface Ensemble {
  /** Folds that took part, best first, with the mean of their validation CCC of valence and arousal. */
  readonly folds: readonly RankedFold[];
  readonly clips: readonly (EnsemblePrediction & {readonly clip: string})[];
}

export interface RankedFold {
  readonly fold: string;
  readonly ccc: number;
}

/** Ranks the folds of a system by the mean of validation CCC over valence, arousal and seeds; without a score, last. */
export function rankFolds(scores: readonly Score[], label: string): RankedFold[] {
  const own = scores.filter(
    (score) => score.label === label && score.variant === POPULATION && score.clip === undefined,
  );
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const ranked = [...new Set(own.map(({fold}) => fold))].map((fold) => ({
    fold,
    ccc: mean(own.filter((score) => score.fold === fold).map(({ccc}) => ccc)),
  }));
  return ranked.filter(({ccc}) => Number.isFinite(ccc)).sort((a, b) => b.ccc - a.ccc);
}

/** Predicts clips by the models of all seeds of the best folds. Features and models must have been recorded. */
export async function predictWithBestFolds(
  experiment: Experiment,
  workspace: Workspace,
  {system: label, best, clips: wanted, device, threads}: EnsembleOptions,
): Promise<Ensemble> {
  const system = systemOf(experiment, label);
  const folds = rankFolds((await readResults(experiment, workspace)).scores, label).slice(0, best);
  if (folds.length < best) throw tooFewFolds(experiment, label, best, folds.length);
  const settings = settingsOf(system.params as Parameters<typeof settingsOf>[0]);
  const names = folds.map(({fold}) => fold);
  const trained = await recorded(experiment, workspace, {folds: names});
  const extracted = await recorded(experiment, workspace, {clips: wanted});
  const clips = [...new Set([...extracted.keys()].flatMap((id) => extracted.get(id)!.task.subject.clip ?? []))];
  refuseTrainingClips(experiment, names, clips);
  await using shards = new OpenShards(workspace);
  const features = (records: Records, of: readonly string[]) =>
    clipFeatures(shards, experiment, records, settings.system.modalities, of);
  const members: Member[] = [];
  for (const fold of experiment.folds.filter(({name}) => names.includes(name))) {
    for (const seed of experiment.seeds) {
      const one = reused(
        trained,
        taskId('fusion-training', {system: label, fold: fold.name, seed: String(seed)}),
        experiment,
      );
      const train = fold.train.map(({name}) => name).filter((name) => !one.excluded.has(name));
      members.push({weights: await shards.open(one, 'weights', weights), train: await features(trained, train)});
    }
  }
  const program = {device, threads};
  const predictions = await ensemblePredictions({settings, members, clips: await features(extracted, clips), program});
  return {folds, clips: predictions.map((prediction, i) => ({clip: clips[i]!, ...prediction}))};
}

type Records = ReadonlyMap<string, Forecast>;
type Recorded = Extract<Forecast, {will: 'reuse'}>;

async function recorded(experiment: Experiment, workspace: Workspace, selection: Selection): Promise<Records> {
  const plan = makePlan(experiment, selection);
  const forecasts = await forecast(new Inspector({plan, workspace, closures: readClosures(), lock: readLock()}));
  return new Map(forecasts.map((one) => [one.task.id, one]));
}

const schemas = {visual, acoustic, linguistic};

/** Shards of each modality for clips in the given order. */
async function clipFeatures(
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
class OpenShards implements AsyncDisposable {
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

function reused(records: Records, id: string, experiment: Experiment): Recorded {
  const one = records.get(id);
  if (one?.will === 'reuse') return one;
  throw new UsageError(
    'not-run-yet',
    `'${id}' has not run with these parameters`,
    `Run it first: affectflow run ${experiment.file}, with --clips for clips that are in no fold.`,
  );
}

function systemOf(experiment: Experiment, label: string): SystemRun {
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

function tooFewFolds(experiment: Experiment, label: string, asked: number, found: number): UsageError {
  return new UsageError(
    'not-run-yet',
    `${found} folds of '${label}' have been evaluated, ${asked} were asked for`,
    `Run more folds, affectflow run ${experiment.file}, or lower --best.`,
  );
}

/** A prediction by a model that has seen the clip's labels would look better than it is. */
function refuseTrainingClips(experiment: Experiment, folds: readonly string[], clips: readonly string[]): void {
  for (const fold of experiment.folds.filter(({name}) => folds.includes(name))) {
    const seen = fold.train.find(({name}) => clips.includes(name));
    if (seen === undefined) continue;
    throw new UsageError(
      'bad-option',
      `clip '${seen.name}' is among the training clips of fold ${fold.name}`,
      'Choose clips that none of the best folds was trained on, such as those of the test part.',
    );
  }
}
