/** A folder of many small files, such as one image per video frame, taken as one published thing. */
import {readdirSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {digestOf, digestOfValue, type Digest} from './digest.js';

/** Small files that are read at once. */
const readAtOnce = 16;

/** Names of the files directly in a folder, by code unit. Hidden files and what lies deeper do not belong to it. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, {withFileTypes: true})
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
    .map(({name}) => name)
    .sort();
}

/** Returns the digest of the names and bytes of a folder's files; each is held in memory. */
export async function digestOfFolder(folder: string): Promise<Digest> {
  const names = filesIn(folder);
  const listed: [name: string, digest: Digest][] = [];
  for (let start = 0; start < names.length; start += readAtOnce) {
    const some = names.slice(start, start + readAtOnce);
    const bytes = await Promise.all(some.map((name) => readFile(path.join(folder, name))));
    listed.push(...some.map((name, index): [string, Digest] => [name, digestOf(bytes[index]!)]));
  }
  return digestOfValue('affectflow.folder.1', listed);
}
