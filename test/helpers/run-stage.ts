/** Runs one stage on real shards in a temporary store: what the pipeline does, without order and without reuse. */
import type {z} from 'zod';
import type {Row, ShardReader, ShardSchema} from '../../cache/shard.js';
import type {OpenShard} from '../../cache/shard-store.js';
import {ShardStore} from '../../cache/shard-store.js';
import {
  isFileInput,
  type FoldShards,
  type Input,
  type PublishedFile,
  type RunArguments,
  type RunContext,
  type Stage,
} from '../../stages/stage.js';
import {MemoryShard} from './memory-shard.js';
import {temporaryFolder} from './temporary-folder.js';

type Inputs = Readonly<Record<string, Input>>;
type Outputs = Readonly<Record<string, ShardSchema>>;

/** What a test gives for an input: a path for a published file; rows or a shard; shards of the clips of a fold. */
export type Given<I extends Input> = I extends ShardSchema
  ? readonly Row<I>[] | ShardReader<I> | FoldShards<I>
  : string | PublishedFile | undefined;

/** A shard in the temporary store, and all its rows as they were read back. */
export interface StoredRows<S extends ShardSchema> extends OpenShard<S> {
  readonly all: readonly Row<S>[];
}

export interface StageOptions {
  /** 0 where absent. */
  readonly seed?: number;
  /** Empty where absent. */
  readonly scratch?: string;
  readonly signal?: AbortSignal;
  /** Aborts the run once so much is done. */
  readonly abortAfter?: number;
  readonly onProgress?: () => void;
}

/** What a stage told its surroundings. */
interface Told {
  readonly warnings: string[];
  readonly notes: Record<string, string | number>;
  /** What was done, of how much. */
  readonly progress: [done: number, total: number][];
}

export interface StageResult<O extends Outputs> extends Readonly<Told> {
  readonly outputs: {readonly [K in keyof O]: StoredRows<O[K]>};
  /** Digest of each output. */
  readonly digests: Readonly<Record<string, string>>;
}

const store = ShardStore.open(temporaryFolder());

/** Runs a stage with params completed by its own defaults, and the model files that they name. */
export async function runStage<I extends Inputs, O extends Outputs, P extends z.ZodObject, Per extends 'clip' | 'fold'>(
  stage: Stage<I, O, P, Per>,
  given: StageOptions & {readonly inputs: {readonly [K in keyof I]?: Given<I[K]>}; readonly params?: z.input<P>},
): Promise<StageResult<O>> {
  const params = stage.params.parse(given.params ?? {});
  const models = Object.fromEntries((stage.models?.(params) ?? []).map((file) => [file.id, file.path]));
  const {context, told} = surroundings(models, given);
  const inputs = await mapValues(stage.inputs, (input, name) => readable(stage, input, given.inputs[name]));
  const writers = await mapValues(stage.outputs, (schema) => store.create(schema));
  // The types of `inputs` and `outputs` follow from the stage's declaration, entry by entry.
  const args = {inputs, outputs: writers, params, context} as unknown as RunArguments<I, O, P, Per>;
  await stage.run(args).catch(async (error: unknown) => {
    for (const writer of Object.values(writers)) await writer.abort();
    throw error;
  });
  const outputs = await mapValues(stage.outputs, async (schema, name) => {
    const {digest} = await writers[name]!.finish();
    return withRows(await store.open(digest, schema));
  });
  const digests = await mapValues(outputs, ({digest}) => digest);
  return {outputs: outputs as unknown as StageResult<O>['outputs'], digests, ...told};
}

/** Stores rows as a shard, for inputs that are built by hand. */
export async function storeRows<S extends ShardSchema>(schema: S, rows: readonly Row<S>[]): Promise<StoredRows<S>> {
  const writer = store.create(schema);
  for (const row of rows) await writer.append(row);
  return withRows(await store.open((await writer.finish()).digest, schema));
}

async function withRows<S extends ShardSchema>(shard: OpenShard<S>): Promise<StoredRows<S>> {
  const all: Row<S>[] = [];
  for await (const row of shard.rows()) all.push(row);
  return Object.assign(shard, {all});
}

function surroundings(models: RunContext['models'], options: StageOptions): {context: RunContext; told: Told} {
  const told: Told = {warnings: [], notes: {}, progress: []};
  const controller = new AbortController();
  const context: RunContext = {
    seed: options.seed ?? 0,
    threads: 1,
    device: 'cpu',
    models,
    scratch: options.scratch ?? temporaryFolder(),
    signal: options.signal ?? controller.signal,
    progress(done, total) {
      told.progress.push([done, total]);
      options.onProgress?.();
      if (done === options.abortAfter) controller.abort();
    },
    warn: (message) => void told.warnings.push(message),
    note: (key, value) => void (told.notes[key] = value),
  };
  return {context, told};
}

async function readable({per}: Pick<Stage, 'per'>, input: Input, given: unknown): Promise<unknown> {
  if (isFileInput(input)) return typeof given === 'string' ? {path: given, digest: '0'.repeat(32)} : given;
  if (given === undefined) return per === 'clip' ? storeRows(input, []) : undefined;
  if (!isFold(given)) return stored(input, given as Rows);
  const all = (clips: FoldShards<ShardSchema>['train']) => Promise.all(clips.map((clip) => stored(input, clip)));
  return {train: await all(given.train), validation: await all(given.validation)};
}

type Rows = readonly Row<ShardSchema>[] | ShardReader;

const isFold = (given: unknown): given is FoldShards<ShardSchema> =>
  typeof given === 'object' && given !== null && 'train' in given;

async function stored(schema: ShardSchema, given: Rows): Promise<ShardReader> {
  if (given instanceof MemoryShard) return storeRows(schema, given.all as readonly Row<ShardSchema>[]);
  return 'rowCount' in given ? given : storeRows(schema, given);
}

async function mapValues<V, W>(
  record: Readonly<Record<string, V>>,
  change: (value: V, key: string) => W | Promise<W>,
): Promise<Record<string, W>> {
  const changed: Record<string, W> = {};
  for (const [key, value] of Object.entries(record)) changed[key] = await change(value, key);
  return changed;
}
