/** Recorded trainings of a system, opened again with the features they were normalised by. */
import type {Member} from '../stages/fusion-training/ensemble.js';
import type {Tunable} from '../stages/fusion-training/settings.js';
import type {Modality} from '../stages/fusion-training/system.js';
import {weights} from '../stages/schemas.js';
import type {Experiment} from './experiment.js';
import type {Fold} from './folds.js';
import {taskId} from './plan.js';
import {clipFeatures, reused, type OpenShards, type Recorded, type Records} from './recorded.js';
import {tunedTrainingClips} from './tuned.js';

export interface Trained {
  /** Label of the system. */
  readonly system: string;
  readonly modalities: readonly Modality[];
  /** Those whose vectors are of backbones that were tuned on the fold. */
  readonly tuned: readonly Tunable[];
  readonly fold: Fold;
  readonly seed: number;
}

/** Modalities whose vectors are made per clip. */
export const frozenModalities = ({modalities, tuned}: Pick<Trained, 'modalities' | 'tuned'>): Modality[] =>
  modalities.filter((modality) => !(tuned as readonly Modality[]).includes(modality));

/** One training of a system: its record, its weights, and the features it was normalised by. */
export async function memberOf(
  shards: OpenShards,
  experiment: Experiment,
  records: Records,
  of: Trained,
): Promise<{record: Recorded['record']; member: Member}> {
  const {system, fold, seed} = of;
  const one = reused(records, taskId('fusion-training', {system, fold: fold.name, seed: String(seed)}), experiment);
  const train = fold.train.map(({name}) => name).filter((name) => !one.excluded.has(name));
  const features = new Map(await clipFeatures(shards, experiment, records, frozenModalities(of), train));
  for (const modality of of.tuned)
    features.set(modality, await tunedTrainingClips(shards, experiment, records, {modality, fold, seed}));
  return {record: one.record, member: {weights: await shards.open(one, 'weights', weights), train: features}};
}
