import {copyFile, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import zlib from 'node:zlib';
import {describe, expect, test} from 'vitest';
import {halfToNumber} from '../../../stages/own-features/half.js';
import {acousticEmbedding} from '../../../stages/acoustic-embedding.js';
import {textEmbedding} from '../../../stages/text-embedding.js';
import {visualEmbedding} from '../../../stages/visual-embedding.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

/** Files of numpy 2.4 and pyarrow 25, made by own-features.py: row r holds r, r + 1/8, r + 2/8, at r / 10 s. */
const fixture = (name: string) => path.resolve(import.meta.dirname, '../../fixtures/own-features', name);
const rowOf = (row: number) => [row, row + 0.125, row + 0.25];
const zeros = [0, 0, 0];

const folder = temporaryFolder();

async function written(name: string, content: string | Uint8Array): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, content);
  return file;
}

async function vectors(features: string | undefined, own: object | undefined, times: readonly number[]) {
  const timeline = times.map((timeSeconds, frameIndex) => ({frameIndex, timeSeconds}));
  const params = {backbone: 'own' as const, ...(own ? {own} : {})};
  const {outputs, warnings} = await runStage(visualEmbedding, {inputs: {timeline, features}, params});
  return {rows: outputs.visual.all.map(({vector}) => [...vector]), warnings};
}

const tenth = (count: number) => Array.from({length: count}, (_, index) => index / 10);
const sixRows = [0, 1, 2, 3, 4, 5].map(rowOf);

describe('files of other programs become one vector per frame', () => {
  test.each([
    'f2.npy',
    'f4-v2.npy',
    'f8-v3.npy',
    'plain.csv',
    'opensmile.csv',
    'columns.parquet',
    'lists.parquet',
    'lists.arrow',
    'stream.arrow',
    'gzip.parquet',
    'brotli.parquet',
    'lz4.parquet',
    'lz4.feather',
  ])('%s', async (name) => {
    expect(await vectors(fixture(name), undefined, tenth(6))).toEqual({rows: sixRows, warnings: []});
  });

  test('an array of one dimension has one value per frame', async () => {
    expect((await vectors(fixture('column.npy'), undefined, tenth(6))).rows).toEqual([[0], [1], [2], [3], [4], [5]]);
  });

  test.each(['zstd.parquet', 'zstd.feather'])('%s, where Node knows Zstandard', async (name) => {
    if ('zstdDecompressSync' in zlib)
      expect(await vectors(fixture(name), undefined, tenth(6))).toEqual({rows: sixRows, warnings: []});
    else
      await expect(vectors(fixture(name), undefined, tenth(6))).rejects.toMatchObject({
        code: 'bad-features',
        message: expect.stringContaining('Zstandard is read by Node 22.15 and later alone'),
        remedy: expect.stringContaining('Write it again'),
      });
  });

  test.each(['many-lz4.parquet', 'many-lz4.feather'])('%s, of several blocks that repeat themselves', async (name) => {
    const {rows} = await vectors(fixture(name), undefined, tenth(20_000));
    expect(rows.every(([a, b], row) => a === row % 300 && b === Math.floor(row / 64))).toBe(true);
  });

  test('the number of a row that pandas writes is no feature', async () => {
    const file = await written('pandas.csv', ',a,b\n0,5,6\n1,7,8\n');
    expect((await vectors(file, undefined, tenth(2))).rows).toEqual([
      [5, 6],
      [7, 8],
    ]);
  });

  test('columns are taken by name, in the order that is given', async () => {
    const {rows} = await vectors(fixture('columns.parquet'), {columns: ['c', 'a']}, tenth(6));
    expect(rows[1]).toEqual([1.25, 1]);
  });

  test('an array larger than one block keeps every row', async () => {
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3000, 200), }".padEnd(117) + '\n';
    const values = Float32Array.from({length: 600_000}, (_, index) => index);
    const start = Buffer.from(`\x93NUMPY\x01\x00${String.fromCharCode(header.length, 0)}${header}`, 'latin1');
    const file = await written('large.npy', Buffer.concat([start, Buffer.from(values.buffer)]));
    const {rows} = await vectors(file, undefined, tenth(3000));
    expect(
      rows.every((row, frame) => row.length === 200 && row[0] === frame * 200 && row[199] === frame * 200 + 199),
    ).toBe(true);
  });
});

