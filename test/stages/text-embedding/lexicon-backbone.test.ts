import {expect, test} from 'vitest';
import {hashedWord} from '../../../stages/text-embedding/hashing.js';
import {lexiconVectors} from '../../../stages/text-embedding/lexicon-backbone.js';

const speech = {
  times: [
    {startSeconds: 1, endSeconds: 2},
    {startSeconds: 2, endSeconds: 3},
    {startSeconds: 3, endSeconds: 4},
  ],
  words: ['Happy', 'table', 'terrible.'],
};

test('without hold a frame has the vector of its word, and zeros elsewhere', () => {
  const vectorAt = lexiconVectors(speech, {hashDimensions: 8, holdSeconds: 0});
  expect(vectorAt(1)).toEqual(new Float32Array(10));
  expect(vectorAt(1.5)).toEqual(Float32Array.of(0.6, 1, ...hashedWord('happy', 8)));
  expect(vectorAt(3)).toEqual(Float32Array.of(0, 1, ...hashedWord('table', 8)));
  expect(vectorAt(4.5)).toEqual(new Float32Array(10));
});

test('with hold the last dimensions weigh all words begun so far by their age', () => {
  const holdSeconds = 2;
  const vectorAt = lexiconVectors(speech, {hashDimensions: 8, holdSeconds});
  for (const time of [0.5, 1.5, 2.5, 3.2, 9]) {
    const weight = (start: number): number => (start < time ? Math.exp((start - time) / holdSeconds) : 0);
    const [happy, table, terrible] = [weight(1), weight(2), weight(3)];
    const all = happy! + table! + terrible!;
    const expected = [
      (0.6 * happy! - 0.6 * terrible!) / (happy! + terrible! + 1),
      (0.6 * happy!) / (all + 1),
      (0.6 * terrible!) / (all + 1),
      all / holdSeconds / 4,
    ];
    // Sums are kept in float64 and stored in float32.
    vectorAt(time)
      .slice(10)
      .forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 6));
  }
});

test('a clip without words has vectors of the same width, all zero', () => {
  const vectorAt = lexiconVectors({times: [], words: []}, {hashDimensions: 64, holdSeconds: 4});
  expect([vectorAt(0), vectorAt(0.1)]).toEqual([new Float32Array(70), new Float32Array(70)]);
});
