/**
 * Code identity of a stage (D4). While the stage's source closure is the one locked for its version in
 * stages/versions.json, the identity is the version: a refactoring that was shown to keep the bytes recomputes
 * nothing. Any other closure is its own identity: a stage that someone edited is never served stale.
 */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import type {Stage} from '../stages/stage.js';
import {packageRoot} from './package-root.js';

/** Per stage: a version and the closure that was locked for it. */
export type Lock = Readonly<Record<string, {readonly version: number; readonly closure: string}>>;
export type Closures = Readonly<Record<string, string>>;

export function identityOf(stage: Stage, closures: Closures, lock: Lock): string {
  const closure = closures[stage.name];
  if (closure === undefined)
    throw new Error(`dist/closures.json does not know stage ${stage.name}; run \`npm run build\``);
  const locked = lock[stage.name];
  return locked?.version === stage.version && locked.closure === closure
    ? `version ${stage.version}`
    : `closure ${closure}`;
}

/** The closures that the running build was made from. */
export function readClosures(): Closures {
  return JSON.parse(readFileSync(path.join(packageRoot, 'dist/closures.json'), 'utf8')) as Closures;
}

/** The lock that is committed beside the stages. */
export function readLock(): Lock {
  return JSON.parse(readFileSync(path.join(packageRoot, 'stages/versions.json'), 'utf8')) as Lock;
}
