/** Vectors of faces for systems whose backbone is fine-tuned on each fold. */
import type {FeatureReader} from '../stages/fusion-training/features.js';
import {tunedClips} from '../stages/fusion-training/tuned-features.js';
import {embedClips} from '../stages/backbone-training/embed-clips.js';
import type {Settings} from '../stages/backbone-training/settings.js';
import type {ProgramOptions} from '../stages/learning/program.js';
import {backboneWeights, faces, labels, tunedVisual} from '../stages/schemas.js';
import type {Experiment} from './experiment.js';
import type {Fold} from './folds.js';
import {taskId} from './plan.js';
import {reused, type OpenShards, type Records} from './recorded.js';

const STAGE = 'backbone-training';

export interface Tuning {
  readonly fold: Fold;
  readonly seed: number;
}

const taskOf = (records: Records, experiment: Experiment, {fold, seed}: Tuning) =>
  reused(records, taskId(STAGE, {fold: fold.name, seed: String(seed)}), experiment);

/** The vectors of the training clips of a fold, as its backbone made them. */
export async function tunedTrainingClips(
  shards: OpenShards,
  experiment: Experiment,
  records: Records,
  tuning: Tuning,
): Promise<readonly FeatureReader[]> {
  const one = taskOf(records, experiment, tuning);
  const {stage, output} = experiment.graph.producer(labels.kind);
  const labelsOf = async (clips: Fold['train']) => {
    const kept = clips.filter(({name}) => !one.excluded.has(name));
    const tasks = kept.map(({name}) => reused(records, taskId(stage.name, {clip: name}), experiment));
    return Promise.all(tasks.map((task) => shards.open(task, output, labels)));
  };
  const {train, validation} = tuning.fold;
  const clips = {train: await labelsOf(train), validation: await labelsOf(validation)};
  return (await tunedClips(await shards.open(one, 'tuned', tunedVisual), clips)).train;
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
  {fold, seed, extracted, clips, program}: Tuning & NewClips,
): Promise<readonly FeatureReader[]> {
  const weights = await shards.open(taskOf(records, experiment, {fold, seed}), 'weights', backboneWeights);
  const {stage, output} = experiment.graph.producer(faces.kind);
  const crops = clips.map((clip) =>
    shards.open(reused(extracted, taskId(stage.name, {clip}), experiment), output, faces),
  );
  const settings = experiment.params.get(STAGE) as Settings;
  return embedClips({weights, settings, clips: await Promise.all(crops), program});
}
