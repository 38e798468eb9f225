/** An ensemble of a system's best folds, for clips that none of them was trained on. */
import {POPULATION, type Score} from '../reports/score.js';
import {ensemblePredictions, type EnsemblePrediction, type Member} from '../stages/fusion-training/ensemble.js';
import {settingsOf, tunedOf} from '../stages/fusion-training/settings.js';
import {UsageError} from './errors.js';
import type {Experiment} from './experiment.js';
import {frozenModalities, memberOf} from './members.js';
import {clipFeatures, OpenShards, recorded, systemOf} from './recorded.js';
import {clipsLeftOut, readResults, type LeftOutClip} from './results.js';
import {tunedNewClips} from './tuned.js';
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
  /** Clips that failed, where the experiment goes on without them. */
  readonly leftOut: readonly LeftOutClip[];
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
  const params = system.params as Parameters<typeof settingsOf>[0];
  const settings = settingsOf(params);
  const names = folds.map(({fold}) => fold);
  const trained = await recorded(experiment, workspace, {folds: names});
  const extracted = await recorded(experiment, workspace, {clips: wanted});
  const asked = new Set([...extracted.values()].flatMap(({task}) => task.subject.clip ?? []));
  const leftOut = clipsLeftOut(experiment, extracted.values());
  for (const {clip} of leftOut) asked.delete(clip);
  const clips = [...asked];
  if (clips.length === 0) return {folds, clips: [], leftOut};
  refuseTrainingClips(experiment, names, clips);
  await using shards = new OpenShards(workspace);
  const [{modalities}, tuned] = [settings.system, tunedOf(params)];
  const program = {device, threads};
  const frozen = await clipFeatures(shards, experiment, extracted, frozenModalities({modalities, tuned}), clips);
  const members: Member[] = [];
  for (const fold of experiment.folds.filter(({name}) => names.includes(name))) {
    for (const seed of experiment.seeds) {
      const of = {system: label, modalities, tuned, fold, seed};
      const {member} = await memberOf(shards, experiment, trained, of);
      const own = new Map(frozen);
      for (const modality of tuned) {
        const of = {modality, fold, seed, extracted, clips, program};
        own.set(modality, await tunedNewClips(shards, experiment, trained, of));
      }
      members.push({...member, clips: own});
    }
  }
  const predictions = await ensemblePredictions({settings, members, clips: frozen, program});
  return {folds, clips: predictions.map((prediction, i) => ({clip: clips[i]!, ...prediction})), leftOut};
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
