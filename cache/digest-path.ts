/** Files named by a digest, spread over 256 folders by its first two digits: `<root>/ab/cdef….extension`. */
import {readdirSync} from 'node:fs';
import path from 'node:path';
import type {Digest} from './digest.js';
import {isDigest} from './digest.js';
import {codeOf} from './publish.js';

/** Returns the path of the file that belongs to a digest. */
export function digestPath(root: string, digest: Digest, extension: string): string {
  // Also keeps a name that came from elsewhere from leading out of the folder.
  if (!isDigest(digest)) throw new TypeError(`Expected a digest of 32 hex digits, got '${String(digest)}'`);
  // Not path.join, which would take longer than the look at the file that follows.
  return `${root}${path.sep}${digest.slice(0, 2)}${path.sep}${digest.slice(2)}${extension}`;
}

/** Lists the digests that have a file, in order; other files and a missing root are passed over. */
export function* digestsIn(root: string, extension: string): Iterable<Digest> {
  for (const prefix of namesIn(root).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
    for (const name of namesIn(path.join(root, prefix))) {
      const digest = prefix + path.basename(name, extension);
      if (name.endsWith(extension) && isDigest(digest)) yield digest;
    }
  }
}

/** Returns the names in a folder, in order; none if there is no such folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
