/**
 * Keeps shards as files named by their digest: `<root>/ab/cdef….arrow`, read-only, written aside in `<root>/tmp/` and
 * renamed into place (D6). Any number of processes may read and write one store: a shard never changes, and two that
 * write the same shard write the same bytes.
 */
import {renameSync, rmSync, statSync} from 'node:fs';
import path from 'node:path';
import type {Digest} from './digest.js';
import {digestOfFile} from './digest.js';
import {digestPath, digestsIn, namesIn} from './digest-path.js';
import {CacheError} from './errors.js';
import {OpenFiles} from './open-files.js';
import {asideName, codeOf, isLeftover, makeFolder, syncFolder, workspaceError} from './publish.js';
import type {ShardReader, ShardSchema} from './shard.js';
import type {OpenShardWriter} from './shard-writer.js';
import {ShardFileWriter} from './shard-writer.js';

export type {FinishedShard, OpenShardWriter} from './shard-writer.js';

/** A shard that is open for reading. */
export interface OpenShard<S extends ShardSchema = ShardSchema> extends ShardReader<S>, AsyncDisposable {
  readonly digest: Digest;
  close(): Promise<void>;
}

/** A stored file and its size. */
export interface StoredShard {
  readonly digest: Digest;
  readonly bytes: number;
}

/** Descriptors kept open; far below the usual limit of 1,024, enough that a training run seldom opens a file twice. */
const openFileLimit = 128;

/** A folder of shards. Opening it creates nothing; the first shard that is written does. */
export class ShardStore {
  /** Shards whose bytes this process has hashed or is hashing, by path, with the state of the file it found. */
  static readonly #verified = new Map<string, {readonly stamp: string; readonly done: Promise<void>}>();
  readonly #files = new OpenFiles(openFileLimit);

  private constructor(readonly root: string) {}

  /** Opens a store and clears away what dead processes of this machine left unfinished. */
  static open(root: string): ShardStore {
    const store = new ShardStore(path.resolve(root));
    store.#sweep();
    return store;
  }

  /** Whether the store holds a shard, of the given size where one is given; looks at the name and size only. */
  has(digest: Digest, bytes?: number): boolean {
    const stats = statSync(this.path(digest), {throwIfNoEntry: false});
    return stats !== undefined && (bytes === undefined || stats.size === bytes);
  }

  /** Returns where a shard's file is, or would be. */
  path(digest: Digest): string {
    return digestPath(this.root, digest, '.arrow');
  }

  /**
   * Opens a shard for reading. The first time in a process its bytes are hashed; later opens cost a few small reads.
   *
   * @throws CacheError 'missing-shard', 'digest-mismatch' if the bytes were altered, 'bad-shard' if the shard is of
   *   another kind or has other columns.
   */
  async open<S extends ShardSchema>(digest: Digest, schema: S): Promise<OpenShard<S>> {
    const file = this.path(digest);
    const byteCount = await this.#verify(digest);
    const {openArrow} = await import('./arrow-reader.js');
    const read = (into: Uint8Array, position: number) => this.#read(digest, into, position);
    const reader = await openArrow({name: `shard ${digest} (${schema.kind})`, byteCount, read}, schema);
    const close = () => this.#files.forget(file);
    return Object.assign(reader, {digest, close, [Symbol.asyncDispose]: close});
  }

  /** Starts a shard; it is in the store once `finish` has resolved. */
  create<S extends ShardSchema>(schema: S): OpenShardWriter<S> {
    const aside = path.join(this.root, 'tmp', asideName('.arrow'));
    return new ShardFileWriter(schema, {aside, publish: (digest) => this.#publish(aside, digest)});
  }

  /** Moves a bad shard out of the way, to `<root>/quarantine/`, so that it is computed anew and can be looked at. */
  quarantine(digest: Digest): void {
    const folder = path.join(this.root, 'quarantine');
    try {
      makeFolder(folder);
      renameSync(this.path(digest), path.join(folder, `${digest}${asideName('.arrow')}`));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw workspaceError(error, folder);
    }
    this.#forget(digest);
  }

  /** Lists the shards in the store, in the order of their digests. */
  *list(): Iterable<StoredShard> {
    for (const digest of digestsIn(this.root, '.arrow')) {
      const stats = statSync(this.path(digest), {throwIfNoEntry: false});
      if (stats !== undefined) yield {digest, bytes: stats.size};
    }
  }

  /** Removes a shard; does nothing if there is none. */
  delete(digest: Digest): void {
    try {
      rmSync(this.path(digest), {force: true});
    } catch (error) {
      throw workspaceError(error, this.path(digest));
    }
    this.#forget(digest);
  }

  #publish(aside: string, digest: Digest): void {
    const file = this.path(digest);
    const folder = path.dirname(file);
    const isNew = makeFolder(folder);
    // Also over an existing file: if that was altered, this one mends it.
    renameSync(aside, file);
    syncFolder(folder);
    if (isNew) syncFolder(this.root);
  }

  /** Hashes a shard once per process, and again if the file was replaced since. Returns its size. */
  async #verify(digest: Digest): Promise<number> {
    const file = this.path(digest);
    const stats = statSync(file, {throwIfNoEntry: false});
    if (stats === undefined) throw missing(digest, file);
    const stamp = `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
    if (ShardStore.#verified.get(file)?.stamp !== stamp) {
      // A descriptor of before would read the file that was replaced.
      await this.#files.forget(file);
      ShardStore.#verified.set(file, {stamp, done: checkDigest(digest, file)});
    }
    await ShardStore.#verified.get(file)?.done.catch((error: unknown) => {
      ShardStore.#verified.delete(file);
      throw error;
    });
    return stats.size;
  }

  async #read(digest: Digest, into: Uint8Array, position: number): Promise<void> {
    const file = this.path(digest);
    try {
      await this.#files.read(file, into, position);
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? missing(digest, file, error) : error;
    }
  }

  #forget(digest: Digest): void {
    ShardStore.#verified.delete(this.path(digest));
    void this.#files.forget(this.path(digest));
  }

  #sweep(): void {
    const folder = path.join(this.root, 'tmp');
    for (const name of namesIn(folder).filter(isLeftover)) {
      try {
        rmSync(path.join(folder, name), {force: true});
      } catch (error) {
        // A store that may only be read keeps its leftovers; whoever writes will be told.
        if (!(workspaceError(error, folder) instanceof CacheError)) throw error;
      }
    }
  }
}

async function checkDigest(digest: Digest, file: string): Promise<void> {
  const seen = await digestOfFile(file).catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT' ? missing(digest, file, error) : error;
  });
  if (seen === digest) return;
  throw new CacheError(
    'digest-mismatch',
    `shard ${digest}: its bytes have the digest ${seen}; ${file} was altered or damaged`,
    'Run again: the shard is set aside and computed anew. If it happens often, check the disk.',
  );
}

function missing(digest: Digest, file: string, cause?: unknown): CacheError {
  return new CacheError(
    'missing-shard',
    `shard ${digest}: there is no ${file}`,
    'Run again: what is missing is computed anew.',
    {cause},
  );
}
