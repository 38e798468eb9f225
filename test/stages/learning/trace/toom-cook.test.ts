import {describe, expect, it} from 'vitest';
import {TILE_SIZES, kronecker, shortConvolution} from '../../../../stages/learning/trace/toom-cook.js';
import type {Matrix} from '../../../../stages/learning/trace/toom-cook.js';

const times = (matrix: Matrix, vector: readonly number[]): number[] =>
  matrix.map((row) => row.reduce((sum, value, at) => sum + value * vector[at]!, 0));
const wave = (length: number, frequency: number): number[] =>
  Array.from({length}, (_, at) => Math.cos(frequency * at + 0.3));

describe('shortConvolution', () => {
  const forms = TILE_SIZES.flatMap((inputs) => Array.from({length: inputs - 2}, (_, at) => [at + 2, inputs] as const));

  it.each(forms)('sums %i taps over tiles of %i inputs', (taps, inputs) => {
    const {a, b, g, outputs, products} = shortConvolution(taps, inputs);
    const [x, filter] = [wave(inputs, 1.7), wave(taps, 0.9)];
    const product = times(b, x).map((value, at) => value * times(g, filter)[at]!);
    const y = Array.from({length: outputs}, (_, at) => product.reduce((sum, value, k) => sum + a[k]![at]! * value, 0));
    const direct = y.map((_, at) => filter.reduce((sum, value, tap) => sum + value * x[at + tap]!, 0));
    expect(Math.max(...y.map((value, at) => Math.abs(value - direct[at]!)))).toBeLessThan(1e-14);
    expect(products).toBeLessThanOrEqual(inputs + 1);
  });

  it('of one tap is the tap itself', () => {
    expect(shortConvolution(1, 1)).toMatchObject({outputs: 1, products: 1, a: [[1]], b: [[1]], g: [[1]]});
  });
});

describe('kronecker', () => {
  it('acts on the rows and columns of an image at once', () => {
    const [p, q] = [
      [
        [1, 2],
        [3, 4],
      ],
      [[5, 6]],
    ];
    expect(times(kronecker(p, q), [1, 10, 100, 1000])).toEqual([
      1 * (5 * 1 + 6 * 10) + 2 * (5 * 100 + 6 * 1000),
      3 * (5 * 1 + 6 * 10) + 4 * (5 * 100 + 6 * 1000),
    ]);
  });
});
