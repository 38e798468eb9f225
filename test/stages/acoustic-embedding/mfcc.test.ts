import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {
  cosineBasis,
  descriptorLength,
  descriptors,
  neighbourhoods,
  slope,
  type Descriptor,
} from '../../../stages/acoustic-embedding/mfcc.js';

const reference = JSON.parse(
  readFileSync(new URL('../../fixtures/reference/mfcc.json', import.meta.url), 'utf8'),
) as Record<'coefficients' | 'delta' | 'deltaDelta', number[][]>;

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const describeRows = (rows: readonly Float32Array[], coefficientCount: number, deltaReach = 4): Promise<Descriptor[]> =>
  collect(descriptors(stream(rows.map((bands, k) => ({timeSeconds: k / 100, bands}))), {coefficientCount, deltaReach}));

/** The spectrogram of mfcc.py. */
const rows = Array.from({length: 30}, (_, k) =>
  Float32Array.from(
    {length: 64},
    (_, b) => Math.sin(0.07 * k + 0.3 * b) * (1 + 0.01 * b) + 0.002 * k * Math.cos(b) - 2,
  ),
);

test('coefficients and their differences agree with librosa', async () => {
  const described = await describeRows(rows, 20);
  const parts = {coefficients: 0, delta: 20, deltaDelta: 40} as const;
  for (const [part, from] of Object.entries(parts) as [keyof typeof parts, number][]) {
    const errors = described.flatMap(({values}, k) =>
      reference[part][k]!.map(
        (expected, n) => Math.abs(values[from + n]! - expected) / Math.max(1, Math.abs(expected)),
      ),
    );
    // Float32 holds seven digits; the brief asks for 1e-4.
    expect(errors).toHaveLength(30 * 20);
    expect(Math.max(...errors)).toBeLessThan(1e-6);
  }
});

test('the cosine basis is orthonormal', () => {
  const basis = cosineBasis(8, 8);
  basis.forEach((a, i) =>
    basis.forEach((b, j) => {
      const product = a.reduce((sum, value, k) => sum + value * b[k]!, 0);
      expect(product).toBeCloseTo(i === j ? 1 : 0, 12);
    }),
  );
});

test('the slope of a straight line is its slope', () => {
  const line = [1, 3, 5, 7, 9].map((value) => Float64Array.of(value, -2 * value));
  expect([...slope(line)]).toEqual([2, -4]);
});

test('loudness, brightness and flux follow level, place and rise of the bands', async () => {
  const flat = new Float32Array(4).fill(-1);
  const high = Float32Array.of(-1, -1, -1, 3);
  const low = Float32Array.of(3, -1, -1, -1);
  const described = await describeRows([flat, high, low], 1);
  expect(described.map(({values}) => [...values.subarray(3)])).toEqual([
    [-1, 0, 0],
    [0, 1, 1],
    [0, 0, 1],
  ]);
});

test('a recording shorter than the reach of the differences is described too', async () => {
  const [only] = await describeRows([Float32Array.of(1, 2, 3, 4)], 2);
  expect(only?.values).toHaveLength(descriptorLength(2));
  expect([...only!.values.subarray(2, 6)]).toEqual([0, 0, 0, 0]);
  expect(await describeRows([], 2)).toEqual([]);
});

test('neighbourhoods repeat the ends', async () => {
  expect((await collect(neighbourhoods(stream([1, 2, 3]), 2))).map((around) => around.join(' '))).toEqual([
    '1 1 1 2 3',
    '1 1 2 3 3',
    '1 2 3 3 3',
  ]);
  expect(await collect(neighbourhoods(stream([7]), 3))).toEqual([[7, 7, 7, 7, 7, 7, 7]]);
  expect(await collect(neighbourhoods(stream([]), 3))).toEqual([]);
});
