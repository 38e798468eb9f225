/**
 * Digests of published files, remembered so that a file is read again only when it may have changed (D2). Time stamps
 * alone prove nothing; path, size, modification time, change time and inode together are a memo, and one that is
 * taken only where the file had been left alone for a while before it was hashed (git's "racy" rule): a write in the
 * same tick of the file system's clock would not show.
 *
 * A folder of files, such as one image per video frame, has a digest and one memo like a file: see `folder-files.ts`.
 */
import {statSync} from 'node:fs';
import path from 'node:path';
import type {Digest} from './digest.js';
import {digestOfFile} from './digest.js';
import {CacheError} from './errors.js';
import {stateOf} from './file-state.js';
import {digestOfFolder} from './folder-files.js';
import type {Lineage} from './lineage.js';

/** File systems with the coarsest clocks, FAT's, count in steps of two seconds. */
const racyNanoseconds = 2_000_000_000n;

/** How often a file is hashed again because it changed meanwhile, before giving up. */
const mostAttempts = 3;

/** Takes digests of files and remembers them in the lineage database. */
export class FileDigests {
  constructor(private readonly lineage: Lineage) {}

  /**
   * Returns the digest of a file, or of the files in a folder, from the memo where its state is the same as when it was
   * hashed.
   *
   * @throws CacheError 'unstable-file' if the file keeps changing while it is read; errors of the file system as they are.
   */
  async digest(file: string): Promise<Digest> {
    const known = this.peek(file);
    return known ?? this.#hash(path.resolve(file));
  }

  /** Returns the digest from the memo, if there is one that holds; undefined also where there is no such file. */
  peek(file: string): Digest | undefined {
    const stats = statSync(file, {bigint: true, throwIfNoEntry: false});
    return stats === undefined
      ? undefined
      : this.lineage.memo(path.isAbsolute(file) ? file : path.resolve(file), stateOf(file, stats).stamp);
  }

  async #hash(file: string): Promise<Digest> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const hashedAt = BigInt(Date.now()) * 1_000_000n;
      const stats = statSync(file, {bigint: true});
      const {stamp, changedNs} = stateOf(file, stats);
      const digest = await (stats.isDirectory() ? digestOfFolder(file) : digestOfFile(file));
      if (stateOf(file, statSync(file, {bigint: true})).stamp !== stamp) continue;
      // Not left alone also where the change lies in the future, which a clock that was set back leaves behind.
      const leftAlone = hashedAt - changedNs >= racyNanoseconds;
      this.lineage.recordFile(digest, file, leftAlone ? stamp : undefined);
      return digest;
    }
    throw new CacheError(
      'unstable-file',
      `${file}: changed while it was read, ${mostAttempts} times in a row`,
      'Wait until the file is written completely, then run again.',
    );
  }
}
