/**
 * A task's manifest: what a worker publishes after its shards (D9). Manifests are the record of truth about tasks; the
 * lineage database is an index of them and can be rebuilt. They lie in `<folder>/ab/cdef….json`, named by fingerprint.
 */
import {readFileSync, rmSync} from 'node:fs';
import type {Digest} from './digest.js';
import {isDigest} from './digest.js';
import {digestPath, digestsIn} from './digest-path.js';
import {CacheError} from './errors.js';
import {codeOf, publishText} from './publish.js';

/** A value that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | {readonly [key: string]: Json};

/** An input a task read: a shard or a published file. */
export interface ManifestInput {
  /** Name of the input; members of lists are numbered, as in 'train/visual[0]'. */
  readonly name: string;
  readonly digest: Digest;
  /** The clip this input belongs to, where that is not the task's own: inputs of a fold. Clips can have equal shards. */
  readonly clip?: string;
}

/** A file of trained parameters a task read. */
export interface ManifestModel {
  readonly id: string;
  readonly digest: Digest;
}

/** A shard a task wrote. */
export interface ManifestOutput {
  readonly name: string;
  readonly kind: string;
  readonly digest: Digest;
  readonly rows: number;
  readonly bytes: number;
}

/** Where a task ran; recorded, not fingerprinted. */
export interface Machine {
  readonly host: string;
  readonly platform: string;
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Everything worth knowing about one task that was done. */
export interface TaskManifest {
  readonly format: 1;
  readonly fingerprint: Digest;
  readonly stage: string;
  /** Code identity of the stage (D4). */
  readonly identity: string;
  readonly params: Json;
  /** Seed of the task; null for stages that draw nothing. */
  readonly seed: number | null;
  readonly inputs: readonly ManifestInput[];
  readonly models: readonly ManifestModel[];
  readonly outputs: readonly ManifestOutput[];
  /** Labels for people, such as clip, fold and system; not part of the fingerprint. */
  readonly subject: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  readonly notes: Readonly<Record<string, string | number>>;
  /** Start of the task, as ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly machine: Machine;
}

const manifestFormat = 1;

/** Publishes a manifest; one of the same fingerprint is replaced, because only its last doer's shards surely exist. */
export function writeManifest(folder: string, manifest: TaskManifest): void {
  publishText(digestPath(folder, manifest.fingerprint, '.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * Reads the manifest of a fingerprint; undefined where there is none.
 *
 * @throws CacheError 'bad-manifest' if the file holds something else.
 */
export function readManifest(folder: string, fingerprint: Digest): TaskManifest | undefined {
  try {
    return parseManifest(digestPath(folder, fingerprint, '.json'), fingerprint);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The manifest of a fingerprint; undefined where there is none, or only a file that is damaged. */
export function intactManifest(folder: string, fingerprint: Digest): TaskManifest | undefined {
  try {
    return readManifest(folder, fingerprint);
  } catch (error) {
    if (error instanceof CacheError) return undefined;
    throw error;
  }
}

/** Removes the manifest of a fingerprint, so that a rebuilt lineage does not know the task any more. */
export function deleteManifest(folder: string, fingerprint: Digest): void {
  rmSync(digestPath(folder, fingerprint, '.json'), {force: true});
}

/**
 * Reads all manifests in the order of their fingerprints.
 *
 * @param onBad Is told of files that are no manifests; without it they end the reading.
 */
export function* manifests(folder: string, onBad?: (error: CacheError) => void): Iterable<TaskManifest> {
  for (const fingerprint of digestsIn(folder, '.json')) {
    try {
      yield parseManifest(digestPath(folder, fingerprint, '.json'), fingerprint);
    } catch (error) {
      if (!(error instanceof CacheError) || onBad === undefined) throw error;
      onBad(error);
    }
  }
}

function parseManifest(file: string, fingerprint: Digest): TaskManifest {
  const text = readFileSync(file, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badManifest(file, 'it is not JSON', error);
  }
  const reason = refuseManifest(value, fingerprint);
  if (reason !== undefined) throw badManifest(file, reason);
  return value as TaskManifest;
}

/** Says why a value is not the manifest of a fingerprint. Manifests come from our own writer: kinds are checked, not all. */
function refuseManifest(value: unknown, fingerprint: Digest): string | undefined {
  if (typeof value !== 'object' || value === null) return 'it is not an object';
  const fields = value as Readonly<Record<string, unknown>>;
  if (fields['format'] !== manifestFormat) return `its format is ${String(fields['format'])}, not ${manifestFormat}`;
  if (fields['fingerprint'] !== fingerprint) return `it belongs to the fingerprint ${String(fields['fingerprint'])}`;
  for (const list of ['inputs', 'models', 'outputs', 'warnings']) {
    if (!Array.isArray(fields[list])) return `it has no list of ${list}`;
  }
  for (const item of [fields['inputs'], fields['models'], fields['outputs']].flat() as {digest?: unknown}[]) {
    if (typeof item.digest !== 'string' || !isDigest(item.digest)) return `it holds the digest ${String(item.digest)}`;
  }
  return typeof fields['stage'] === 'string' ? undefined : 'it names no stage';
}

function badManifest(file: string, seen: string, cause?: unknown): CacheError {
  return new CacheError(
    'bad-manifest',
    `${file}: not a manifest of this version: ${seen}`,
    'Delete the file; the task is then done anew. If its format is newer, update Affectflow instead.',
    {cause},
  );
}
