/** Runs one stage on real shards in a temporary store: what the pipeline does, without order and without reuse. */
import {mkdtemp} from 'node:fs/promises';
import path from 'node:path';
import type {z} from 'zod';
import type {ColumnValues, Row, ShardReader, ShardSchema} from '../../cache/shard.js';
import {ShardStore} from '../../cache/shard-store.js';
import {
  isFileInput,
  type Input,
  type PublishedFile,
  type RunArguments,
  type RunContext,
  type Stage,
} from '../../stages/stage.js';
import {temporaryFolder} from './temporary-folder.js';

/** What a test gives for an input: a path for a published file; rows, or an output of `runStage`, for a shard. */
export type Given<I extends Input> = I extends ShardSchema
  ? readonly Row<I>[] | ShardReader<I>
  : string | PublishedFile | undefined;

/** A shard in the temporary store, and all its rows as they were read back. */
export interface StoredRows<S extends ShardSchema> extends ShardReader<S> {
  readonly all: readonly Row<S>[];
}

export interface StageResult<O extends Readonly<Record<string, ShardSchema>>> {
  readonly outputs: {readonly [K in keyof O]: StoredRows<O[K]>};
  readonly warnings: readonly string[];
  readonly notes: Readonly<Record<string, string | number>>;
}

const folder = temporaryFolder();
const store = ShardStore.open(path.join(folder, 'shards'));

/** Runs a stage per clip, with params completed by its own defaults. */
export async function runStage<
  I extends Readonly<Record<string, Input>>,
  O extends Readonly<Record<string, ShardSchema>>,
  P extends z.ZodObject,
>(
  stage: Stage<I, O, P, 'clip'>,
  given: {
    readonly inputs: {readonly [K in keyof I]?: Given<I[K]>};
    readonly params?: z.input<P>;
    readonly seed?: number;
    readonly signal?: AbortSignal;
  },
): Promise<StageResult<O>> {
  const {context, warnings, notes} = await surroundings(given.seed ?? 0, given.signal);
  const inputs = await mapValues(stage.inputs, (input, name) => readable(input, given.inputs[name]));
  const writers = await mapValues(stage.outputs, (schema) => store.create(schema));
  const params = stage.params.parse(given.params ?? {});
  // The types of `inputs` and `outputs` follow from the stage's declaration, entry by entry.
  const args = {inputs, outputs: writers, params, context} as unknown as RunArguments<I, O, P, 'clip'>;
  await stage.run(args).catch(async (error: unknown) => {
    for (const writer of Object.values(writers)) await writer.abort();
    throw error;
  });
  const outputs = await mapValues(stage.outputs, async (schema, name) => {
    const {digest} = await writers[name]!.finish();
    return withRows(await store.open(digest, schema));
  });
  return {outputs: outputs as unknown as StageResult<O>['outputs'], warnings, notes};
}

/** Stores rows as a shard, for inputs that are built by hand. */
export async function storeRows<S extends ShardSchema>(schema: S, rows: readonly Row<S>[]): Promise<StoredRows<S>> {
  const writer = store.create(schema);
  for (const row of rows) await writer.append(row);
  return withRows(await store.open((await writer.finish()).digest, schema));
}

async function withRows<S extends ShardSchema>(reader: ShardReader<S>): Promise<StoredRows<S>> {
  const all: Row<S>[] = [];
  for await (const row of reader.rows()) all.push(row);
  return Object.assign(reader, {all});
}

async function surroundings(seed: number, signal = new AbortController().signal) {
  const warnings: string[] = [];
  const notes: Record<string, string | number> = {};
  const context: RunContext = {
    seed,
    threads: 1,
    device: 'cpu',
    models: {},
    scratch: await mkdtemp(path.join(folder, 'scratch-')),
    signal,
    progress: () => undefined,
    warn: (message) => void warnings.push(message),
    note: (key, value) => void (notes[key] = value),
  };
  return {context, warnings, notes};
}

async function readable(input: Input, given: unknown): Promise<unknown> {
  if (isFileInput(input)) return typeof given === 'string' ? {path: given, digest: '0'.repeat(32)} : given;
  return Array.isArray(given) || given === undefined
    ? storeRows(input, (given ?? []) as readonly Row<ShardSchema>[])
    : given;
}

async function mapValues<V, W>(
  record: Readonly<Record<string, V>>,
  change: (value: V, key: string) => W | Promise<W>,
): Promise<Record<string, W>> {
  const changed: Record<string, W> = {};
  for (const [key, value] of Object.entries(record)) changed[key] = await change(value, key);
  return changed;
}

/** Rows in memory that can be read like a shard, for parts that need no store. */
export class MemoryShard<S extends ShardSchema> implements StoredRows<S> {
  constructor(
    readonly schema: S,
    readonly all: Row<S>[] = [],
  ) {}

  get rowCount(): number {
    return this.all.length;
  }

  append(row: Row<S>): Promise<void> {
    this.all.push({...row});
    return Promise.resolve();
  }

  width(column: keyof S['columns'] & string): number {
    const value: unknown = this.all[0]?.[column];
    return value instanceof Float32Array ? value.length : 0;
  }

  async *rows(start = 0, end = this.all.length): AsyncGenerator<Row<S>> {
    for (const row of this.all.slice(start, end)) yield await Promise.resolve(row);
  }

  column<K extends keyof S['columns'] & string>(
    name: K,
    start = 0,
    end = this.all.length,
  ): Promise<ColumnValues<S['columns'][K]['type']>> {
    const values = this.all.slice(start, end).map((row) => row[name]) as unknown[];
    return Promise.resolve(packed(this.schema.columns[name]!.type, values) as ColumnValues<S['columns'][K]['type']>);
  }
}

function packed(type: string, values: unknown[]): unknown {
  if (type === 'f64') return Float64Array.from(values as number[]);
  if (type === 'f32') return Float32Array.from(values as number[]);
  if (type === 'i32') return Int32Array.from(values as number[]);
  if (type === 'bool') return Uint8Array.from(values as boolean[], Number);
  if (type === 'f32s') return Float32Array.from((values as Float32Array[]).flatMap((vector) => [...vector]));
  return values;
}
