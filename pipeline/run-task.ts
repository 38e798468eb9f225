/** Runs one task in this process: opens its inputs, runs the stage, publishes its shards, writes its manifest (D9). */
import {mkdirSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type {Digest} from '../cache/digest.js';
import {writeManifest, type Json, type TaskManifest} from '../cache/manifest.js';
import {ShardStore, type OpenShard, type OpenShardWriter} from '../cache/shard-store.js';
import type {ShardSchema} from '../cache/shard.js';
import {isFileInput, type FoldShards, type PublishedFile, type RunContext, type Stage} from '../stages/stage.js';
import type {ResolvedInput, TaskRequest} from './request.js';

export interface TaskReports {
  progress(done: number, total: number, unit: string): void;
  warning(message: string): void;
}

const stores = new Map<string, ShardStore>();

/** Opened once per process; opening looks for what dead processes left. */
function storeIn(folder: string): ShardStore {
  let store = stores.get(folder);
  if (store === undefined) stores.set(folder, (store = ShardStore.open(folder)));
  return store;
}

export async function runTask(
  stage: Stage,
  request: TaskRequest,
  signal: AbortSignal,
  reports: TaskReports,
): Promise<TaskManifest> {
  const startedAt = new Date();
  const clock = performance.now();
  const store = storeIn(request.folders.shards);
  const opened: OpenShard<ShardSchema>[] = [];
  const writers = Object.entries(stage.outputs).map(([name, schema]) => [name, store.create(schema)] as const);
  const {context, told, clear} = surroundings(request, signal, reports);
  const {params} = request.ingredients;
  try {
    const inputs = await openInputs(stage, request, store, opened);
    await stage.run({inputs, outputs: Object.fromEntries(writers), params, context} as never);
    signal.throwIfAborted();
    const manifest: TaskManifest = {
      format: 1,
      fingerprint: request.fingerprint,
      ...request.ingredients,
      params: params as Json,
      subject: request.subject,
      outputs: await finishAll(writers),
      ...told,
      startedAt: startedAt.toISOString(),
      seconds: (performance.now() - clock) / 1000,
      machine: machine(),
    };
    writeManifest(request.folders.manifests, manifest);
    clear();
    return manifest;
  } catch (error) {
    for (const [, writer] of writers) await writer.abort();
    throw error;
  } finally {
    for (const shard of opened) await shard.close();
  }
}

/** What a stage may ask of its surroundings, what it told them, and how its scratch folder is removed. */
function surroundings(request: TaskRequest, signal: AbortSignal, reports: TaskReports) {
  const told = {warnings: [] as string[], notes: {} as Record<string, string | number>};
  const scratch = path.join(request.folders.scratch, request.fingerprint);
  let usesScratch = false;
  const context: RunContext = {
    seed: request.ingredients.seed ?? 0,
    threads: request.threads,
    device: request.device,
    models: request.models,
    // Made when asked for: making and removing a folder costs more than all else beside a task that needs none.
    get scratch() {
      usesScratch = true;
      mkdirSync(scratch, {recursive: true});
      return scratch;
    },
    signal,
    progress: reports.progress,
    warn(message) {
      told.warnings.push(message);
      reports.warning(message);
    },
    note(key, value) {
      told.notes[key] = value;
    },
  };
  const clear = () => {
    if (usesScratch) rmSync(scratch, {recursive: true, force: true});
  };
  return {context, told, clear};
}

async function openInputs(
  stage: Stage,
  request: TaskRequest,
  store: ShardStore,
  opened: OpenShard<ShardSchema>[],
): Promise<Record<string, OpenShard<ShardSchema> | FoldShards<ShardSchema> | PublishedFile | undefined>> {
  const open = async (digest: Digest, schema: ShardSchema) => {
    const shard = await store.open(digest, schema);
    opened.push(shard);
    return shard;
  };
  const openAll = async (digests: readonly Digest[], schema: ShardSchema) => {
    const shards: OpenShard<ShardSchema>[] = [];
    for (const digest of digests) shards.push(await open(digest, schema));
    return shards;
  };
  const openOne = async (name: string, input: ResolvedInput) => {
    const declared = stage.inputs[name]!;
    if (input.is === 'absent' || isFileInput(declared))
      return input.is === 'file' ? {path: input.path, digest: input.digest} : undefined;
    if (input.is === 'fold')
      return {train: await openAll(input.train, declared), validation: await openAll(input.validation, declared)};
    return input.is === 'shard' ? open(input.digest, declared) : undefined;
  };
  const entries: [string, Awaited<ReturnType<typeof openOne>>][] = [];
  for (const [name, input] of Object.entries(request.inputs)) entries.push([name, await openOne(name, input)]);
  return Object.fromEntries(entries);
}

async function finishAll(
  writers: readonly (readonly [string, OpenShardWriter<ShardSchema>])[],
): Promise<TaskManifest['outputs']> {
  const outputs = [];
  for (const [name, writer] of writers) outputs.push({name, kind: writer.schema.kind, ...(await writer.finish())});
  return outputs;
}

function machine(): TaskManifest['machine'] {
  return {host: os.hostname(), platform: `${process.platform}-${process.arch}`, node: process.version, versions: {}};
}
