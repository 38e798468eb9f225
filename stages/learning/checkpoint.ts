/**
 * Checkpoints: tensors and plain state in one safetensors file that exists whole or not at all. A killed training
 * finds its last finished epoch; after a power cut a torn file is recognised and training starts over.
 */
import {open, readFile, rename, rm} from 'node:fs/promises';
import {StageError} from '../errors.js';
import type {Arrays} from './program.js';
import {readSafetensors, safetensorsParts} from './safetensors.js';

export interface Checkpoint<T> {
  readonly tensors: Arrays;
  /** Anything that JSON can hold, and infinities and NaN. */
  readonly state: T;
}

/** Replaces the checkpoint at `path` in one step. */
export async function writeCheckpoint<T>(path: string, {tensors, state}: Checkpoint<T>): Promise<void> {
  const parts = safetensorsParts({tensors, metadata: {state: JSON.stringify(state, written)}});
  const aside = `${path}.tmp`;
  const file = await open(aside, 'w');
  try {
    for (const part of parts) await file.writeFile(part);
  } finally {
    await file.close();
  }
  await rename(aside, path);
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

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** JSON has no infinities and no NaN. */
const written = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? {notFinite: String(value)} : value;

const read = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'notFinite' in value ? Number(value.notFinite) : value;
