import {readdirSync, readFileSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {tableFromIPC} from 'apache-arrow';
import fc from 'fast-check';
import {describe, expect, test, vi} from 'vitest';
import type {Digest} from '../../cache/digest.js';
import {digestOf} from '../../cache/digest.js';
import type {ShardSchema} from '../../cache/shard.js';
import {ShardStore} from '../../cache/shard-store.js';
import type {EveryType} from './every-type.js';
import {everyType, oneRow, someRows} from './every-type.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';
import {builtChild, ended, startChild} from './child-process.js';
import {codeOfFailure} from './code-of-failure.js';

async function write(store: ShardStore, rows: readonly EveryType[]) {
  await using writer = store.create(everyType);
  for (const row of rows) await writer.append(row);
  return writer.finish();
}

describe('what is written is read', () => {
  test('row by row and column by column, from any row to any other', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const property = fc.asyncProperty(someRows, fc.nat(40), fc.nat(40), async (rows, one, other) => {
      const {digest, rows: count, bytes} = await write(store, rows);
      expect(count).toBe(rows.length);
      expect(bytes).toBe(statSync(store.path(digest)).size);
      await using shard = await store.open(digest, everyType);
      expect(shard.rowCount).toBe(rows.length);
      const [start, end] = [one, other].map((row) => Math.min(row, rows.length)).sort((a, b) => a - b) as [
        number,
        number,
      ];
      const asked = rows.slice(start, end);
      const read = [];
      for await (const row of shard.rows(start, end)) read.push(row);
      expect(read).toEqual(asked);
      expect(await shard.column('f64', start, end)).toEqual(Float64Array.from(asked, ({f64}) => f64));
      expect(await shard.column('f32', start, end)).toEqual(Float32Array.from(asked, ({f32}) => f32));
      expect(await shard.column('i32', start, end)).toEqual(Int32Array.from(asked, ({i32}) => i32));
      expect(await shard.column('bool', start, end)).toEqual(Uint8Array.from(asked, ({bool}) => (bool ? 1 : 0)));
      expect(await shard.column('text', start, end)).toEqual(asked.map(({text}) => text));
      expect(await shard.column('bytes', start, end)).toEqual(asked.map(({bytes}) => bytes));
      const vectors = await shard.column('f32s', start, end);
      expect(vectors).toEqual(Float32Array.from(asked.flatMap(({f32s}) => [...f32s])));
      expect(shard.width('f32s')).toBe(rows[0]?.f32s.length ?? 0);
    });
    await fc.assert(property, {numRuns: 60});
  });

  test('an empty shard has no rows and vectors of no width', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const {digest, rows} = await write(store, []);
    await using shard = await store.open(digest, everyType);
    expect([rows, shard.rowCount, shard.width('f32s')]).toEqual([0, 0, 0]);
    expect(await shard.column('f32s')).toEqual(new Float32Array(0));
    expect(await shard.column('text')).toEqual([]);
  });

  test('rows outside the shard and columns it lacks are programmer errors', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const {digest} = await write(store, [oneRow()]);
    await using shard = await store.open(digest, everyType as ShardSchema);
    await expect(shard.column('f64', 0, 2)).rejects.toThrow('Expected rows within [0, 1), got [0, 2)');
    await expect(shard.column('f64', -1)).rejects.toThrow(RangeError);
    await expect(shard.column('f63')).rejects.toThrow("Expected a column of 'every-type', got 'f63'");
  });

  test("Arrow's own reader sees the same values, units and kind", async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const rows = Array.from({length: 20}, (_, index) => oneRow({i32: index, bool: index % 2 === 0, text: `t${index}`}));
    const {digest} = await write(store, rows);
    const bytes = readFileSync(store.path(digest));
    // The file format is the stream format between two magic words; a reader of streams can start behind the first.
    for (const table of [tableFromIPC(bytes), tableFromIPC(bytes.subarray(8))]) {
      expect(table.numRows).toBe(20);
      expect(table.schema.metadata.get('affectflow.kind')).toBe('every-type');
      expect(table.schema.fields.map(({name, type}) => `${name}: ${type}`)).toEqual([
        'f64: Float64',
        'f32: Float32',
        'i32: Int32',
        'bool: Bool',
        'text: Utf8',
        'f32s: FixedSizeList[2]<Float32>',
        'bytes: Binary',
      ]);
      expect(table.schema.fields.map(({metadata}) => metadata.get('unit'))).toEqual([
        's',
        '1',
        '1',
        '1',
        '1',
        'px',
        '1',
      ]);
      expect([...table.getChild('text')!]).toEqual(rows.map(({text}) => text));
      expect([...table.getChild('bool')!]).toEqual(rows.map(({bool}) => bool));
      expect([...(table.getChild('f32s')!.get(19) as Iterable<number>)]).toEqual([1, 2]);
    }
  });

  test('many shards can be open, with few descriptors', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const finished = [];
    for (let index = 0; index < 180; index++) finished.push(await write(store, [oneRow({i32: index})]));
    const shards = await Promise.all(finished.map(({digest}) => store.open(digest, everyType)));
    const columns = await Promise.all(shards.map((shard) => shard.column('i32')));
    expect(columns.map((column) => column[0])).toEqual(finished.map((_, index) => index));
    if (process.platform === 'linux') {
      const openFiles = () => readdirSync('/proc/self/fd').length;
      // Closing happens in the background.
      await vi.waitFor(() => expect(openFiles()).toBeLessThan(180));
      for (const shard of shards) await shard.close();
      await vi.waitFor(() => expect(openFiles()).toBeLessThan(100));
    }
    // A closed shard opens again when it is read.
    expect(await shards[7]!.column('i32')).toEqual(Int32Array.of(7));
    await shards[7]!.close();
  });
});

