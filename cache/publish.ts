/**
 * Publishing (D6): a file is written aside, synced, and renamed into place, so that a reader, a crash or a power cut
 * sees the whole file or none. Rename alone is not enough: with delayed allocation a new name can outlive its bytes.
 */
import {randomUUID} from 'node:crypto';
import {closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync} from 'node:fs';
import {hostname} from 'node:os';
import path from 'node:path';
import {CacheError} from './errors.js';

/** Writes a small file whole, replacing what was there. The name aside is in the same folder, hence file system. */
export function publishText(file: string, text: string): void {
  const aside = path.join(path.dirname(file), asideName('.tmp'));
  try {
    makeFolder(path.dirname(file));
    writeSynced(aside, text);
    renameSync(aside, file);
    syncFolder(path.dirname(file));
  } catch (error) {
    rmSync(aside, {force: true});
    throw workspaceError(error, file);
  }
}

function writeSynced(file: string, text: string): void {
  const descriptor = openSync(file, 'wx');
  try {
    const bytes = Buffer.from(text, 'utf8');
    for (let start = 0; start < bytes.length;) start += writeSync(descriptor, bytes, start);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes a folder and those above it; returns whether it is new. Node says ENOENT where the first missing one lies on a
 * read-only disk; nothing else can be missing, so that is what it means.
 */
export function makeFolder(folder: string): boolean {
  try {
    return mkdirSync(folder, {recursive: true}) !== undefined;
  } catch (error) {
    const meaning = {ENOENT: 'read-only', EEXIST: 'a file is in the way'}[codeOf(error) ?? ''];
    throw meaning === undefined ? workspaceError(error, folder) : unwritable(folder, meaning, error);
  }
}

/** Returns a name no other writer uses; it tells which process wrote it, so that leftovers of dead ones can go. */
export function asideName(extension: string): string {
  return `.${hostname()}~${process.pid}~${randomUUID()}${extension}`;
}

/** Whether a file of this name was left aside by a process of this machine that is no longer alive. */
export function isLeftover(name: string): boolean {
  const [host, pid] = name.startsWith('.') ? name.slice(1).split('~') : [];
  return host === hostname() && pid !== undefined && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists but belongs to someone else.
    return codeOf(error) === 'EPERM';
  }
}

/** Makes a rename inside a folder survive a power cut. Windows cannot sync folders, and there a rename is journalled. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Explains a failed write: what the disk or the permissions refused becomes a CacheError, the rest stays as it is. */
export function workspaceError(error: unknown, place: string): unknown {
  const code = codeOf(error);
  if (code !== undefined && diskFullCodes.has(code)) {
    return new CacheError(
      'disk-full',
      `${place}: no space left on the disk (${code})`,
      'Free some space and run again: finished tasks are kept.',
      {cause: error},
    );
  }
  if (code !== undefined && unwritableCodes.has(code)) {
    return unwritable(place, code, error);
  }
  return error;
}

function unwritable(place: string, seen: string, cause: unknown): CacheError {
  return new CacheError(
    'unwritable-workspace',
    `${place}: cannot be written (${seen})`,
    'Choose a workspace that you may write to, or change the permissions of this one.',
    {cause},
  );
}

const diskFullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'SQLITE_FULL']);
const unwritableCodes = new Set([
  'EROFS',
  'EACCES',
  'EPERM',
  'ENOTDIR',
  'SQLITE_CANTOPEN',
  'SQLITE_CANTOPEN_ISDIR',
  'SQLITE_READONLY',
  'SQLITE_READONLY_DIRECTORY',
  'SQLITE_READONLY_CANTINIT',
  'SQLITE_PERM',
]);

/** Returns the code of a system or SQLite error, such as 'ENOENT'. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
