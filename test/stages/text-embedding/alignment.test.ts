import fc from 'fast-check';
import {expect, test} from 'vitest';
import {WordCursor} from '../../../stages/text-embedding/alignment.js';

const spokenAt = (words: [number, number][], times: number[]): number[] => {
  const cursor = new WordCursor(words.map(([startSeconds, endSeconds]) => ({startSeconds, endSeconds})));
  return times.map((time) => cursor.advance(time));
};

test('a frame belongs to the word with start < t <= end', () => {
  expect(
    spokenAt(
      [
        [1, 2],
        [2, 3],
        [5, 6],
      ],
      [0, 1, 1.5, 2, 2.5, 3, 3.5, 5, 6, 6.5],
    ),
  ).toEqual([-1, -1, 0, 0, 1, 1, -1, -1, 2, -1]);
});

test('of words that overlap the one that started last counts, and the longer one again after it', () => {
  expect(
    spokenAt(
      [
        [0, 10],
        [2, 3],
      ],
      [1, 2.5, 4],
    ),
  ).toEqual([0, 1, 0]);
});

test('the cursor agrees with a search through all words', () => {
  const anyWord = fc.tuple(fc.integer({min: 0, max: 20}), fc.integer({min: 0, max: 5}));
  fc.assert(
    fc.property(fc.array(anyWord), fc.array(fc.integer({min: 0, max: 25})), (spans, times) => {
      const words = spans
        .map(([start, length]): [number, number] => [start, start + length])
        .sort((a, b) => a[0] - b[0]);
      const rising = times.toSorted((a, b) => a - b);
      expect(spokenAt(words, rising)).toEqual(
        rising.map((t) => words.findLastIndex(([start, end]) => start < t && t <= end)),
      );
    }),
  );
});
