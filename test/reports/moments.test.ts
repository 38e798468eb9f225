import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {momentsOf, pooledCcc} from '../../reports/moments.js';

/** CCC straight from its definition, over concatenated frames. */
function directCcc(predicted: readonly number[], annotated: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [p, y] = [mean(predicted), mean(annotated)];
  const product = (a: readonly number[], b: readonly number[], ma: number, mb: number): number =>
    mean(a.map((value, i) => (value - ma) * (b[i]! - mb)));
  const variances = product(predicted, predicted, p, p) + product(annotated, annotated, y, y);
  return (2 * product(predicted, annotated, p, y)) / (variances + (p - y) ** 2);
}

const value = fc.double({min: -1, max: 1, noNaN: true});
const clip = fc.array(fc.tuple(value, value), {minLength: 1, maxLength: 30});
const clips = fc
  .array(clip, {minLength: 1, maxLength: 8})
  // A denominator below rounding is a case of its own, tested beneath.
  .filter((all) => {
    const annotated = all.flat().map(([, y]) => y);
    return Math.max(...annotated) - Math.min(...annotated) > 1e-3;
  });
const momentsOfAll = (all: readonly (readonly [number, number][])[]) =>
  all.map((frames, at) =>
    momentsOf(
      String(at),
      frames.map(([p]) => p),
      frames.map(([, y]) => y),
    ),
  );

describe('pooled CCC', () => {
  test('equals the CCC of all frames concatenated, however they are cut into clips', () => {
    fc.assert(
      fc.property(clips, (all) => {
        const frames = all.flat();
        const direct = directCcc(
          frames.map(([p]) => p),
          frames.map(([, y]) => y),
        );
        // Both are float64 sums of at most 240 values in [-1, 1] over a denominator above 1e-9.
        expect(pooledCcc(momentsOfAll(all))).toBeCloseTo(direct, 6);
      }),
    );
  });

  test('does not depend on the order of clips', () => {
    fc.assert(
      fc.property(clips, (all) => {
        const moments = momentsOfAll(all);
        expect(pooledCcc([...moments].reverse())).toBeCloseTo(pooledCcc(moments)!, 9);
      }),
    );
  });

  test('is 1 for a perfect prediction and -1 for its mirror image about the mean', () => {
    const annotated = [0.1, 0.5, -0.3, 0.2];
    const mean = 0.125;
    expect(pooledCcc([momentsOf('a', annotated, annotated)])).toBeCloseTo(1, 12);
    expect(
      pooledCcc([
        momentsOf(
          'a',
          annotated.map((y) => 2 * mean - y),
          annotated,
        ),
      ]),
    ).toBeCloseTo(-1, 12);
  });

  test('of two clips is computed by hand', () => {
    // Frames (p, y): (0, 0), (1, 1) and (0, 1), (1, 1). Means 1/2 and 3/4; variances 1/4 and 3/16; covariance 1/8.
    const moments = [momentsOf('a', [0, 1], [0, 1]), momentsOf('b', [0, 1], [1, 1])];
    expect(pooledCcc(moments)).toBeCloseTo(2 / 8 / (1 / 4 + 3 / 16 + 1 / 16), 12);
  });

  test('ignores clips without a valid frame', () => {
    const full = momentsOf('a', [0, 0.5, 1], [0.1, 0.4, 1]);
    expect(pooledCcc([full, momentsOf('b', [], [])])).toBe(pooledCcc([full]));
  });

  test('is undefined without a frame and where both sides are constant and equal', () => {
    expect(pooledCcc([])).toBeUndefined();
    expect(pooledCcc([momentsOf('a', [0.3, 0.3, 0.3], [0.3, 0.3, 0.3]), momentsOf('b', [0.3], [0.3])])).toBeUndefined();
  });

  test('is 0 where a constant prediction misses a constant annotation', () => {
    expect(pooledCcc([momentsOf('a', [0.3, 0.3], [0.1, 0.1])])).toBeCloseTo(0, 12);
  });

  test('refuses predictions and annotations of different length', () => {
    expect(() => momentsOf('a', [1, 2], [1])).toThrow('Expected 2 annotations for 2 predictions of a, got 1');
  });
});
