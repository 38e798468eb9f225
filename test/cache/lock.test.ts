import {hostname} from 'node:os';
import {expect, test} from 'vitest';
import {WorkspaceLock} from '../../cache/lock.js';
import {builtChild, codeOfFailure, ended, startChild, temporaryFolder} from './temporary.js';

async function childWithLock(child: string, folder: string) {
  return new Promise<ReturnType<typeof startChild>>((resolve, reject) => {
    const process = startChild(child, ['hold-lock', folder], () => resolve(process));
    ended(process).catch(reject);
  });
}

test('a workspace is used by one run at a time, and the other is told by whom', async () => {
  using folder = temporaryFolder();
  const lock = WorkspaceLock.acquire(folder.at('workspace'));
  expect(await codeOfFailure(() => WorkspaceLock.acquire(folder.at('workspace')))).toBe('workspace-in-use');
  expect(() => WorkspaceLock.acquire(folder.at('workspace'))).toThrow(
    `in use by process ${process.pid} on ${hostname()} since ${new Date().getUTCFullYear()}-`,
  );
  lock.release();
  lock.release();
  WorkspaceLock.acquire(folder.at('workspace')).release();
});

test('another process is kept out as well, until it is released or killed', async () => {
  using folder = temporaryFolder();
  const holder = await childWithLock(builtChild(folder.path), folder.at('workspace'));
  expect(() => WorkspaceLock.acquire(folder.at('workspace'))).toThrow(`in use by process ${holder.pid} on `);
  holder.kill('SIGKILL');
  await ended(holder);
  // Nothing was cleaned up, and nothing has to be: not the process number counts but the lock.
  WorkspaceLock.acquire(folder.at('workspace')).release();
});

test('waiting takes the lock as soon as the other has ended', async () => {
  using folder = temporaryFolder();
  const holder = await childWithLock(builtChild(folder.path), folder.at('workspace'));
  const started = performance.now();
  expect(await codeOfFailure(() => WorkspaceLock.acquire(folder.at('workspace'), {wait: 0.2}))).toBe(
    'workspace-in-use',
  );
  expect(performance.now() - started).toBeGreaterThan(190);
  holder.kill('SIGKILL');
  WorkspaceLock.acquire(folder.at('workspace'), {wait: 10}).release();
  await ended(holder);
});
