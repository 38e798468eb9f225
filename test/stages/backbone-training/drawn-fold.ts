/** A fold of small drawn faces whose labels can be seen: valence bends the mouth, arousal opens the eyes. */
import sharp from 'sharp';
import type {Row, ShardSchema} from '../../../cache/shard.js';
import {backboneTraining} from '../../../stages/backbone-training.js';
import {random} from '../../../stages/learning/random.js';
import {faces, labels} from '../../../stages/schemas.js';
import type {FoldShards} from '../../../stages/stage.js';
import type {StageOptions} from '../../helpers/run-stage.js';
import {runStage, storeRows} from '../../helpers/run-stage.js';

const SIZE = 28;

interface Clip {
  readonly faces: readonly Row<typeof faces>[];
  readonly labels: readonly Row<typeof labels>[];
}

/** Valence and arousal follow slow waves of their own; some frames are not annotated. */
async function drawnClip(seed: number, frameCount: number, annotated: boolean): Promise<Clip> {
  const [phase, speed, otherPhase, otherSpeed] = random(seed).stream('clip').at(0).uniform(4);
  const clip = {faces: [] as Row<typeof faces>[], labels: [] as Row<typeof labels>[]};
  for (let frameIndex = 0; frameIndex < frameCount; frameIndex++) {
    const valence = 0.8 * Math.sin(6.28 * phase! + frameIndex * (0.1 + 0.3 * speed!));
    const arousal = 0.8 * Math.sin(6.28 * otherPhase! + frameIndex * (0.1 + 0.3 * otherSpeed!));
    clip.labels.push({frameIndex, valence, arousal, valid: annotated && frameIndex % 13 !== 5});
    clip.faces.push({
      frameIndex,
      timeSeconds: frameIndex / 10,
      found: true,
      score: 1,
      box: new Float32Array(4),
      landmarks: new Float32Array(10),
      transform: new Float32Array(6),
      image: await crop(
        valence,
        arousal,
        random(seed)
          .stream('drawn')
          .at(frameIndex)
          .uniform(4 + SIZE * SIZE),
      ),
    });
  }
  return clip;
}

/** Where the face is and how bright it is drawn changes from frame to frame, so that no single pixel tells a label. */
async function crop(valence: number, arousal: number, drawn: Float32Array): Promise<Uint8Array> {
  const pixels = new Uint8Array(SIZE * SIZE * 3);
  const [left, top, ground, ink] = drawn;
  const [centreX, centreY] = [SIZE / 2 + 6 * (left! - 0.5), SIZE / 2 + 6 * (top! - 0.5)];
  for (let i = 0; i < SIZE * SIZE; i++) {
    const [x, y] = [(i % SIZE) - centreX, Math.floor(i / SIZE) - centreY];
    const mouth = Math.abs(x) < 7 && Math.abs(y - 4 + valence * (x ** 2 / 10 - 2)) < 1.2;
    const eye = (Math.abs(x) - 4) ** 2 + (y + 4) ** 2 < (2 + 1.5 * arousal) ** 2;
    const value = 20 + 40 * ground! + 15 * drawn[4 + i]! + (mouth || eye ? 80 + 90 * ink! : 0);
    pixels.fill(value, 3 * i, 3 * i + 3);
  }
  return sharp(pixels, {raw: {width: SIZE, height: SIZE, channels: 3}})
    .png()
    .toBuffer();
}

export interface Fold {
  readonly faces: FoldShards<typeof faces>;
  readonly labels: FoldShards<typeof labels>;
  /** The rows of the labels, training clips first. */
  readonly truth: readonly (readonly Row<typeof labels>[])[];
}

/** Clips by their numbers of frames. */
export async function drawnFold(
  train: readonly number[],
  validation: readonly number[],
  {annotated = true}: {readonly annotated?: boolean} = {},
): Promise<Fold> {
  const drawn = (frameCounts: readonly number[], seed: number) =>
    Promise.all(frameCounts.map((frameCount, i) => drawnClip(seed + i, frameCount, annotated)));
  const clips = {train: await drawn(train, 1), validation: await drawn(validation, 101)};
  const of = async <S extends ShardSchema>(schema: S, rows: (clip: Clip) => readonly Row<S>[]) => ({
    train: await Promise.all(clips.train.map((clip) => storeRows(schema, rows(clip)))),
    validation: await Promise.all(clips.validation.map((clip) => storeRows(schema, rows(clip)))),
  });
  return {
    faces: await of(faces, (clip) => clip.faces),
    labels: await of(labels, (clip) => clip.labels),
    truth: [...clips.train, ...clips.validation].map((clip) => clip.labels),
  };
}

/** Parameters of a training that takes seconds. */
export const small = {
  network: 'ir-small',
  windowFrames: 20,
  hopFrames: 15,
  batchSize: 4,
  learningRate: 3e-3,
  warmUp: 'none',
  minimumEpochs: 1,
} as const;

export interface RunOptions extends StageOptions {
  readonly fold: Fold;
  readonly params?: Readonly<Record<string, unknown>>;
}

export type Tuned = Awaited<ReturnType<typeof tune>>;

/** Runs the stage on a fold; gives the rows it wrote, and all else that is known of the run. */
export async function tune({fold: {faces, labels}, params = {}, ...options}: RunOptions) {
  const inputs = {faces, labels};
  const run = await runStage(backboneTraining, {inputs, params: {...small, ...params}, seed: 1, ...options});
  const {tuned, weights, curve} = run.outputs;
  return {...run, tuned: tuned.all, weights: weights.all, curve: curve.all};
}
