/** Writes one shard: rows are encoded, hashed and written aside as they come; the finished file is handed over. */
import {closeSync, fchmodSync, fsyncSync, openSync, rmSync, writeSync} from 'node:fs';
import path from 'node:path';
import type {ArrowEncoder} from './arrow.js';
import type {Digest} from './digest.js';
import {Digester} from './digest.js';
import {makeFolder, workspaceError} from './publish.js';
import type {Row, ShardSchema, ShardWriter} from './shard.js';

/** What a finished shard is known by. */
export interface FinishedShard {
  readonly digest: Digest;
  readonly rows: number;
  readonly bytes: number;
}

/** A shard that is being written. Nothing of it can be seen by others before `finish`. */
export interface OpenShardWriter<S extends ShardSchema = ShardSchema> extends ShardWriter<S>, AsyncDisposable {
  /** Completes, syncs and publishes the shard. */
  finish(): Promise<FinishedShard>;
  /** Removes what was written; does nothing after `finish`. Leaving an `await using` block does the same. */
  abort(): Promise<void>;
}

interface Destination {
  /** Where to write, on the file system of the store. */
  readonly aside: string;
  /** Moves the finished file from `aside` to its place. */
  readonly publish: (digest: Digest) => void;
}

/**
 * Writes the rows of one shard to a file aside. Calls of the file system are synchronous: most shards are small, and a trip
 * to the thread pool costs more than the call. Not a row is lost or doubled if `append` is not awaited, but memory grows.
 */
export class ShardFileWriter<S extends ShardSchema> implements OpenShardWriter<S> {
  /** Ends when all that was asked so far is done; once it has failed, everything after fails with it. */
  #tail: Promise<unknown> = Promise.resolve();
  #encoder: ArrowEncoder<S> | undefined;
  /** Descriptor. */
  #file: number | undefined;
  #isOpen = true;
  #state: 'open' | 'finished' | 'aborted' = 'open';
  readonly #digester = new Digester();
  #bytes = 0;

  constructor(
    readonly schema: S,
    private readonly destination: Destination,
  ) {}

  append(row: Row<S>): Promise<void> {
    const done = this.#tail.then(() => this.#append(row));
    this.#tail = done;
    return done;
  }

  finish(): Promise<FinishedShard> {
    const done = this.#tail.then(() => this.#finish());
    this.#tail = done;
    return done;
  }

  async abort(): Promise<void> {
    // What went wrong before was thrown where it went wrong.
    await this.#tail.catch(() => undefined);
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    if (this.#file === undefined) return;
    // It is closed already if publishing was what failed.
    if (this.#isOpen) closeSync(this.#file);
    rmSync(this.destination.aside, {force: true});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  /** Returns nothing to wait for while a record batch fills. */
  #append(row: Row<S>): Promise<void> | undefined {
    if (this.#state !== 'open') throw this.#closed();
    if (this.#encoder === undefined) return this.#start().then(() => this.#append(row));
    const chunks = this.#encoder.append(row);
    if (chunks.length > 0) this.#write(chunks);
    return undefined;
  }

  async #finish(): Promise<FinishedShard> {
    if (this.#state !== 'open') throw this.#closed();
    const {encoder, file} = await this.#start();
    this.#write(encoder.finish());
    const digest = this.#digester.digest();
    try {
      fchmodSync(file, 0o444);
      fsyncSync(file);
      closeSync(file);
      this.#isOpen = false;
      this.destination.publish(digest);
    } catch (error) {
      throw workspaceError(error, this.destination.aside);
    }
    this.#state = 'finished';
    return {digest, rows: encoder.rowCount, bytes: this.#bytes};
  }

  /** Opens the file with the first row, and loads Arrow with it: a run that only reuses needs neither. */
  async #start(): Promise<{encoder: ArrowEncoder<S>; file: number}> {
    try {
      makeFolder(path.dirname(this.destination.aside));
      this.#file ??= openSync(this.destination.aside, 'wx');
    } catch (error) {
      throw workspaceError(error, this.destination.aside);
    }
    const {ArrowEncoder} = await import('./arrow.js');
    this.#encoder ??= new ArrowEncoder(this.schema);
    return {encoder: this.#encoder, file: this.#file};
  }

  #write(chunks: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(chunks);
    this.#digester.update(bytes);
    try {
      for (let start = 0; start < bytes.byteLength;) {
        start += writeSync(this.#file!, bytes, start);
      }
    } catch (error) {
      throw workspaceError(error, this.destination.aside);
    }
    this.#bytes += bytes.byteLength;
  }

  #closed(): Error {
    return new Error(`Expected an open writer of '${this.schema.kind}', but it was ${this.#state} before`);
  }
}
