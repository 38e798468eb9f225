import {chmodSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {describe, expect, test} from 'vitest';
import type {Digest} from '../../cache/digest.js';
import {digestOf} from '../../cache/digest.js';
import {ShardStore} from '../../cache/shard-store.js';
import {everyType, oneRow} from './every-type.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';
import {builtChild, canMount, ended, runOnDisk, startChild} from './child-process.js';
import {codeOfFailure} from './code-of-failure.js';

describe('damage is found when a shard is opened', () => {
  const small = {kind: 'small', columns: {i32: {type: 'i32', unit: '1', doc: 'A number.'}}, batchRows: 2} as const;

  async function writeSmall(store: ShardStore): Promise<Digest> {
    await using writer = store.create(small);
    for (const i32 of [1, 2, 3]) await writer.append({i32});
    return (await writer.finish()).digest;
  }

  test('every single flipped bit of every byte', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const digest = await writeSmall(store);
    const whole = readFileSync(store.path(digest));
    chmodSync(store.path(digest), 0o644);
    const undetected = [];
    for (let index = 0; index < whole.length; index++) {
      const flipped = Buffer.from(whole);
      flipped[index]! ^= 1 << (index % 8);
      writeFileSync(store.path(digest), flipped);
      if ((await codeOfFailure(() => store.open(digest, small))) !== 'digest-mismatch') undetected.push(index);
    }
    expect(whole.length).toBeGreaterThan(500);
    expect(undetected).toEqual([]);
  });

  test('every length a file was cut to', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const digest = await writeSmall(store);
    const bytes = statSync(store.path(digest)).size;
    chmodSync(store.path(digest), 0o644);
    for (let length = bytes - 1; length >= 0; length -= 13) {
      truncateSync(store.path(digest), length);
      expect(store.has(digest, bytes)).toBe(false);
      expect(await codeOfFailure(() => store.open(digest, small))).toBe('digest-mismatch');
    }
  });

  test('also when the shard was good when it was opened before', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const digest = await writeSmall(store);
    await (await store.open(digest, small)).close();
    writeFileSync(store.path(digest), `${readFileSync(store.path(digest), 'latin1')}x`);
    expect(await codeOfFailure(() => store.open(digest, small))).toBe('digest-mismatch');
  });

  test('a shard of another kind, with other columns, or no Arrow file at all is a bad shard', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const digest = await writeSmall(store);
    const otherKind = {...small, kind: 'other'} as const;
    const otherType = {...small, columns: {i32: {...small.columns.i32, type: 'f64'}}} as const;
    const otherName = {...small, columns: {i64: small.columns.i32}} as const;
    await expect(store.open(digest, otherKind)).rejects.toMatchObject({
      code: 'bad-shard',
      message: `shard ${digest} (other): not the shard that was asked for: expected other of format 1, got small of format 1`,
    });
    expect(await codeOfFailure(() => store.open(digest, otherType))).toBe('bad-shard');
    expect(await codeOfFailure(() => store.open(digest, otherName))).toBe('bad-shard');
    // Files whose digest is right: found by their form alone.
    for (const bytes of [Buffer.alloc(0), Buffer.from('ARROW1'), Buffer.from(`${'x'.repeat(50)}\u0001\0\0\0ARROW1`)]) {
      const alien = digestOf(bytes);
      mkdirSync(path.dirname(store.path(alien)), {recursive: true});
      writeFileSync(store.path(alien), bytes);
      expect(await codeOfFailure(() => store.open(alien, small))).toBe('bad-shard');
    }
  });
});

describe('whatever happens to a process or a disk', () => {
  test('a process killed while it writes leaves whole shards only, and what it left aside goes with the next open', async () => {
    const folder = temporaryFolder();
    const child = await builtChild();
    const root = path.join(folder, 'store');
    const published = new Set<string>();
    for (let kill = 0; kill < 5; kill++) {
      const process = startChild(child, ['write-forever', root], (line) => published.add(line));
      const before = published.size;
      while (published.size < before + 2 && process.exitCode === null)
        await new Promise((resolve) => setTimeout(resolve, 7));
      await new Promise((resolve) => setTimeout(resolve, kill * 3));
      process.kill('SIGKILL');
      await ended(process);
    }
    const store = ShardStore.open(root);
    const stored = [...store.list()].map(({digest}) => digest);
    for (const digest of stored) await (await store.open(digest, everyType)).close();
    // Every shard that was said to be published is there; the last may have been published but not said.
    expect(stored.filter((digest) => published.has(digest))).toHaveLength(published.size);
    expect(readdirSync(path.join(folder, 'store', 'tmp'))).toEqual([]);
  });

  test('a folder that cannot be is an unwritable workspace', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'file'), '');
    const writer = ShardStore.open(path.join(folder, 'file', 'store')).create(everyType);
    await expect(writer.append(oneRow())).rejects.toMatchObject({
      code: 'unwritable-workspace',
      remedy: 'Choose a workspace that you may write to, or change the permissions of this one.',
    });
    await writer.abort();
  });

  test.skipIf(!canMount())('a full disk is said to be full, and what was written is removed', async () => {
    const folder = temporaryFolder();
    const disk = path.join(folder, 'disk');
    const child = await builtChild();
    mkdirSync(disk);
    expect(runOnDisk(child, disk, 'size=256k', ['fill', disk])).toBe('disk-full, 0 files left');
  });

  test.skipIf(!canMount())('a read-only disk is an unwritable workspace, for shards, lineage and lock', async () => {
    const folder = temporaryFolder();
    const disk = path.join(folder, 'disk');
    const child = await builtChild();
    mkdirSync(disk);
    const said = runOnDisk(child, disk, 'ro', ['try-writing', disk]).split('\n');
    expect(said).toEqual(['unwritable-workspace', 'unwritable-workspace', 'unwritable-workspace']);
  });
});
