/** Trained systems of an experiment as files for other programs. */
import {POPULATION} from '../reports/score.js';
import {readManifest} from '../cache/manifest.js';
import type {ExportedBackbone} from '../stages/backbone-training/exported-backbone.js';
import {exportSystem, type ExportedSystem} from '../stages/fusion-training/exported-system.js';
import {settingsOf, tunedOf, type Tunable} from '../stages/fusion-training/settings.js';
import type {Modality} from '../stages/fusion-training/system.js';
import {suggestion} from '../stages/nearest.js';
import {rankFolds} from './ensemble.js';
import {UsageError} from './errors.js';
import type {Experiment} from './experiment.js';
import type {Fold} from './folds.js';
import {frozenModalities, memberOf, type Trained} from './members.js';
import {packageVersion} from './package-root.js';
import {taskId} from './plan.js';
import {OpenShards, recorded, reused, systemOf, type Records} from './recorded.js';
import {readResults} from './results.js';
import {exportTuned, tuningStage} from './tuned.js';
import type {Workspace} from './workspace.js';

export interface ExportOptions {
  /** Label of the system. */
  readonly system: string;
  /** The fold with the best validation CCC where absent. */
  readonly fold?: string | undefined;
  /** The first of the experiment where absent. */
  readonly seed?: number | undefined;
  /** Windows that one run of the ONNX file takes. */
  readonly windows: number;
}

export interface Exported extends ExportedSystem {
  /** The networks that were tuned on the fold: the system reads their vectors, which nothing else makes. */
  readonly backbones: readonly (ExportedBackbone & {readonly modality: Tunable})[];
  readonly fold: string;
  readonly seed: number;
  /** What the files carry: the system, how it was trained, and what its features were made with. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Images that one run of an exported backbone takes: as small as any program needs. */
const IMAGES = 1;

/** Exports a recorded training. Throws UsageError where there is none. */
export async function exportTrained(
  experiment: Experiment,
  workspace: Workspace,
  {system: label, fold: foldName, seed: asked, windows}: ExportOptions,
): Promise<Exported> {
  const system = systemOf(experiment, label);
  const settings = settingsOf(system.params as Parameters<typeof settingsOf>[0]);
  const {modalities} = settings.system;
  const {scores} = await readResults(experiment, workspace);
  const fold = foldOf(experiment, foldName ?? rankFolds(scores, label)[0]?.fold ?? experiment.folds[0]!.name);
  const seed = seedOf(experiment, asked);
  const records = await recorded(experiment, workspace, {folds: [fold.name]});
  await using shards = new OpenShards(workspace);
  const tuned = tunedOf(system.params as Parameters<typeof tunedOf>[0]);
  const of = {system: label, modalities, tuned, fold, seed};
  const {record, member} = await memberOf(shards, experiment, records, of);
  const own = scores.filter(
    (score) =>
      score.label === label &&
      score.fold === fold.name &&
      score.seed === seed &&
      score.variant === POPULATION &&
      score.clip === undefined,
  );
  const metadata = {
    writtenBy: `affectflow ${packageVersion()}`,
    experiment: experiment.name,
    system: settings.system.name,
    title: settings.system.title,
    paper: settings.system.paper,
    preset: String(system.params['preset']),
    fold: fold.name,
    seed: String(seed),
    training: record.fingerprint,
    parameters: JSON.stringify(system.params),
    validationCcc: JSON.stringify(Object.fromEntries(own.map(({target, ccc}) => [target, ccc]))),
    features: JSON.stringify(featureSources(experiment, workspace, records, of)),
  };
  const backbones: Exported['backbones'][number][] = [];
  const facts = {writtenBy: metadata.writtenBy, experiment: experiment.name, fold: fold.name, seed: String(seed)};
  for (const modality of tuned) {
    const request = {modality, fold, seed, images: IMAGES, metadata: {...facts, modality}};
    backbones.push({modality, ...(await exportTuned(shards, experiment, records, request))});
  }
  const exported = await exportSystem({...member, settings, windows, metadata});
  return {...exported, fold: fold.name, seed, metadata, backbones};
}

/** What made the vectors of each modality, as the record of the fold's first clip has it. */
function featureSources(
  experiment: Experiment,
  workspace: Workspace,
  records: Records,
  of: Trained,
): Record<string, unknown> {
  const {modalities, tuned, fold, seed} = of;
  const stages = frozenModalities(of).map((modality) => experiment.graph.producer(modality).stage.name);
  const isRecorded = (clip: string) => stages.every((name) => records.get(taskId(name, {clip}))?.will === 'reuse');
  const clip = fold.train.find(({name}) => isRecorded(name));
  const tuning = {fold: fold.name, seed: String(seed)};
  const sourceOf = (modality: Modality): unknown => {
    const tunable = tuned.find((one) => one === modality);
    const stage = tunable ? tuningStage(experiment, tunable) : experiment.graph.producer(modality).stage.name;
    const {record} = reused(records, taskId(stage, tunable ? tuning : {clip: clip!.name}), experiment);
    const manifest = readManifest(workspace.manifests, record.fingerprint);
    const facts = {stage, identity: manifest?.identity, params: manifest?.params, models: manifest?.models};
    return tunable ? {...facts, training: record.fingerprint} : facts;
  };
  return Object.fromEntries(modalities.map((modality) => [modality, sourceOf(modality)]));
}

function foldOf(experiment: Experiment, name: string): Fold {
  const fold = experiment.folds.find((one) => one.name === name);
  if (fold !== undefined) return fold;
  const names = experiment.folds.map((one) => one.name);
  throw new UsageError('bad-option', `there is no fold '${name}' in ${experiment.file}`, suggestion(name, names));
}

function seedOf({seeds, file}: Experiment, asked: number | undefined): number {
  if (asked === undefined) return seeds[0]!;
  if (seeds.includes(asked)) return asked;
  throw new UsageError('bad-option', `seed ${asked} is not in ${file}`, `Known: ${seeds.join(', ')}.`);
}
