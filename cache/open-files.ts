/** Reads at any place of many files while only a few are open: descriptors are opened when needed and reused. */
import {close, open, read} from 'node:fs';
import {promisify} from 'node:util';
import {CacheError} from './errors.js';

const openFile = promisify(open);
const closeFile = promisify(close);
const readFile = promisify(read);

interface OpenFile {
  readonly descriptor: Promise<number>;
  readers: number;
}

/** A pool of descriptors. Files must not change while they are in it; shards never do. */
export class OpenFiles {
  /** In the order of last use, the longest unused first. */
  readonly #files = new Map<string, OpenFile>();

  /** @param limit Descriptors kept open while nobody reads; more are open only while more reads are in flight. */
  constructor(readonly limit: number) {}

  get count(): number {
    return this.#files.size;
  }

  /**
   * Fills `into` with the bytes from `position` on; errors are those of the file system.
   *
   * @throws CacheError 'digest-mismatch' if the file ends before: it was cut after its digest was checked.
   */
  async read(path: string, into: Uint8Array, position: number): Promise<void> {
    const file = this.#use(path);
    file.readers++;
    try {
      const descriptor = await file.descriptor;
      for (let start = 0; start < into.byteLength;) {
        const {bytesRead} = await readFile(descriptor, into, start, into.byteLength - start, position + start);
        if (bytesRead === 0) throw cutShort(path, position + into.byteLength);
        start += bytesRead;
      }
    } catch (error) {
      if (this.#files.get(path) === file) this.#files.delete(path);
      throw error;
    } finally {
      file.readers--;
      if (this.#files.get(path) === file) this.#evict();
      else await this.#closeUnread(file);
    }
  }

  /** Closes a file's descriptor, if it is open, as soon as nobody reads. */
  async forget(path: string): Promise<void> {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    await this.#closeUnread(file);
  }

  #use(path: string): OpenFile {
    const file = this.#files.get(path) ?? {descriptor: openFile(path, 'r'), readers: 0};
    this.#files.delete(path);
    this.#files.set(path, file);
    return file;
  }

  #evict(): void {
    for (const [path, file] of this.#files) {
      if (this.#files.size <= this.limit) return;
      if (file.readers === 0) void this.forget(path);
    }
  }

  /** Never closes under a reader: the number of the descriptor could already stand for another file. */
  async #closeUnread(file: OpenFile): Promise<void> {
    if (file.readers > 0) return;
    const descriptor = await file.descriptor.catch(() => undefined);
    if (descriptor !== undefined) await closeFile(descriptor);
  }
}

function cutShort(path: string, end: number): CacheError {
  return new CacheError(
    'digest-mismatch',
    `${path}: ends before byte ${end}; it was cut while it was in use`,
    'Run again: the shard is set aside and computed anew.',
  );
}
