/** A process of its own for tests that kill one, fill its disk, or compare bytes across processes. */
import {readdirSync} from 'node:fs';
import path from 'node:path';
import {WorkspaceLock} from '../../cache/lock.js';
import {CacheError} from '../../cache/errors.js';
import {Lineage} from '../../cache/lineage.js';
import {ShardStore} from '../../cache/shard-store.js';
import type {Row} from '../../cache/shard.js';
import {everyType} from './every-type.js';

const [command, folder = '.'] = process.argv.slice(2);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function row(index: number): Row<typeof everyType> {
  return {
    f64: index / 3,
    f32: index / 8,
    i32: index,
    bool: index % 3 === 0,
    text: `word ${index}`,
    f32s: Float32Array.of(index, index + 0.5),
    bytes: new Uint8Array(index % 300).fill(index),
  };
}

async function writeShard(store: ShardStore, rows: number): Promise<string> {
  const writer = store.create(everyType);
  for (let index = 0; index < rows; index++) await writer.append(row(index));
  return (await writer.finish()).digest;
}

/** Writes shard after shard and says each digest once it is published. */
async function writeForever(): Promise<void> {
  const store = ShardStore.open(folder);
  for (let rows = 1000; ; rows++) say(await writeShard(store, rows));
}

/** Writes until the disk refuses, and says the code and what is left aside. */
async function fill(): Promise<void> {
  const store = ShardStore.open(folder);
  const writer = store.create(everyType);
  try {
    for (let index = 0; ; index++) await writer.append(row(index));
  } catch (error) {
    await writer.abort();
    const left = readdirSync(path.join(folder, 'tmp')).length;
    say(`${error instanceof CacheError ? error.code : String(error)}, ${left} files left`);
  }
}

/** Tries to begin a shard, a lineage and a lock, and says what each ends in. */
async function tryWriting(): Promise<void> {
  const attempts = [
    () => writeShard(ShardStore.open(folder), 1),
    () => Lineage.open(path.join(folder, 'lineage.sqlite')),
    () => WorkspaceLock.acquire(folder),
  ];
  for (const attempt of attempts) {
    try {
      await attempt();
      say('written');
    } catch (error) {
      say(error instanceof CacheError ? error.code : String(error));
    }
  }
}

function holdLock(): void {
  WorkspaceLock.acquire(folder);
  say('locked');
  setInterval(() => undefined, 1000);
}

switch (command) {
  case 'write-one':
    say(await writeShard(ShardStore.open(folder), 1000));
    break;
  case 'write-forever':
    await writeForever();
    break;
  case 'fill':
    await fill();
    break;
  case 'try-writing':
    await tryWriting();
    break;
  case 'hold-lock':
    holdLock();
    break;
}
