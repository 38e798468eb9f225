/** Runs fusion-training, fold-evaluation and robustness on shards in a real store, as the pipeline would. */
import path from 'node:path';
import type {Row, ShardReader, ShardSchema} from '../../../cache/shard.js';
import type {OpenShard} from '../../../cache/shard-store.js';
import {ShardStore} from '../../../cache/shard-store.js';
import {foldEvaluation} from '../../../stages/fold-evaluation.js';
import {fusionTraining} from '../../../stages/fusion-training.js';
import {robustness} from '../../../stages/robustness.js';
import type {FoldShards, RunContext} from '../../../stages/stage.js';
import type {FoldInputs} from '../../../stages/fusion-training/fold-data.js';
import type {Modality} from '../../../stages/fusion-training/system.js';
import type {labels} from '../../../stages/schemas.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import type {ClipOptions} from './small-fold.js';
import {smallFold} from './small-fold.js';

/** Parameters of models that train in a second. */
export const small = {
  architecture: {
    visualChannels: [8],
    acousticChannels: [8],
    linguisticChannels: [8],
    kernel: 3,
    headUnits: 8,
    headDropout: 0.1,
  },
  windowFrames: 30,
  hopFrames: 20,
  batchSize: 4,
  learningRate: 1e-2,
  warmUp: 'none',
  epochs: 4,
  targets: 'joint',
} as const;

/** Clips of which some frames have no valid label. */
export const clips = (count: number, seed: number): ClipOptions[] =>
  Array.from({length: count}, (_, i) => ({
    frameCount: 45 + 5 * i,
    seed: seed + i,
    invalid: (k: number) => k % 11 === 0,
  }));

export const fold = (): FoldInputs => smallFold(clips(4, 1), clips(2, 101));

/** Copies in-memory columns into a shard. */
async function stored<S extends ShardSchema>(store: ShardStore, reader: ShardReader<S>): Promise<OpenShard<S>> {
  const writer = store.create(reader.schema);
  const columns = new Map<string, ArrayLike<unknown>>();
  for (const name of Object.keys(reader.schema.columns)) columns.set(name, await reader.column(name));
  for (let k = 0; k < reader.rowCount; k++) {
    const entries = Object.entries(reader.schema.columns).map(([name, {type}]) => {
      const values = columns.get(name)!;
      const width = reader.width(name);
      if (type === 'f32s') return [name, (values as Float32Array).slice(k * width, (k + 1) * width)];
      return [name, type === 'bool' ? values[k] === 1 : values[k]];
    });
    await writer.append(Object.fromEntries(entries) as never);
  }
  return store.open((await writer.finish()).digest, reader.schema);
}

async function storedFold(store: ShardStore, inputs: FoldInputs) {
  const all = async <S extends ShardSchema>(shards: FoldShards<S>): Promise<FoldShards<S>> => ({
    train: await Promise.all(shards.train.map((reader) => stored(store, reader))),
    validation: await Promise.all(shards.validation.map((reader) => stored(store, reader))),
  });
  const features: Partial<Record<Modality, FoldShards<ShardSchema>>> = {};
  for (const [modality, shards] of inputs.features) features[modality] = await all(shards as FoldShards<ShardSchema>);
  return {...features, labels: await all<typeof labels>(inputs.labels)};
}

export interface Run {
  readonly digests: Readonly<Record<string, string>>;
  readonly shards: Readonly<Record<string, OpenShard>>;
  readonly warnings: readonly string[];
  readonly notes: Readonly<Record<string, string | number>>;
  /** Epochs done at each call of `progress`. */
  readonly progress: readonly number[];
}

export interface RunOptions {
  readonly inputs?: FoldInputs;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  /** Files of initial weights, by model. */
  readonly models?: Readonly<Record<string, string>>;
  readonly scratch?: string;
  /** Aborts the run once so many epochs are done. */
  readonly abortAfter?: number;
  readonly onEpoch?: () => void;
}

