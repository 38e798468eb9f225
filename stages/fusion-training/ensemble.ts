/** Predictions of clips by several trained models of one system, averaged frame by frame, as the papers do for test clips. */
import type {ShardReader} from '../../cache/shard.js';
import {StageError} from '../errors.js';
import type {ProgramOptions} from '../learning/program.js';
import type {weights} from '../schemas.js';
import {predict} from './evaluation.js';
import type {FeatureReader} from './features.js';
import {openFeatures} from './features.js';
import type {ClipLabels, FoldData, Split, Target} from './fold-data.js';
import {targets} from './fold-data.js';
import {kindOf, normalisationOf} from './normalisation.js';
import type {Settings} from './settings.js';
import type {Modality} from './system.js';
import {openEvaluator, trainedSystems} from './trained-system.js';
import {windowsOf} from './windows.js';

/** Shards of a modality, one per clip, in one order for all modalities. */
export type ClipFeatures = ReadonlyMap<Modality, readonly FeatureReader[]>;

/** One training of the system: its weights, and the clips whose features it was normalised by. */
export interface Member {
  readonly weights: ShardReader<typeof weights>;
  readonly train: ClipFeatures;
  /** Features of the clips to be predicted where they are made for this member alone; those of the request where absent. */
  readonly clips?: ClipFeatures;
}

/** One clip; values in the order of its frames. */
export interface EnsemblePrediction extends Readonly<Record<Target, Float32Array>> {
  readonly frameIndex: Int32Array;
}

export interface EnsembleRequest {
  readonly settings: Settings;
  readonly members: readonly Member[];
  readonly clips: ClipFeatures;
  readonly program: ProgramOptions;
  readonly onMember?: (done: number) => void;
}

/** @throws StageError 'wrong-shape' where weights, training features and clips do not fit. */
export async function ensemblePredictions(request: EnsembleRequest): Promise<EnsemblePrediction[]> {
  const {members, onMember = () => undefined} = request;
  const labels = await unlabelled(members[0]?.clips ?? request.clips);
  const sums = labels.map(({valid}) => targets.map(() => new Float64Array(valid.length)));
  for (const [index, member] of members.entries()) {
    await addMember(sums, request, member, labels);
    onMember(index + 1);
  }
  return labels.map(({frameIndex}, clip) => {
    const mean = (target: number) => Float32Array.from(sums[clip]![target]!, (sum) => sum / members.length);
    return {frameIndex, valence: mean(0), arousal: mean(1)};
  });
}

async function addMember(
  sums: readonly Float64Array[][],
  {settings, clips, program}: EnsembleRequest,
  {weights: shard, train, clips: own = clips}: Member,
  labels: readonly ClipLabels[],
): Promise<void> {
  const data = await dataOf(settings, train, own, labels);
  for (const trained of await trainedSystems(shard, settings, data)) {
    const evaluator = await openEvaluator(trained, data, program);
    const predicted = await predict(evaluator, trained.arrays).finally(() => evaluator.inference.release());
    for (const target of trained.targets) {
      for (const [clip, values] of predicted.entries()) {
        const sum = sums[clip]![targets.indexOf(target)]!;
        for (const [frame, value] of values[target]!.entries()) sum[frame]! += value;
      }
    }
  }
}

/** The clips as if they were a fold's validation part, normalised as in the member's training. */
async function dataOf(
  {training}: Settings,
  train: ClipFeatures,
  clips: ClipFeatures,
  labels: readonly ClipLabels[],
): Promise<FoldData> {
  const features = new Map([...clips].map(([modality, readers]) => [modality, openFeatures(modality, readers)]));
  const trainFeatures = new Map([...train].map(([modality, readers]) => [modality, openFeatures(modality, readers)]));
  const normalisation: [Modality, Awaited<ReturnType<typeof normalisationOf>>][] = [];
  for (const [modality, given] of trainFeatures) {
    const {width} = features.get(modality)!;
    if (width !== given.width) throw otherWidth(modality, given.width, width);
    normalisation.push([modality, await normalisationOf(given, kindOf(training.normalisation, modality))]);
  }
  const windows = labels.flatMap(({valid}, clip) => windowsOf(clip, valid.length, training));
  const validation: Split = {labels, features, windows};
  return {
    train: {labels: [], features: trainFeatures, windows: []},
    validation,
    dims: Object.fromEntries([...features].map(([modality, {width}]) => [modality, width])),
    normalisation: new Map(normalisation),
  };
}

/** Frames without labels; all modalities must have the same. */
async function unlabelled(clips: ClipFeatures): Promise<ClipLabels[]> {
  const [first, ...others] = [...clips.values()];
  return Promise.all(
    first!.map(async (reader, clip) => {
      const {rowCount} = reader;
      if (others.some((readers) => readers[clip]!.rowCount !== rowCount)) throw otherFrames(clip);
      const nothing = new Float32Array(rowCount);
      const frameIndex = await reader.column('frameIndex');
      return {frameIndex, valence: nothing, arousal: nothing, valid: new Uint8Array(rowCount)};
    }),
  );
}

const otherWidth = (modality: Modality, trained: number, given: number): StageError =>
  new StageError(
    'wrong-shape',
    `${modality} vectors have ${given} values, but the model was trained on ${trained}.`,
    'Make the features of all clips with the same embedding.',
  );

const otherFrames = (clip: number): StageError =>
  new StageError(
    'wrong-shape',
    `The modalities of clip ${clip} have different numbers of frames.`,
    'All must come from one timeline; run the clip again from demux.',
  );
