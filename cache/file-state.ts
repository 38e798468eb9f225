/** The state in which a file, or a folder of files, was seen: what must be the same for its digest to hold. */
import type {BigIntStats} from 'node:fs';
import {statSync} from 'node:fs';
import path from 'node:path';
import {digestOfText} from './digest.js';
import {filesIn} from './folder-files.js';

export interface FileState {
  readonly stamp: string;
  /** When it last changed, in nanoseconds since 1970. */
  readonly changedNs: bigint;
}

/** Returns the state of a path whose `stats` were just taken. Errors are those of the file system. */
export function stateOf(file: string, stats: BigIntStats): FileState {
  return stats.isDirectory() ? stateOfFolder(file) : {stamp: stampOf(stats), changedNs: changeOf(stats)};
}

/** Asks for every file, because the time stamps of a folder do not tell of files that were overwritten: 4 µs each. */
function stateOfFolder(folder: string): FileState {
  let changedNs = 0n;
  const lines = filesIn(folder).map((name) => {
    const stats = statSync(path.join(folder, name), {bigint: true});
    if (changeOf(stats) > changedNs) changedNs = changeOf(stats);
    return JSON.stringify([name, stampOf(stats)]);
  });
  return {stamp: `folder ${lines.length} ${digestOfText(lines.join('\n'))}`, changedNs};
}

function stampOf({size, mtimeNs, ctimeNs, ino}: BigIntStats): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}

function changeOf({mtimeNs, ctimeNs}: BigIntStats): bigint {
  return mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
}
