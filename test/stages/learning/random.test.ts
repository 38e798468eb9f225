import {describe, expect, it} from 'vitest';
import {random, words} from '../../../stages/learning/random.js';

const hex = (values: Uint32Array) => [...values].map((w) => w.toString(16).padStart(8, '0')).join(' ');

describe('random', () => {
  it('gives the known answers of Philox4x32-10 (Random123, kat_vectors)', () => {
    expect(hex(words(4, [0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    const ones = 0xffffffff;
    expect(hex(words(4, [ones, ones, ones, ones], [ones, ones]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
    expect(hex(words(4, [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    );
  });

  it('gives the same bytes for the same seed, stream and position, in whatever order they are asked', () => {
    const first = random(7).stream('a');
    const later = first.at(3).uniform(100);
    first.at(1).normal(10);
    expect(random(7).stream('a').at(3).uniform(100)).toEqual(later);
  });

  it('gives other numbers for another seed, stream or position', () => {
    const base = hex(random(7).stream('a').at(3).bits(8));
    const others = [random(8).stream('a').at(3), random(7).stream('b').at(3), random(7).stream('a').at(4)];
    others.push(
      random(7 + 2 ** 32)
        .stream('a')
        .at(3),
    );
    for (const other of others) expect(hex(other.bits(8))).not.toBe(base);
  });

  it('draws uniform and normal numbers with the moments they should have', () => {
    const moments = (values: Float32Array) => {
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      return [mean, values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length];
    };
    const [uniformMean, uniformVariance] = moments(random(1).stream('u').at(0).uniform(200_000, -1, 1));
    expect(uniformMean).toBeCloseTo(0, 2);
    expect(uniformVariance).toBeCloseTo(1 / 3, 2);
    const [normalMean, normalVariance] = moments(random(1).stream('n').at(0).normal(200_001, 2, 3));
    expect(normalMean).toBeCloseTo(2, 1);
    expect(normalVariance! / 9).toBeCloseTo(1, 1);
  });

  it('draws permutations that hold every number once and put each number everywhere', () => {
    const counts = new Int32Array(5);
    for (let position = 0; position < 5000; position++) {
      const order = random(1).stream('p').at(position).permutation(5);
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4]);
      counts[order.indexOf(0)]!++;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('draws dropout masks that keep the expected value', () => {
    const mask = random(1).stream('m').at(0).mask(300_001, 0.1);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.9)]));
    expect(mask.reduce((sum, v) => sum + v, 0) / mask.length).toBeCloseTo(1, 2);
  });

  it('draws masks whose elements are known', () => {
    const mask = random(3).stream('m').at(2).mask(9, 0.5);
    expect([...mask].map((value) => value / 2).join('')).toBe('111101110');
    const into = new Float32Array(9).fill(5);
    expect(random(3).stream('m').at(2).mask(9, 0.5, into.subarray(0, 9))).toEqual(mask);
  });

  it('rejects a seed that is no non-negative integer', () => {
    expect(() => random(-1)).toThrow(RangeError);
    expect(() => random(0.5)).toThrow('Expected `seed`');
  });
});