describe('equal rows give equal bytes', () => {
  /** Changes only with the format of shards; then `shardFormat` changes as well, and every stage's version. */
  const golden = '0e5471ea5c91daf70632b90058312816';

  test('now and in all later versions', async () => {
    const folder = temporaryFolder();
    const rows = Array.from({length: 30}, (_, index) => oneRow({i32: index, f64: index === 3 ? NaN : index / 7}));
    expect((await write(ShardStore.open(folder), rows)).digest).toBe(golden);
  });

  test('whether or not the writer is waited for, and in another process', async () => {
    const folder = temporaryFolder();
    const digests: string[] = [];
    const child = await builtChild();
    for (const name of ['a', 'b'])
      await ended(startChild(child, ['write-one', path.join(folder, name)], (line) => digests.push(line)));
    expect(digests).toHaveLength(2);
    expect(digests[1]).toBe(digests[0]);
    const store = ShardStore.open(path.join(folder, 'a'));
    await using shard = await store.open(digests[0] as Digest, everyType);
    await using writer = store.create(everyType);
    const appended = [];
    for await (const row of shard.rows()) appended.push(writer.append(row));
    await Promise.all(appended);
    expect((await writer.finish()).digest).toBe(digests[0]);
  });

  test('whatever bits a NaN is made of', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const negative = new Float64Array(new BigUint64Array([0xfff8000000000001n]).buffer)[0]!;
    const a = await write(store, [oneRow({f64: negative, f32: negative})]);
    const b = await write(store, [oneRow({f64: NaN, f32: NaN})]);
    expect(a).toEqual(b);
  });

  test('and other rows, in whatever column, give other bytes', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const changes = [
      {},
      {f64: -0},
      {f64: 0},
      {f32: 0.25},
      {i32: 8},
      {bool: false},
      {text: ''},
      {bytes: new Uint8Array(1)},
    ];
    const shards = await Promise.all(changes.map((change) => write(store, [oneRow(change)])));
    expect(new Set(shards.map(({digest}) => digest)).size).toBe(changes.length);
  });
});

describe('a row that does not fit its schema is refused, and nothing is published', () => {
  test.each([
    [{f64: undefined}, "row 1, column 'f64': expected a number, got undefined"],
    [{f64: '1'}, `row 1, column 'f64': expected a number, got the text "1"`],
    [{f32: 1e300}, "row 1, column 'f32': expected a number in the range of float32, got 1e+300 (number)"],
    [{i32: 1.5}, "row 1, column 'i32': expected a 32-bit integer, got 1.5 (number)"],
    [{i32: 2 ** 31}, "row 1, column 'i32': expected a 32-bit integer, got 2147483648 (number)"],
    [{bool: 1}, "row 1, column 'bool': expected true or false, got 1 (number)"],
    [{text: null}, "row 1, column 'text': expected a text, got null"],
    [{text: '\ud800'}, "row 1, column 'text': expected a text without lone surrogates, got the text"],
    [{f32s: [1, 2]}, "row 1, column 'f32s': expected a Float32Array, got an array"],
    [
      {f32s: new Float32Array(3)},
      "row 1, column 'f32s': expected a vector of 2 values like the first row's, got Float",
    ],
    [{f32s: Float32Array.of(1, NaN)}, "row 1, column 'f32s': expected finite values, but the value at 1 is NaN"],
    [{bytes: 'x'}, "row 1, column 'bytes': expected a Uint8Array, got the text"],
    [{more: 1}, "row 1, column 'more': no such column is declared"],
  ] satisfies [Record<string, unknown>, string][])('%o', async (change: Record<string, unknown>, message) => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const writer = store.create(everyType);
    await writer.append(oneRow());
    await expect(writer.append(oneRow(change))).rejects.toMatchObject({
      code: 'bad-row',
      message: expect.stringContaining(`shard 'every-type', ${message}`) as string,
    });
    expect(await codeOfFailure(() => writer.finish())).toBe('bad-row');
    await writer.abort();
    expect([...store.list()]).toEqual([]);
    expect(readdirSync(path.join(folder, 'tmp'))).toEqual([]);
  });

  test('an empty vector in the first row', async () => {
    const folder = temporaryFolder();
    const writer = ShardStore.open(folder).create(everyType);
    expect(await codeOfFailure(() => writer.append(oneRow({f32s: new Float32Array(0)})))).toBe('bad-row');
    await writer.abort();
  });
});

