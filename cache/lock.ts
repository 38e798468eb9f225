/**
 * One run at a time per workspace. The lock is SQLite's exclusive lock on an empty database file, held as long as the
 * process lives: the operating system lets go of it when the process ends, however it ends, so there is no stale lock
 * to recognise, no race between two that take one over, and no process number that could have been reused. Nothing else
 * may open the file `lock`: on POSIX systems, closing it would let go of the lock.
 */
import {hostname} from 'node:os';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {Database} from 'better-sqlite3';
import {openDatabase} from './database.js';
import {CacheError} from './errors.js';
import {codeOf, makeFolder, workspaceError} from './publish.js';

/** Who holds a lock; written beside it for the message to others, and trusted for nothing else. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** An exclusive lock on a workspace. */
export class WorkspaceLock implements Disposable {
  private constructor(
    private readonly database: Database,
    private readonly holderFile: string,
  ) {}

  /**
   * Takes the lock of a folder, creating the folder if need be.
   *
   * @param options.wait Seconds to wait, blocking, for another process to finish; 0 where absent.
   * @throws CacheError 'workspace-in-use' saying who holds it, 'unwritable-workspace', 'disk-full'.
   */
  static acquire(folder: string, {wait = 0}: {wait?: number} = {}): WorkspaceLock {
    const holderFile = path.join(folder, 'lock.json');
    let database: Database | undefined;
    try {
      makeFolder(folder);
      database = openDatabase(path.join(folder, 'lock'), {timeout: wait * 1000});
      database.exec('BEGIN EXCLUSIVE');
      const holder: Holder = {pid: process.pid, host: hostname(), since: new Date().toISOString()};
      writeFileSync(holderFile, `${JSON.stringify(holder)}\n`);
      return new WorkspaceLock(database, holderFile);
    } catch (error) {
      database?.close();
      throw codeOf(error) === 'SQLITE_BUSY' ? inUse(folder, holderFile, error) : workspaceError(error, folder);
    }
  }

  /** Lets go of the lock; does nothing the second time. The file stays: removing it could remove the next holder's. */
  release(): void {
    if (!this.database.open) return;
    rmSync(this.holderFile, {force: true});
    this.database.close();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function inUse(folder: string, holderFile: string, cause: unknown): CacheError {
  const holder = readHolder(holderFile);
  const who =
    holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host} since ${holder.since}`;
  return new CacheError(
    'workspace-in-use',
    `${folder}: in use by ${who}`,
    'Wait until that run has ended, or end it; then run again. Or choose another workspace.',
    {cause},
  );
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    // The holder is just writing it, or has not yet: the lock itself is what counts.
    return undefined;
  }
}
