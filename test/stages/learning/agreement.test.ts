import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {agreement} from '../../../stages/learning/agreement.js';

interface Reference {
  readonly cases: readonly {
    readonly prediction: number[];
    readonly label: number[];
    readonly population: number;
    readonly sample: number;
    readonly pearson: number;
    readonly rmse: number;
  }[];
}

const {cases} = JSON.parse(readFileSync('test/fixtures/reference/ccc.json', 'utf8')) as Reference;

describe('agreement', () => {
  it('agrees with numpy in both definitions of the variance', () => {
    for (const {prediction, label, population, sample, pearson, rmse} of cases) {
      const result = agreement({prediction, label});
      expect(result.ccc).toBeCloseTo(population, 12);
      expect(result.pearson).toBeCloseTo(pearson, 12);
      expect(result.rmse).toBeCloseTo(rmse, 12);
      expect(agreement({prediction, label}, 'sample').ccc).toBeCloseTo(sample, 12);
    }
  });

  it('computes an example that was done by hand', () => {
    // Means 1 and 2, variances 2/3 each, covariance 2/3: 2 · 2/3 / (4/3 + 1) = 4/7.
    expect(agreement({prediction: [0, 1, 2], label: [1, 2, 3]}).ccc).toBeCloseTo(4 / 7, 15);
  });

  const series = fc.array(fc.double({min: -1, max: 1, noNaN: true}), {minLength: 2, maxLength: 40});

  it('is 1 for equal series, symmetric, and never above the Pearson correlation', () => {
    fc.assert(
      fc.property(series, series, (a, b) => {
        const n = Math.min(a.length, b.length);
        const [x, y] = [a.slice(0, n), b.slice(0, n)];
        const forward = agreement({prediction: x, label: y});
        const backward = agreement({prediction: y, label: x});
        expect(forward.ccc).toBeCloseTo(backward.ccc, 10);
        const self = agreement({prediction: x, label: x}).ccc;
        expect(Math.abs(self - 1) < 1e-9 || self === 0).toBe(true);
        if (!Number.isNaN(forward.pearson))
          expect(Math.abs(forward.ccc)).toBeLessThanOrEqual(Math.abs(forward.pearson) + 1e-9);
      }),
    );
  });

  it('is 0 where a side is constant, even at a value that floats cannot hold', () => {
    const label = Float32Array.from({length: 999}, (_, k) => Math.sin(k));
    expect(agreement({prediction: new Float32Array(999).fill(0.1), label})).toMatchObject({ccc: 0, pearson: NaN});
  });

  it('is not a number for no frames, and refuses series of different lengths', () => {
    expect(agreement({prediction: [], label: []}).ccc).toBeNaN();
    expect(() => agreement({prediction: [1], label: [1, 2]})).toThrow('Expected `prediction` to have 2 values, got 1');
  });
});