describe('rows belong to frames by number', () => {
  test('a frame whose number is missing gets zeros; OpenFace counts from 1', async () => {
    expect(await vectors(fixture('openface.csv'), {firstFrame: 1}, tenth(6))).toEqual({
      rows: [rowOf(0), rowOf(1), zeros, rowOf(3), rowOf(4), rowOf(5)],
      warnings: ['Own features: 1 of 6 frames have no row and get zeros.'],
    });
  });

  test('numbers that begin with 1 where 0 is expected are remarked on', async () => {
    const file = await written('from-one.csv', 'frame,a\n1,5\n2,6\n3,7\n');
    expect((await vectors(file, undefined, tenth(3))).warnings).toEqual([
      'Own features: 1 of 3 frames have no row and get zeros.',
      'Own features: 1 of 3 rows are for no frame of the video.',
      'Own features: the rows count frames from 1, it seems: set own.firstFrame: 1.',
    ]);
  });

  test('without numbers, one row too few is repeated and one too many left out, with a warning', async () => {
    expect(await vectors(fixture('f4-v2.npy'), undefined, tenth(7))).toEqual({
      rows: [...sixRows, rowOf(5)],
      warnings: ['Own features: 6 rows for 7 frames; the last row is repeated.'],
    });
    expect(await vectors(fixture('f4-v2.npy'), undefined, tenth(5))).toEqual({
      rows: sixRows.slice(0, 5),
      warnings: ['Own features: 6 rows for 5 frames; the last rows are left out.'],
    });
  });

  test('without numbers, a larger difference is an error that says both counts', async () => {
    await expect(vectors(fixture('f4-v2.npy'), undefined, tenth(60))).rejects.toMatchObject({
      code: 'bad-features',
      message: expect.stringContaining('6 rows for 60 frames'),
      remedy: expect.stringContaining('own.align: time'),
    });
  });

  test('numbers that fit no frame are an error', async () => {
    const file = await written('late.csv', 'frame,a\n500,1\n501,2\n');
    await expect(vectors(file, undefined, tenth(6))).rejects.toMatchObject({
      message: expect.stringContaining('none of its 2 rows is for any of the 6 frames'),
    });
  });
});

describe('rows belong to frames by time', () => {
  test('a frame takes the nearest row, and zeros where none is near', async () => {
    const times = [0, 0.04, 0.06, 0.26, 0.5, 0.7, 0.8];
    expect(await vectors(fixture('opensmile.csv'), {align: 'time', maxGapSeconds: 0.25}, times)).toEqual({
      rows: [rowOf(0), rowOf(0), rowOf(1), rowOf(3), rowOf(5), rowOf(5), zeros],
      warnings: ['Own features: 1 of 7 frames are farther than 0.25 s from any row and get zeros.'],
    });
  });

  test('in milliseconds, at a fixed rate, or moved by an offset', async () => {
    const muse = await written('muse.csv', 'timestamp,segment_id,a\n0,1,5\n250,1,6\n500,1,7\n');
    expect((await vectors(muse, {align: 'time', timeUnit: 'ms'}, [0.2, 0.6])).rows).toEqual([[6], [7]]);
    const rate = {align: 'time', rowsPerSecond: 10};
    expect((await vectors(fixture('f2.npy'), rate, [0.31])).rows).toEqual([rowOf(3)]);
    expect((await vectors(fixture('f2.npy'), {...rate, offsetSeconds: 0.2}, [0.31])).rows).toEqual([rowOf(1)]);
  });

  test('times in the wrong unit are noticed', async () => {
    const file = await written('unit.csv', 'time,a\n5000,1\n5100,2\n');
    await expect(vectors(file, {align: 'time'}, tenth(6))).rejects.toMatchObject({
      remedy: expect.stringContaining('own.timeUnit'),
    });
  });

  test('a file without times needs a rate', async () => {
    await expect(vectors(fixture('f2.npy'), {align: 'time'}, tenth(6))).rejects.toMatchObject({
      message: expect.stringContaining('it has no column of times'),
    });
  });
});