/** Trains on a fold of small clips. */
export async function train(options: RunOptions = {}): Promise<Run> {
  const {inputs = fold(), params = {}, seed = 1, models = {}, scratch, abortAfter, onEpoch} = options;
  const store = ShardStore.open(path.join(temporaryFolder(), 'shards'));
  const controller = new AbortController();
  const [warnings, progress]: [string[], number[]] = [[], []];
  const notes: Record<string, string | number> = {};
  const context: RunContext = {
    seed,
    threads: 1,
    device: 'cpu',
    models,
    scratch: scratch ?? temporaryFolder(),
    signal: controller.signal,
    progress: (done) => {
      progress.push(done);
      onEpoch?.();
      if (done === abortAfter) controller.abort();
    },
    warn: (message) => void warnings.push(message),
    note: (key, value) => void (notes[key] = value),
  };
  const outputs = {
    weights: store.create(fusionTraining.outputs.weights),
    curve: store.create(fusionTraining.outputs.curve),
    predictions: store.create(fusionTraining.outputs.predictions),
  };
  const parsed = fusionTraining.params.parse({...small, ...params});
  const shards = (await storedFold(store, inputs)) as Parameters<typeof fusionTraining.run>[0]['inputs'];
  await fusionTraining.run({inputs: shards, outputs, params: parsed, context});
  const digests: Record<string, string> = {};
  const written: Record<string, OpenShard> = {};
  for (const [name, writer] of Object.entries(outputs)) {
    const {digest} = await writer.finish();
    digests[name] = digest;
    written[name] = await store.open(digest, fusionTraining.outputs[name as keyof typeof outputs] as ShardSchema);
  }
  return {digests, shards: written, warnings, notes, progress};
}

type Evaluation = typeof foldEvaluation.outputs;

/** Scores a run's predictions. */
export async function evaluate(run: Run, inputs: FoldInputs = fold()): Promise<OpenShard<Evaluation['scores']>> {
  return (await evaluateWhole(run, inputs)).scores;
}

/** Scores a run's predictions, and the moments behind them. */
export async function evaluateWhole(run: Run, inputs: FoldInputs = fold()) {
  const store = ShardStore.open(path.join(temporaryFolder(), 'shards'));
  const {scores, moments} = foldEvaluation.outputs;
  const outputs = {scores: store.create(scores), moments: store.create(moments)};
  const given = {predictions: run.shards['predictions'], labels: inputs.labels} as never;
  await foldEvaluation.run({inputs: given, outputs, params: {}, context: undefined as never});
  return {
    scores: await store.open((await outputs.scores.finish()).digest, scores),
    moments: await store.open((await outputs.moments.finish()).digest, moments),
  };
}

export interface CorruptOptions {
  readonly inputs?: FoldInputs;
  /** What the run was trained with, beside `small`. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly corruptions: readonly unknown[];
  readonly stretchFrames?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** Evaluates a run's models on corrupted features; rows in order, and the digest of the shard. */
export async function corrupt(run: Run, {inputs = fold(), params = {}, seed = 1, ...options}: CorruptOptions) {
  const {corruptions, stretchFrames = 10, signal = new AbortController().signal} = options;
  const store = ShardStore.open(path.join(temporaryFolder(), 'shards'));
  const progress: [number, number][] = [];
  const context: RunContext = {
    seed,
    threads: 1,
    device: 'cpu',
    models: {},
    scratch: '',
    signal,
    progress: (done, total) => void progress.push([done, total]),
    warn: () => undefined,
    note: () => undefined,
  };
  const given = {...(await storedFold(store, inputs)), weights: run.shards['weights']} as never;
  const parsed = robustness.params.parse({training: {...small, ...params}, corruptions, stretchFrames});
  const scores = store.create(robustness.outputs.scores);
  await robustness.run({inputs: given, outputs: {scores}, params: parsed, context});
  const {digest} = await scores.finish();
  const rows: Row<typeof robustness.outputs.scores>[] = [];
  for await (const row of (await store.open(digest, robustness.outputs.scores)).rows()) rows.push(row);
  return {rows, digest, progress};
}
