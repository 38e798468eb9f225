/** The clips of a fold as training sees them: labels in memory, features behind readers, and their windows. */
import type {FoldShards} from '../stage.js';
import type {ShardReader} from '../../cache/shard.js';
import {StageError} from '../errors.js';
import type {labels} from '../schemas.js';
import type {FeatureReader, Features} from './features.js';
import {commonWidth, openFeatures} from './features.js';
import type {Normalisation} from './normalisation.js';
import {kindOf, normalisationOf} from './normalisation.js';
import type {Dims, Modality} from './system.js';
import type {Training} from './training-params.js';
import type {Tuned} from './tuned-features.js';
import {tunedClips} from './tuned-features.js';
import type {Window} from './windows.js';
import {windowsOf} from './windows.js';

export type Target = 'valence' | 'arousal';
export const targets: readonly Target[] = ['valence', 'arousal'];

export interface ClipLabels {
  readonly frameIndex: Int32Array;
  readonly valence: Float32Array;
  readonly arousal: Float32Array;
  /** 1 where both values are valid. */
  readonly valid: Uint8Array;
}

export interface Split {
  readonly labels: readonly ClipLabels[];
  readonly features: ReadonlyMap<Modality, Features>;
  readonly windows: readonly Window[];
}

export interface FoldData {
  readonly train: Split;
  readonly validation: Split;
  readonly dims: Dims;
  readonly normalisation: ReadonlyMap<Modality, Normalisation>;
}

export interface FoldInputs {
  readonly features: ReadonlyMap<Modality, FoldShards<FeatureReader['schema']>>;
  readonly labels: FoldShards<typeof labels>;
}

/** What the pipeline hands to a stage that reads features of a fold; only what the task reads is there. */
type GivenFeatures = Readonly<Record<Modality, FoldShards<FeatureReader['schema']>>> & {
  readonly tunedVisual: ShardReader<Tuned>;
  readonly tunedAcoustic: ShardReader<Tuned>;
  readonly labels: FoldShards<typeof labels>;
};

/** The features of the modalities of a system, those of some from fine-tuned backbones. */
export async function foldInputs(
  given: GivenFeatures,
  {modalities, tuned}: {readonly modalities: readonly Modality[]; readonly tuned: readonly Modality[]},
): Promise<FoldInputs> {
  const features = new Map(modalities.map((modality) => [modality, given[modality]]));
  if (tuned.includes('visual')) features.set('visual', await tunedClips(given.tunedVisual, given.labels));
  if (tuned.includes('acoustic')) features.set('acoustic', await tunedClips(given.tunedAcoustic, given.labels));
  return {features, labels: given.labels};
}

/** Opens a fold. Training windows without a valid label are left out, and clips without any are warned about. */
export async function openFold(
  inputs: FoldInputs,
  training: Training,
  warn: (message: string) => void,
): Promise<FoldData> {
  const train = await openSplit('train', inputs, training);
  const validation = await openSplit('validation', inputs, training);
  const unlabelled = train.labels.filter(({valid}) => !valid.includes(1)).length;
  if (unlabelled === train.labels.length) throw noLabels('training');
  if (!validation.labels.some(({valid}) => valid.includes(1))) throw noLabels('validation');
  if (unlabelled > 0)
    warn(`${unlabelled} of ${train.labels.length} training clips have no valid label and were left out.`);
  const normalisation = new Map<Modality, Normalisation>();
  for (const [modality, features] of train.features) {
    normalisation.set(modality, await normalisationOf(features, kindOf(training.normalisation, modality)));
  }
  const dims = Object.fromEntries([...train.features].map(([modality, {width}]) => [modality, width]));
  return {train: labelledOnly(train), validation, dims, normalisation};
}

async function openSplit(part: 'train' | 'validation', inputs: FoldInputs, training: Training): Promise<Split> {
  const clips = await Promise.all(inputs.labels[part].map(readLabels));
  const features = new Map<Modality, Features>();
  for (const [modality, shards] of inputs.features) {
    commonWidth(modality, [...shards.train, ...shards.validation]);
    features.set(modality, openFeatures(modality, shards[part]));
    checkLengths(modality, part, features.get(modality)!, clips);
  }
  const shift = part === 'train' ? training.shiftFrames : 1;
  return {labels: clips, features, windows: clips.flatMap(({valid}, i) => windowsOf(i, valid.length, training, shift))};
}

/** Reads the labels of a clip. */
export async function readLabels(reader: ShardReader<typeof labels>): Promise<ClipLabels> {
  const [frameIndex, valence, arousal, valid] = await Promise.all([
    reader.column('frameIndex'),
    reader.column('valence'),
    reader.column('arousal'),
    reader.column('valid'),
  ]);
  return {frameIndex, valence, arousal, valid};
}

function checkLengths(modality: Modality, part: string, features: Features, clips: readonly ClipLabels[]): void {
  for (const [clip, {valid}] of clips.entries()) {
    if (features.frameCounts[clip] === valid.length) continue;
    throw new StageError(
      'wrong-shape',
      `${modality} features of ${part} clip ${clip} have ${features.frameCounts[clip]} frames, its labels ${valid.length}.`,
      'Both must come from one timeline; run the clip again from demux.',
    );
  }
}

function labelledOnly(split: Split): Split {
  const labelled = ({clip, first, stride, steps}: Window) => {
    const {valid} = split.labels[clip]!;
    return Array.from({length: steps}, (_, step) => valid[first + step * stride]).includes(1);
  };
  return {...split, windows: split.windows.filter(labelled)};
}

export const noLabels = (part: string): StageError =>
  new StageError(
    'no-valid-labels',
    `None of the ${part} clips of this fold has a valid label.`,
    'Check the annotation files, or give the fold clips that are annotated.',
  );
