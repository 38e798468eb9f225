/** Brings the predictions of a fold and the labels of its clips together. */
import type {ShardReader} from '../../cache/shard.js';
import {StageError} from '../errors.js';
import type {labels, predictions} from '../schemas.js';

export interface Annotated {
  readonly prediction: Float32Array;
  readonly label: Float32Array;
}

/** One validation clip, frame by frame. */
export interface EvaluatedClip {
  readonly valence: Annotated;
  readonly arousal: Annotated;
  /** 1 where both labels are valid. */
  readonly valid: Uint8Array;
}

/** Reads all clips of a fold, in the order of its validation list; each must be predicted at every frame. */
export async function clipsOf(
  predicted: ShardReader<typeof predictions>,
  annotated: readonly ShardReader<typeof labels>[],
): Promise<EvaluatedClip[]> {
  const [clipIndex, frameIndex] = await Promise.all([predicted.column('clipIndex'), predicted.column('frameIndex')]);
  const [valence, arousal] = await Promise.all([predicted.column('valence'), predicted.column('arousal')]);
  const clips: EvaluatedClip[] = [];
  let start = 0;
  for (const [clip, reader] of annotated.entries()) {
    const end = start + reader.rowCount;
    const frames = await reader.column('frameIndex');
    if (!frames.every((frame, k) => clipIndex[start + k] === clip && frameIndex[start + k] === frame))
      throw unaligned(clip);
    clips.push({
      valence: {prediction: valence.slice(start, end), label: await reader.column('valence')},
      arousal: {prediction: arousal.slice(start, end), label: await reader.column('arousal')},
      valid: await reader.column('valid'),
    });
    start = end;
  }
  if (start !== clipIndex.length) throw unaligned(annotated.length);
  return clips;
}

const unaligned = (clip: number): StageError =>
  new StageError(
    'wrong-shape',
    `Predictions and labels of validation clip ${clip} are not of the same frames.`,
    'Run fusion-training of this fold again.',
  );
