/**
 * Digests of published files, remembered so that a file is read again only when it may have changed (D2). Time stamps
 * alone prove nothing; path, size, modification time, change time and inode together are a memo, and one that is
 * taken only where the file had been left alone for a while before it was hashed (git's "racy" rule): a write in the
 * same tick of the file system's clock would not show.
 */
import type {BigIntStats} from 'node:fs';
import {statSync} from 'node:fs';
import {stat} from 'node:fs/promises';
import path from 'node:path';
import type {Digest} from './digest.js';
import {digestOfFile} from './digest.js';
import {CacheError} from './errors.js';
import type {Lineage} from './lineage.js';

/** File systems with the coarsest clocks, FAT's, count in steps of two seconds. */
const racyNanoseconds = 2_000_000_000n;

/** How often a file is hashed again because it changed meanwhile, before giving up. */
const mostAttempts = 3;

/** Takes digests of files and remembers them in the lineage database. */
export class FileDigests {
  constructor(private readonly lineage: Lineage) {}

  /**
   * Returns the digest of a file, from the memo where its state is the same as when it was hashed.
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
    return stats === undefined ? undefined : this.lineage.memo(path.resolve(file), stampOf(stats));
  }

  async #hash(file: string): Promise<Digest> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const hashedAt = BigInt(Date.now()) * 1_000_000n;
      const before = await stat(file, {bigint: true});
      const digest = await digestOfFile(file);
      const stamp = stampOf(before);
      if (stampOf(await stat(file, {bigint: true})) !== stamp) continue;
      this.lineage.recordFile(digest, file, wasLeftAlone(before, hashedAt) ? stamp : undefined);
      return digest;
    }
    throw new CacheError(
      'unstable-file',
      `${file}: changed while it was read, ${mostAttempts} times in a row`,
      'Wait until the file is written completely, then run again.',
    );
  }
}

/** Also false for times in the future, which a clock that was set back leaves behind. */
function wasLeftAlone({mtimeNs, ctimeNs}: BigIntStats, hashedAt: bigint): boolean {
  return hashedAt - (mtimeNs > ctimeNs ? mtimeNs : ctimeNs) >= racyNanoseconds;
}

function stampOf({size, mtimeNs, ctimeNs, ino}: BigIntStats): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}