describe('what cannot be used is refused by what was seen', () => {
  test.each([
    ['fortran.npy', 'shape (6, 3) and type <f4 in Fortran order'],
    ['integers.npy', 'shape (6, 3) and type <i4; readable are <f2, <f4 and <f8'],
    ['big-endian.npy', 'type >f4'],
    ['cube.npy', 'shape (2, 3, 4)'],
    ['objects.npy', 'type |O'],
  ])('%s: %s', async (name, seen) => {
    await expect(vectors(fixture(name), undefined, tenth(6))).rejects.toMatchObject({
      code: 'bad-features',
      message: expect.stringContaining(seen),
    });
  });

  test.each([
    ['empty.csv', '', 'it is empty'],
    ['header.csv', 'a,b\n', 'it has no rows'],
    ['ragged.csv', '1,2\n3\n', 'line 2 has 1 cells, the first line 2'],
    ['text.csv', 'a,b\n1,yes\n', "row 1, column 'b' holds 'yes', no number"],
    ['nan.csv', 'a,b\n1,2\n3,NaN\n', 'value 2 of row 2 is NaN'],
    ['twice.csv', 'frame,a\n0,1\n0,2\n', 'row 2 is for 0, after a row for 0'],
    ['names.csv', 'frame,name\n0,x\n', "no column for 'any feature'"],
    ['fake.npy', 'text', 'another kind of file'],
    ['fake.parquet', 'text', 'cannot be read as Parquet'],
    ['fake.arrow', 'some text that is no table', 'cannot be read as Arrow'],
  ])('%s', async (name, content, seen) => {
    await expect(vectors(await written(name, content), undefined, tenth(2))).rejects.toMatchObject({
      code: 'bad-features',
      message: expect.stringContaining(seen),
    });
  });

  test('an array that was cut short', async () => {
    const bytes = await readFile(fixture('f4-v2.npy'));
    const file = await written('cut.npy', bytes.subarray(0, -4));
    await expect(vectors(file, undefined, tenth(6))).rejects.toMatchObject({
      message: expect.stringContaining('68 bytes of values, where shape [6, 3] of <f4 needs 72'),
    });
  });

  test('a column that is not there, with those that are', async () => {
    await expect(vectors(fixture('columns.parquet'), {columns: ['d']}, tenth(6))).rejects.toMatchObject({
      message: expect.stringContaining("no column for 'd'; its columns are time, a, b, c"),
    });
  });

  test('a clip without a file, and a file of another kind', async () => {
    await expect(vectors(undefined, undefined, tenth(1))).rejects.toMatchObject({
      code: 'bad-features',
      remedy: expect.stringContaining('dataset.features.visual'),
    });
    const file = path.join(folder, 'x.mat');
    await copyFile(fixture('f2.npy'), file);
    await expect(vectors(file, undefined, tenth(1))).rejects.toMatchObject({
      message: expect.stringContaining("'.mat'"),
    });
  });

  test('values that are not finite become zeros where that is wanted', async () => {
    const file = await written('gaps.csv', 'a,b\n1,NaN\n-inf,4\n');
    expect((await vectors(file, {nonFinite: 'zero'}, tenth(2))).rows).toEqual([
      [1, 0],
      [0, 4],
    ]);
  });
});

test('half precision: all kinds of numbers', () => {
  expect([0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x3555].map(halfToNumber)).toEqual([
    1,
    -2,
    65504,
    2 ** -24,
    2 ** -14,
    1365 / 4096,
  ]);
  expect(halfToNumber(0xfc00)).toBe(-Infinity);
  expect(halfToNumber(0x7e00)).toBeNaN();
});

test('sound and text take features of the same kinds; neither sound nor words are read then', async () => {
  const timeline = tenth(6).map((timeSeconds, frameIndex) => ({frameIndex, timeSeconds}));
  const inputs = {timeline, features: fixture('f2.npy')};
  const sound = await runStage(acousticEmbedding, {inputs, params: {backbone: 'own'}});
  const text = await runStage(textEmbedding, {inputs, params: {backbone: 'own'}});
  expect(sound.outputs.acoustic.all.map(({vector}) => [...vector])).toEqual(sixRows);
  expect(text.outputs.linguistic.all.map(({vector}) => [...vector])).toEqual(sixRows);
  for (const stage of [acousticEmbedding, textEmbedding, visualEmbedding]) {
    const own = stage.params.parse({backbone: 'own'});
    expect([stage.reads!(own as never), stage.models!(own as never)]).toEqual([['timeline', 'features'], []]);
  }
});
