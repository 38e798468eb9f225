import fc from 'fast-check';
import {expect, test} from 'vitest';
import {endOfVideo, placeWords} from '../../../stages/transcription/placement.js';

const seconds = fc.double({min: -5, max: 20, noNaN: true});
const anyWord = fc.record({startSeconds: seconds, endSeconds: seconds, word: fc.string({minLength: 1})});

test('whatever the transcript says, words are in order, within the video, and never end before they start', () => {
  fc.assert(
    fc.property(fc.array(anyWord), fc.double({min: 0, max: 15, noNaN: true}), (words, endSeconds) => {
      const placed = placeWords(words, endSeconds);
      expect(placed.words.length + placed.beyondCount).toBe(words.length);
      placed.words.forEach((word, index) => {
        expect(word.startSeconds).toBeGreaterThanOrEqual(placed.words[index - 1]?.startSeconds ?? 0);
        expect(word.endSeconds).toBeGreaterThanOrEqual(word.startSeconds);
        expect(word.endSeconds).toBeLessThanOrEqual(endSeconds);
      });
    }),
  );
});

test('counts the words that were clipped and those that lie behind the video', () => {
  const words = [
    {startSeconds: -1, endSeconds: 1, word: 'a'},
    {startSeconds: 1, endSeconds: 2, word: 'b'},
    {startSeconds: 4, endSeconds: 6, word: 'c'},
    {startSeconds: 5, endSeconds: 6, word: 'd'},
  ];
  expect(placeWords(words, 5)).toEqual({
    words: [{startSeconds: 0, endSeconds: 1, word: 'a'}, words[1], {startSeconds: 4, endSeconds: 5, word: 'c'}],
    clippedCount: 2,
    beyondCount: 1,
  });
});

test('the video ends one mean frame distance behind its last frame', () => {
  expect(endOfVideo(Float64Array.of(0, 0.1, 0.3, 0.6))).toBeCloseTo(0.8, 12);
  expect(endOfVideo(Float64Array.of(0))).toBe(0);
});
