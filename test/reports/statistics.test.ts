import {describe, expect, test} from 'vitest';
import {fixed, probability} from '../../reports/number-text.js';
import {holm, mean, quantile, sampleDeviation} from '../../reports/statistics.js';

describe('statistics of a table', () => {
  test('the mean and the deviation with divisor n − 1 are those computed by hand', () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(sampleDeviation([1, 2, 6])).toBeCloseTo(Math.sqrt((4 + 1 + 9) / 2), 12);
  });

  test('do not exist for nothing, nor a deviation for one value', () => {
    expect(mean([])).toBeUndefined();
    expect(sampleDeviation([0.5])).toBeUndefined();
  });

  test('a quantile interpolates between neighbours', () => {
    expect([0, 0.25, 0.5, 1].map((p) => quantile([10, 20, 40], p))).toEqual([10, 15, 20, 40]);
  });

  test("Holm's adjustment multiplies the smallest by their number and never decreases", () => {
    const adjusted = holm([0.04, 0.01, 0.03, 0.9]);
    // Sorted: 0.01 × 4, 0.03 × 3, 0.04 × 2 raised to 0.09, 0.9 × 1.
    const expected = [0.09, 0.04, 0.09, 0.9];
    adjusted.forEach((value, at) => expect(value).toBeCloseTo(expected[at]!, 12));
  });
});

describe('the spelling of numbers', () => {
  test('knows no negative zero and no NaN', () => {
    expect([-0.0004, 0, -0.0006, Number.NaN, Infinity].map((value) => fixed(value, 3))).toEqual([
      '0.000',
      '0.000',
      '-0.001',
      '–',
      '–',
    ]);
  });

  test('signs differences, except none', () => {
    expect([0.05, -0.05, 0.0001].map((value) => fixed(value, 2, true))).toEqual(['+0.05', '-0.05', '0.00']);
  });

  test('does not claim a p-value of zero', () => {
    expect([0.0002, 0.001, 0.25].map(probability)).toEqual(['<0.001', '0.001', '0.250']);
  });
});
