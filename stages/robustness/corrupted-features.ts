/**
 * Features of validation clips as a corruption leaves them. A lost frame shows the mean of the training frames, which is
 * 0 once normalised: it carries nothing about the clip and is nothing that training has not seen.
 */
import {deviationOf} from '../fusion-training/normalisation.js';
import type {Features} from '../fusion-training/features.js';
import type {FoldData} from '../fusion-training/fold-data.js';
import type {Modality} from '../fusion-training/system.js';
import type {Random} from '../learning/random.js';
import type {Corruption} from './corruption.js';
import {lostFrames} from './lost-frames.js';

/** Values of corrupted clips that are kept in memory. */
const KEPT_VALUES = 2 ** 26;

export interface CorruptionOptions {
  readonly random: Random;
  /** Frames of a stretch of lost time. */
  readonly stretchFrames: number;
}

/** Replaces features of a fold's validation clips; equal seeds give equal features. */
export async function corruptedFeatures(
  data: FoldData,
  corruption: Corruption,
  options: CorruptionOptions,
): Promise<ReadonlyMap<Modality, Features>> {
  const clean = data.validation.features;
  if (corruption.kind === 'none') return clean;
  const {modality} = corruption;
  return new Map([...clean, [modality, changed(clean.get(modality)!, await changeOf(data, corruption, options))]]);
}

/** Changes the frames of one clip in place. */
type Change = (clip: number, values: Float32Array) => void;

async function changeOf(
  data: FoldData,
  corruption: Exclude<Corruption, {kind: 'none'}>,
  {random, stretchFrames}: CorruptionOptions,
): Promise<Change> {
  const {kind, modality} = corruption;
  if (kind === 'noise') {
    const deviation = await deviationOf(data.train.features.get(modality)!);
    return noise(deviation, 10 ** (-corruption.signalToNoiseDecibels / 20), (clip) =>
      random.stream(`noise ${modality} ${clip}`),
    );
  }
  const {mean} = data.normalisation.get(modality)!;
  if (kind === 'absent') return (_, values) => fillFrames(values, mean, () => true);
  const {frameCounts} = data.validation.features.get(modality)!;
  const draw = random.stream(`drop-outs ${modality}`).at(0);
  const lost = lostFrames({frameCounts, share: corruption.share, stretchFrames, draw});
  return (clip, values) => fillFrames(values, mean, (frame) => lost[clip]![frame] === 1);
}

/** The noise of a frame is the same at every ratio but for its size, so that ratios can be compared. */
function noise(
  deviation: Float32Array,
  size: number,
  streamOf: (clip: number) => ReturnType<Random['stream']>,
): Change {
  const width = deviation.length;
  return (clip, values) => {
    const stream = streamOf(clip);
    for (let frame = 0; frame * width < values.length; frame++) {
      const drawn = stream.at(frame).normal(width);
      for (let i = 0; i < width; i++) values[frame * width + i]! += size * deviation[i]! * drawn[i]!;
    }
  };
}

function fillFrames(values: Float32Array, by: Float32Array, isLost: (frame: number) => boolean): void {
  for (let frame = 0; frame * by.length < values.length; frame++) {
    if (isLost(frame)) values.set(by, frame * by.length);
  }
}

/** Overlapping windows read a clip's frames many times: whole clips are changed once, and the latest are kept. */
function changed(features: Features, change: Change): Features {
  const kept = new Map<number, Promise<Float32Array>>();
  const {width, frameCounts} = features;
  const load = async (clip: number): Promise<Float32Array> => {
    const values = (await features.read(clip, 0, frameCounts[clip]!)).slice();
    change(clip, values);
    return values;
  };
  return {
    width,
    frameCounts,
    read: async (clip, start, end) => {
      const whole = kept.get(clip) ?? load(clip);
      kept.set(clip, whole);
      dropEarliest(kept, (one) => width * frameCounts[one]!);
      return (await whole).subarray(start * width, end * width);
    },
  };
}

/** Keeps one clip at least, whatever its size. */
function dropEarliest(kept: Map<number, unknown>, sizeOf: (clip: number) => number): void {
  let size = [...kept.keys()].reduce((sum, clip) => sum + sizeOf(clip), 0);
  for (const clip of kept.keys()) {
    if (size <= KEPT_VALUES || kept.size === 1) return;
    kept.delete(clip);
    size -= sizeOf(clip);
  }
}
