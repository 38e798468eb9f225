/** The workspace: one folder with shards, task manifests, lineage and scratch. */
import {existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {CacheError} from '../cache/errors.js';
import {FileDigests} from '../cache/file-digests.js';
import {Lineage} from '../cache/lineage.js';
import {WorkspaceLock} from '../cache/lock.js';
import {ShardStore} from '../cache/shard-store.js';

const WORKSPACE_FOLDER = '.affectflow';
/** Days for which the checkpoint of a task that did not end waits to be continued. */
const SCRATCH_DAYS = 30;

export interface Workspace {
  readonly folder: string;
  readonly store: ShardStore;
  readonly lineage: Lineage;
  readonly fileDigests: FileDigests;
  readonly manifests: string;
  readonly scratch: string;
  close(): void;
}

/** The workspace to use: the one asked for, else the nearest `.affectflow` upward, else a new one here. */
export function workspaceFolder(asked: string | undefined, from = process.cwd()): string {
  if (asked !== undefined) return path.resolve(asked);
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, WORKSPACE_FOLDER))) return path.join(folder, WORKSPACE_FOLDER);
    if (folder === path.dirname(folder)) return path.resolve(from, WORKSPACE_FOLDER);
  }
}

/** Opens a workspace. `write` takes its lock, so that two runs cannot use it at once. */
export function openWorkspace(folder: string, access: 'read' | 'write'): Workspace {
  makeFolders(folder);
  const lock = access === 'write' ? WorkspaceLock.acquire(folder) : undefined;
  try {
    if (access === 'write') sweepScratch(path.join(folder, 'scratch'));
    const lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
    return {
      folder,
      store: ShardStore.open(path.join(folder, 'shards')),
      lineage,
      fileDigests: new FileDigests(lineage),
      manifests: path.join(folder, 'manifests'),
      scratch: path.join(folder, 'scratch'),
      close() {
        lineage.close();
        lock?.release();
      },
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** Gives up what was left for a continuation that never came, such as after a changed parameter. */
function sweepScratch(folder: string): void {
  const oldest = Date.now() - SCRATCH_DAYS * 24 * 3600 * 1000;
  for (const name of readdirSync(folder)) {
    const left = path.join(folder, name);
    if (statSync(left).mtimeMs < oldest) rmSync(left, {recursive: true, force: true});
  }
}

function makeFolders(folder: string): void {
  try {
    for (const name of ['shards', 'manifests', 'scratch']) mkdirSync(path.join(folder, name), {recursive: true});
    if (!existsSync(path.join(folder, '.gitignore'))) writeFileSync(path.join(folder, '.gitignore'), '*\n');
  } catch (error) {
    throw new CacheError(
      'unwritable-workspace',
      `cannot write to the workspace ${folder}: ${(error as Error).message}`,
      'Make the folder writable, or choose another with --workspace.',
      {cause: error},
    );
  }
}
