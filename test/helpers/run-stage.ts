/** Runs one stage on rows held in memory: what the pipeline does, without cache and without order. */
import {mkdtemp, rm} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type {z} from 'zod';
import type {ColumnValues, Row, ShardReader, ShardSchema, ShardWriter} from '../../cache/shard.js';
import {
  isFileInput,
  type Input,
  type PublishedFile,
  type RunArguments,
  type RunContext,
  type Stage,
} from '../../stages/stage.js';

type Inputs = Readonly<Record<string, Input>>;
type Outputs = Readonly<Record<string, ShardSchema>>;

/** What a test gives for an input: a path for a published file, rows or another stage's output for a shard. */
export type Given<I extends Input> = I extends ShardSchema
  ? readonly Row<I>[] | ShardReader<I>
  : string | PublishedFile | undefined;

export interface StageResult<O extends Outputs> {
  readonly outputs: {readonly [K in keyof O]: MemoryShard<O[K]>};
  readonly warnings: readonly string[];
  readonly notes: Readonly<Record<string, string | number>>;
}

/**
 * Runs a stage per clip with params completed by its own defaults. Use `runStage` on the outputs of another
 * call to follow the data flow.
 */
export async function runStage<I extends Inputs, O extends Outputs, P extends z.ZodObject>(
  stage: Stage<I, O, P, 'clip'>,
  given: {
    readonly inputs: {readonly [K in keyof I]?: Given<I[K]>};
    readonly params?: z.input<P>;
    readonly seed?: number;
    readonly signal?: AbortSignal;
  },
): Promise<StageResult<O>> {
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'affectflow-stage-'));
  const {context, warnings, notes} = contextFor(scratch, given.seed ?? 0, given.signal);
  const outputs = mapValues(stage.outputs, (schema) => new MemoryShard(schema));
  const inputs = mapValues(stage.inputs, (input, name) => readable(input, given.inputs[name]));
  try {
    const params = stage.params.parse(given.params ?? {});
    // The types of `inputs` and `outputs` follow from the stage's declaration, entry by entry.
    await stage.run({inputs, outputs, params, context} as unknown as RunArguments<I, O, P, 'clip'>);
  } finally {
    await rm(scratch, {recursive: true, force: true});
  }
  return {outputs: outputs as unknown as StageResult<O>['outputs'], warnings, notes};
}

function contextFor(scratch: string, seed: number, signal = new AbortController().signal) {
  const warnings: string[] = [];
  const notes: Record<string, string | number> = {};
  const context: RunContext = {
    seed,
    threads: 1,
    device: 'cpu',
    models: {},
    scratch,
    signal,
    progress: () => undefined,
    warn: (message) => void warnings.push(message),
    note: (key, value) => void (notes[key] = value),
  };
  return {context, warnings, notes};
}

function readable(input: Input, given: unknown): unknown {
  if (isFileInput(input)) return typeof given === 'string' ? {path: given, digest: '0'.repeat(32)} : given;
  return Array.isArray(given) ? new MemoryShard(input, given as Row<ShardSchema>[]) : (given ?? new MemoryShard(input));
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, change: (value: V, key: string) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

/** A shard whose rows stay in memory; checks what a written shard would refuse. */
export class MemoryShard<S extends ShardSchema> implements ShardReader<S>, ShardWriter<S> {
  constructor(
    readonly schema: S,
    readonly all: Row<S>[] = [],
  ) {}

  get rowCount(): number {
    return this.all.length;
  }

  append(row: Row<S>): Promise<void> {
    const names = Object.keys(this.schema.columns);
    if (Object.keys(row).sort().join() !== [...names].sort().join()) {
      return Promise.reject(new TypeError(`Expected columns ${names.join()}, got ${Object.keys(row).join()}`));
    }
    this.all.push(copied(row));
    return Promise.resolve();
  }

  width(column: keyof S['columns'] & string): number {
    const value: unknown = this.all[0]?.[column];
    return value instanceof Float32Array ? value.length : 0;
  }

  async *rows(start = 0, end = this.all.length): AsyncGenerator<Row<S>> {
    for (const row of this.all.slice(start, end)) yield await Promise.resolve(copied(row));
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

/** Copies vectors, so that a stage that reuses a buffer is found out. */
function copied<R extends object>(row: R): R {
  const entries = Object.entries(row).map(([key, value]) => [
    key,
    value instanceof Float32Array ? value.slice() : value,
  ]);
  return Object.fromEntries(entries) as R;
}

function packed(type: string, values: unknown[]): unknown {
  if (type === 'f64') return Float64Array.from(values as number[]);
  if (type === 'f32') return Float32Array.from(values as number[]);
  if (type === 'i32') return Int32Array.from(values as number[]);
  if (type === 'bool') return Uint8Array.from(values as boolean[], Number);
  if (type === 'f32s') return Float32Array.from((values as Float32Array[]).flatMap((vector) => [...vector]));
  return values;
}
