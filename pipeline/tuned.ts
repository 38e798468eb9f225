/** Vectors for systems whose backbones are fine-tuned on each fold. */
import type {ShardSchema} from '../cache/shard.js';
import {embedFaces, embedSound} from '../stages/backbone-training/embed-clips.js';
import {exportBackbone, type ExportedBackbone} from '../stages/backbone-training/exported-backbone.js';
import type {Settings} from '../stages/backbone-training/settings.js';
import type {FeatureReader} from '../stages/fusion-training/features.js';
import type {Tunable} from '../stages/fusion-training/settings.js';
import {tunedClips} from '../stages/fusion-training/tuned-features.js';
import type {ProgramOptions} from '../stages/learning/program.js';
import {
  acousticBackboneWeights,
  backboneWeights,
  faces,
  labels,
  logMel,
  timeline,
  tunedAcoustic,
  tunedVisual,
} from '../stages/schemas.js';
import type {Experiment} from './experiment.js';
import type {Fold} from './folds.js';
import {taskId} from './plan.js';
import {reused, type OpenShards, type Records} from './recorded.js';

/** What the stages that tune backbones write. */
const schemas = {
  visual: {tuned: tunedVisual, weights: backboneWeights},
  acoustic: {tuned: tunedAcoustic, weights: acousticBackboneWeights},
};

/** The stage that tunes the backbone of a modality. */
export const tuningStage = ({graph}: Pick<Experiment, 'graph'>, modality: Tunable): string =>
  graph.producer(schemas[modality].tuned.kind).stage.name;

export interface Tuning {
  readonly modality: Tunable;
  readonly fold: Fold;
  readonly seed: number;
}

const taskOf = (records: Records, experiment: Experiment, {modality, fold, seed}: Tuning) => {
  const subject = {fold: fold.name, seed: String(seed)};
  return reused(records, taskId(tuningStage(experiment, modality), subject), experiment);
};

/** Shards of a kind, one per clip. */
function shardsOf<S extends ShardSchema>(
  shards: OpenShards,
  experiment: Experiment,
  records: Records,
  {schema, clips}: {readonly schema: S; readonly clips: readonly string[]},
) {
  const {stage, output} = experiment.graph.producer(schema.kind);
  const tasks = clips.map((clip) => reused(records, taskId(stage.name, {clip}), experiment));
  return Promise.all(tasks.map((task) => shards.open(task, output, schema)));
}

/** The vectors of the training clips of a fold, as its backbone made them. */
export async function tunedTrainingClips(
  shards: OpenShards,
  experiment: Experiment,
  records: Records,
  tuning: Tuning,
): Promise<readonly FeatureReader[]> {
  const one = taskOf(records, experiment, tuning);
  const labelsOf = (part: Fold['train']) => {
    const clips = part.map(({name}) => name).filter((name) => !one.excluded.has(name));
    return shardsOf(shards, experiment, records, {schema: labels, clips});
  };
  const {train, validation} = tuning.fold;
  const clips = {train: await labelsOf(train), validation: await labelsOf(validation)};
  return (await tunedClips(await shards.open(one, 'tuned', schemas[tuning.modality].tuned), clips)).train;
}

/** The backbone of a fold, as files; `images` are those that one run takes. */
export async function exportTuned(
  shards: OpenShards,
  experiment: Experiment,
  records: Records,
  {
    images,
    metadata,
    ...tuning
  }: Tuning & {readonly images: number; readonly metadata: Readonly<Record<string, string>>},
): Promise<ExportedBackbone> {
  const {modality} = tuning;
  const one = taskOf(records, experiment, tuning);
  const settings = experiment.params.get(tuningStage(experiment, modality)) as Settings;
  const facts = {
    ...metadata,
    stage: one.task.stage,
    training: one.record.fingerprint,
    parameters: JSON.stringify(settings),
  };
  const weights = await shards.open(one, 'weights', schemas[modality].weights);
  return exportBackbone({weights, settings, images, metadata: facts});
}

export interface NewClips {
  /** Records of tasks of the clips. */
  readonly extracted: Records;
  readonly clips: readonly string[];
  readonly program: ProgramOptions;
}

/** The vectors of other clips by the backbone of a fold, made now. */
export async function tunedNewClips(
  shards: OpenShards,
  experiment: Experiment,
  records: Records,
  {extracted, clips, program, ...tuning}: Tuning & NewClips,
): Promise<readonly FeatureReader[]> {
  const {modality} = tuning;
  const weights = await shards.open(taskOf(records, experiment, tuning), 'weights', schemas[modality].weights);
  const settings = experiment.params.get(tuningStage(experiment, modality)) as Settings;
  const request = {weights, settings, program};
  const of = <S extends ShardSchema>(schema: S) => shardsOf(shards, experiment, extracted, {schema, clips});
  return modality === 'visual'
    ? embedFaces(await of(faces), request)
    : embedSound(await of(logMel), await of(timeline), request);
}
