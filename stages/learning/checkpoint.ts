/**
 * Checkpoints: tensors and plain state in one safetensors file that exists whole or not at all. A killed training
 * finds its last finished epoch; after a power cut a torn file is recognised and training starts over.
 */
import {open, readFile, rename, rm} from 'node:fs/promises';
import type {FileHandle} from 'node:fs/promises';
import {StageError} from '../errors.js';
import type {Arrays} from './program.js';
import {readSafetensors, safetensorsParts} from './safetensors.js';

export interface Checkpoint<T> {
  readonly tensors: Arrays;
  /** Anything that JSON can hold, and infinities and NaN. */
  readonly state: T;
}

/** Writes the checkpoints of a training while it goes on: half a gigabyte at published sizes, after every epoch. */
export class CheckpointWriter<T> implements AsyncDisposable {
  #pending: Promise<void> = Promise.resolve();

  constructor(readonly path: string) {}

  /**
   * Begins to write, once the checkpoint before is written; the tensors must not change until `finish`. Throws what
   * went wrong with the one before.
   */
  async write(checkpoint: Checkpoint<T>): Promise<void> {
    await this.#pending;
    this.#pending = writeCheckpoint(this.path, checkpoint);
    // Thrown by whoever waits next; until then it must not end the process.
    this.#pending.catch(() => undefined);
  }

  /** Waits for the last checkpoint. Throws what went wrong with it. */
  finish(): Promise<void> {
    return this.#pending;
  }

  /** Where training failed, the checkpoint that is half written still becomes whole. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pending.catch(() => undefined);
  }
}

/** Reads the checkpoint at `path`; undefined where there is none, or none that is readable. */
export async function readCheckpoint<T>(path: string): Promise<Checkpoint<T> | undefined> {
  try {
    const {tensors, metadata} = readSafetensors(await readFile(path), path);
    return {tensors, state: JSON.parse(metadata['state'] ?? '', read) as T};
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (!(error instanceof StageError) && !(error instanceof SyntaxError)) throw error;
    await rm(path, {force: true});
    return undefined;
  }
}

/** Replaces the checkpoint at `path` in one step. */
async function writeCheckpoint<T>(path: string, {tensors, state}: Checkpoint<T>): Promise<void> {
  const parts = safetensorsParts({tensors, metadata: {state: JSON.stringify(state, written)}});
  const aside = `${path}.tmp`;
  const file = await open(aside, 'w');
  try {
    await writeAll(file, parts);
  } finally {
    await file.close();
  }
  await rename(aside, path);
}

/**
 * Hands all parts over at once: while a step runs, JavaScript does not, and a part for which it were needed would wait
 * for the step.
 */
async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let rest = parts.filter((part) => part.length > 0);
  while (rest.length > 0) {
    let {bytesWritten} = await file.writev(rest);
    // One call writes 2 GB at most.
    const whole = rest.findIndex((part) => (bytesWritten -= part.length) < 0);
    rest = whole < 0 ? [] : [rest[whole]!.subarray(rest[whole]!.length + bytesWritten), ...rest.slice(whole + 1)];
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** JSON has no infinities and no NaN. */
const written = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? {notFinite: String(value)} : value;

const read = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'notFinite' in value ? Number(value.notFinite) : value;
