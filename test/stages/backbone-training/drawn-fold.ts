/** A fold of small drawn faces whose labels can be seen: valence bends the mouth, arousal opens the eyes. */
import path from 'node:path';
import sharp from 'sharp';
import type {Row, ShardSchema} from '../../../cache/shard.js';
import {ShardStore} from '../../../cache/shard-store.js';
import {backboneTraining} from '../../../stages/backbone-training.js';
import {random} from '../../../stages/learning/random.js';
import {faces, labels} from '../../../stages/schemas.js';
import type {FoldShards, RunContext} from '../../../stages/stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

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
  const store = ShardStore.open(path.join(temporaryFolder(), 'shards'));
  const stored = async <S extends ShardSchema>(schema: S, rows: readonly Row<S>[]) => {
    const writer = store.create(schema);
    for (const row of rows) await writer.append(row);
    return store.open((await writer.finish()).digest, schema);
  };
  const clips = (frameCounts: readonly number[], seed: number) =>
    Promise.all(frameCounts.map((frameCount, i) => drawnClip(seed + i, frameCount, annotated)));
  const [a, b] = [await clips(train, 1), await clips(validation, 101)];
  const of = async <S extends ShardSchema>(schema: S, rows: (clip: Clip) => readonly Row<S>[]) => ({
    train: await Promise.all(a.map((clip) => stored(schema, rows(clip)))),
    validation: await Promise.all(b.map((clip) => stored(schema, rows(clip)))),
  });
  return {
    faces: await of(faces, (clip) => clip.faces),
    labels: await of(labels, (clip) => clip.labels),
    truth: [...a, ...b].map((clip) => clip.labels),
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

export interface RunOptions {
  readonly fold: Fold;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  readonly scratch?: string;
  readonly weights?: string;
  /** Aborts the run once so many epochs are done. */
  readonly abortAfter?: number;
  readonly onEpoch?: () => void;
}

type Outputs = typeof backboneTraining.outputs;

export type Tuned = Awaited<ReturnType<typeof tune>>;

/** Runs the stage on shards in memory and gives what it wrote, with the digest of each shard. */
export async function tune({fold, params = {}, seed = 1, scratch, weights, abortAfter, onEpoch}: RunOptions) {
  const store = ShardStore.open(path.join(temporaryFolder(), 'shards'));
  const controller = new AbortController();
  const [warnings, progress]: [string[], number[]] = [[], []];
  const context: RunContext = {
    seed,
    threads: 1,
    device: 'cpu',
    models: weights === undefined ? {} : {weights},
    scratch: scratch ?? temporaryFolder(),
    signal: controller.signal,
    progress: (done) => {
      progress.push(done);
      onEpoch?.();
      if (done === abortAfter) controller.abort();
    },
    warn: (message) => void warnings.push(message),
    note: () => undefined,
  };
  const {tuned, weights: weightSchema, curve} = backboneTraining.outputs;
  const outputs = {tuned: store.create(tuned), weights: store.create(weightSchema), curve: store.create(curve)};
  const parsed = backboneTraining.params.parse({...small, ...params});
  await backboneTraining.run({inputs: fold, outputs, params: parsed, context});
  const rows = async <K extends keyof Outputs>(name: K): Promise<Row<Outputs[K]>[]> => {
    const {digest} = await outputs[name].finish();
    digests[name] = digest;
    const found: Row<ShardSchema>[] = [];
    for await (const row of (await store.open(digest, backboneTraining.outputs[name] as ShardSchema)).rows())
      found.push(row);
    return found as unknown as Row<Outputs[K]>[];
  };
  const digests: Record<string, string> = {};
  return {
    tuned: await rows('tuned'),
    weights: await rows('weights'),
    curve: await rows('curve'),
    digests,
    warnings,
    progress,
  };
}
