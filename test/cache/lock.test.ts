import {hostname} from 'node:os';
import path from 'node:path';
import {expect, test} from 'vitest';
import {WorkspaceLock} from '../../cache/lock.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';
import {builtChild, ended, startChild} from './child-process.js';
import {codeOfFailure} from './code-of-failure.js';

async function childWithLock(child: string, folder: string) {
  return new Promise<ReturnType<typeof startChild>>((resolve, reject) => {
    const process = startChild(child, ['hold-lock', folder], () => resolve(process));
    ended(process).catch(reject);
  });
}

test('a workspace is used by one run at a time, and the other is told by whom', async () => {
  const folder = temporaryFolder();
  const lock = WorkspaceLock.acquire(path.join(folder, 'workspace'));
  expect(await codeOfFailure(() => WorkspaceLock.acquire(path.join(folder, 'workspace')))).toBe('workspace-in-use');
  expect(() => WorkspaceLock.acquire(path.join(folder, 'workspace'))).toThrow(
    `in use by process ${process.pid} on ${hostname()} since ${new Date().getUTCFullYear()}-`,
  );
  lock.release();
  lock.release();
  WorkspaceLock.acquire(path.join(folder, 'workspace')).release();
});

test('another process is kept out as well, until it is released or killed', async () => {
  const folder = temporaryFolder();
  const holder = await childWithLock(await builtChild(), path.join(folder, 'workspace'));
  expect(() => WorkspaceLock.acquire(path.join(folder, 'workspace'))).toThrow(`in use by process ${holder.pid} on `);
  holder.kill('SIGKILL');
  await ended(holder);
  // Nothing was cleaned up, and nothing has to be: not the process number counts but the lock.
  WorkspaceLock.acquire(path.join(folder, 'workspace')).release();
});

test('waiting takes the lock as soon as the other has ended', async () => {
  const folder = temporaryFolder();
  const holder = await childWithLock(await builtChild(), path.join(folder, 'workspace'));
  const started = performance.now();
  expect(await codeOfFailure(() => WorkspaceLock.acquire(path.join(folder, 'workspace'), {wait: 0.2}))).toBe(
    'workspace-in-use',
  );
  expect(performance.now() - started).toBeGreaterThan(190);
  holder.kill('SIGKILL');
  WorkspaceLock.acquire(path.join(folder, 'workspace'), {wait: 10}).release();
  await ended(holder);
});
