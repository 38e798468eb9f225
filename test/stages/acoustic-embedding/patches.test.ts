import {expect, test} from 'vitest';
import {patchesAtFrames, type PatchOptions} from '../../../stages/acoustic-embedding/patches.js';

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** Patches of a spectrogram whose row k is [k, -k], at 100 rows per second, first row centred at 12.5 ms. */
async function patches(rowCount: number, times: readonly number[], options: PatchOptions): Promise<number[][]> {
  const rows = Array.from({length: rowCount}, (_, k) => ({
    timeSeconds: 0.0125 + k / 100,
    bands: Float32Array.of(k, -k),
  }));
  const frames = times.map((timeSeconds, frameIndex) => ({frameIndex, timeSeconds}));
  const firsts: number[][] = [];
  for await (const {frameIndex, values} of patchesAtFrames(stream(rows), stream(frames), options)) {
    expect(frameIndex).toBe(firsts.length);
    expect(values).toHaveLength(2 * options.rowCount);
    const [first, second] = [values.filter((_, k) => k % 2 === 0), values.filter((_, k) => k % 2 === 1)];
    if (options.beyond === 'repeat') expect([...second]).toEqual([...first].map((value) => -value));
    firsts.push([...first]);
  }
  return firsts;
}

const run = (from: number, count: number) => Array.from({length: count}, (_, k) => from + k);

test('a patch of VGGish begins with the row of the frame’s presentation time, whatever the frame rate', async () => {
  const times = [0, 1 / 30, 2 / 30, 0.5, 0.52, 3.021];
  const cut = await patches(500, times, {rowCount: 96, frameAt: 'start', beyond: 'repeat'});
  expect(cut).toEqual([0, 3, 7, 50, 52, 302].map((start) => run(start, 96)));
});

test('a patch of TSAV ends with the row of the frame', async () => {
  const cut = await patches(500, [2, 2.04], {rowCount: 107, frameAt: 'end', beyond: 'repeat'});
  expect(cut).toEqual([run(94, 107), run(98, 107)]);
});

test('beyond the ends the nearest row is repeated, or a value stands in', async () => {
  expect(await patches(4, [0, 0.02, 9], {rowCount: 3, frameAt: 'centre', beyond: 'repeat'})).toEqual([
    [0, 0, 1],
    [1, 2, 3],
    [3, 3, 3],
  ]);
  expect(await patches(4, [0, 0.03, 9], {rowCount: 3, frameAt: 'centre', beyond: -9})).toEqual([
    [-9, 0, 1],
    [2, 3, -9],
    [-9, -9, -9],
  ]);
});

test('frames at one time get equal patches, and one row is enough', async () => {
  expect(await patches(9, [0.05, 0.05], {rowCount: 2, frameAt: 'start', beyond: 'repeat'})).toEqual([
    [5, 6],
    [5, 6],
  ]);
  expect(await patches(1, [0, 1], {rowCount: 2, frameAt: 'end', beyond: 'repeat'})).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

test('without rows there are no patches', async () => {
  expect(await patches(0, [0], {rowCount: 2, frameAt: 'start', beyond: 'repeat'})).toEqual([]);
});
