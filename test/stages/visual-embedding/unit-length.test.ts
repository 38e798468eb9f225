import fc from 'fast-check';
import {expect, test} from 'vitest';
import {unitLength} from '../../../stages/visual-embedding/unit-length.js';

const vectors = fc.float32Array({minLength: 1, maxLength: 600, noNaN: true, noDefaultInfinity: true});

test('a vector is divided by what Math.hypot says is its length, to the bit', () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      const length = Math.hypot(...vector);
      expect(unitLength(vector)).toEqual(length > 0 ? vector.map((value) => value / length) : vector);
    }),
    {numRuns: 200, seed: 1},
  );
});

test.each([0, Infinity, NaN])('a vector of %d stays, for whoever looks at it next', (value) => {
  const vector = new Float32Array(3).fill(value);
  expect(unitLength(vector)).toBe(vector);
});
