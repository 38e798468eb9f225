import {expect, test} from 'vitest';
import {gramsOf, hashedWord, hashOf} from '../../../stages/text-embedding/hashing.js';

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, index) => sum + value * b[index]!, 0);

test('hashes are FNV-1a followed by the finaliser of MurmurHash3', () => {
  // Worked out with integers of unlimited size in another language.
  expect([hashOf(''), hashOf('a'), hashOf('<été>')]).toEqual([2872998923, 444641715, 3930354763]);
});

test('a word is cut into itself and n-grams of 3 to 5 characters', () => {
  expect(gramsOf('cat')).toEqual(['<cat>', '<ca', 'cat', 'at>', '<cat', 'cat>']);
});

test('vectors have length 1, and words of one stem lie closer than others', () => {
  const [wonderful, wonderfully, table] = ['wonderful', 'wonderfully', 'table'].map((word) => hashedWord(word, 64));
  expect(dot(wonderful!, wonderful!)).toBeCloseTo(1, 6);
  expect(dot(wonderful!, wonderfully!)).toBeGreaterThan(0.5);
  expect(Math.abs(dot(wonderful!, table!))).toBeLessThan(0.3);
});

test('an empty word has the vector zero', () => {
  expect(hashedWord('', 4)).toEqual(new Float32Array(4));
});
