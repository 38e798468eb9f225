import {expect, test} from 'vitest';
import {inSeconds, onTimeline, type AudioPiece} from '../../../stages/demux/audio.js';

const sampleRateHz = 100;

/** Places pieces given as [start sample, values]; gives all samples and the warnings. */
async function placed(...pieces: [number, number[]][]) {
  const warnings: string[] = [];
  const given = async function* (): AsyncGenerator<AudioPiece> {
    for (const [startSample, values] of pieces)
      yield await Promise.resolve({startSample, samples: Float32Array.from(values)});
  };
  const options = {sampleRateHz, endSeconds: 1, warn: (message: string) => void warnings.push(message)};
  const samples: number[] = [];
  for await (const run of onTimeline(given(), options)) samples.push(...run);
  return {samples, warnings};
}

test('pieces that follow each other are joined, though their time stamps jitter by less than 40 ms', async () => {
  expect(await placed([0, [1, 2]], [3, [3, 4]], [2, [5]])).toEqual({samples: [1, 2, 3, 4, 5], warnings: []});
});

test('a late start is filled to the sample', async () => {
  expect(await placed([2, [1, 2]], [4, [3]])).toEqual({samples: [0, 0, 1, 2, 3], warnings: []});
});

test('what lies before time 0 is cut to the sample, over several pieces', async () => {
  expect(await placed([-5, [1, 2]], [-3, [3, 4]], [-1, [5, 6]], [1, [7]])).toEqual({samples: [6, 7], warnings: []});
});

test('a gap is filled with silence and reported', async () => {
  expect(await placed([0, [1, 2]], [8, [3]])).toEqual({
    samples: [1, 2, 0, 0, 0, 0, 0, 0, 3],
    warnings: ['gaps in the time stamps of the audio: 1, 0.06 s in all; filled with silence'],
  });
});

test('an overlap is cut and reported', async () => {
  expect(await placed([0, [1, 2, 3, 4, 5, 6]], [0, [1, 2, 3, 4, 5, 6, 7, 8]])).toEqual({
    samples: [1, 2, 3, 4, 5, 6, 7, 8],
    warnings: ['overlaps in the time stamps of the audio: 1; the later samples were cut'],
  });
});

test('a piece without a time, or with one far after the end of the video, follows the piece before', async () => {
  expect(await placed([0, [1]], [Number.NaN, [2]], [1e12, [3]])).toEqual({samples: [1, 2, 3], warnings: []});
});

test('rows hold one second, and the last is filled up', async () => {
  const runs = async function* () {
    for (const length of [70, 0, 150, 30]) yield await Promise.resolve(new Float32Array(length).fill(1));
  };
  const rows: [number, number, number][] = [];
  for await (const row of inSeconds(runs(), sampleRateHz)) {
    rows.push([row.startSeconds, row.sampleCount, row.samples.reduce((sum, sample) => sum + sample, 0)]);
  }
  expect(rows).toEqual([
    [0, 100, 100],
    [1, 100, 100],
    [2, 50, 50],
  ]);
});