describe('the store', () => {
  test('keeps a shard as a read-only file named by its digest, and knows whether it is there and whole', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const {digest, bytes} = await write(store, [oneRow()]);
    expect(store.path(digest)).toBe(path.join(folder, digest.slice(0, 2), `${digest.slice(2)}.arrow`));
    expect(statSync(store.path(digest)).mode & 0o777).toBe(0o444);
    expect(digestOf(readFileSync(store.path(digest)))).toBe(digest);
    expect([store.has(digest), store.has(digest, bytes), store.has(digest, bytes + 1)]).toEqual([true, true, false]);
    expect([...store.list()]).toEqual([{digest, bytes}]);
    store.delete(digest);
    store.delete(digest);
    expect([store.has(digest), [...store.list()]]).toEqual([false, []]);
  });

  test('leaves no file aside when a shard is finished, aborted, or its block is left', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    await write(store, [oneRow()]);
    const aborted = store.create(everyType);
    await aborted.append(oneRow());
    expect(readdirSync(path.join(folder, 'tmp'))).toHaveLength(1);
    await aborted.abort();
    await aborted.abort();
    const left = async () => {
      await using writer = store.create(everyType);
      await writer.append(oneRow());
      throw new Error('stage failed');
    };
    await expect(left()).rejects.toThrow('stage failed');
    expect(readdirSync(path.join(folder, 'tmp'))).toEqual([]);
    await expect(aborted.append(oneRow())).rejects.toThrow(
      "Expected an open writer of 'every-type', but it was aborted",
    );
  });

  test('takes equal shards that are written at once', async () => {
    const folder = temporaryFolder();
    const rows = Array.from({length: 50}, (_, index) => oneRow({i32: index}));
    const stores = [1, 2, 3, 4].map(() => ShardStore.open(folder));
    const finished = await Promise.all(stores.map((store) => write(store, rows)));
    expect([...stores[0]!.list()]).toEqual([{digest: finished[0]!.digest, bytes: finished[0]!.bytes}]);
    expect(new Set(finished.map(({digest}) => digest)).size).toBe(1);
    expect(readdirSync(path.join(folder, 'tmp'))).toEqual([]);
  });

  test('reads on while descriptors are closed under it', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const {digest} = await write(
      store,
      Array.from({length: 90}, (_, index) => oneRow({i32: index})),
    );
    await using shard = await store.open(digest, everyType);
    const columns = Array.from({length: 20}, async (_, index) => {
      const column = shard.column('i32', index, 90);
      await shard.close();
      return column;
    });
    for (const [index, column] of (await Promise.all(columns)).entries()) {
      expect(column).toEqual(Int32Array.from({length: 90 - index}, (_, row) => index + row));
    }
  });

  test('says so when a shard is cut while it is open', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const {digest} = await write(store, [oneRow()]);
    await using shard = await store.open(digest, everyType);
    truncateSync(store.path(digest), 100);
    expect(await codeOfFailure(() => shard.column('f64'))).toBe('digest-mismatch');
  });

  test('writes a shard again over an altered one, and so mends it', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const {digest} = await write(store, [oneRow()]);
    writeFileSync(store.path(digest), 'altered');
    expect(await codeOfFailure(() => store.open(digest, everyType))).toBe('digest-mismatch');
    await write(store, [oneRow()]);
    await using shard = await store.open(digest, everyType);
    expect(await shard.column('i32')).toEqual(Int32Array.of(7));
  });

  test('moves a bad shard aside, so that it counts as missing and can be looked at', async () => {
    const folder = temporaryFolder();
    const store = ShardStore.open(folder);
    const {digest} = await write(store, [oneRow()]);
    store.quarantine(digest);
    store.quarantine(digest);
    expect(await codeOfFailure(() => store.open(digest, everyType))).toBe('missing-shard');
    expect(readdirSync(path.join(folder, 'quarantine'))).toHaveLength(1);
    expect([...store.list()]).toEqual([]);
  });

  test('does not take a name for a path', () => {
    const folder = temporaryFolder();
    expect(() => ShardStore.open(folder).has('../../etc/passwd' as Digest)).toThrow(TypeError);
  });
});
