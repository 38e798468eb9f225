import {describe, expect, test} from 'vitest';
import {overlap, suppress} from '../../../stages/face-alignment/nms.js';

const box = (left: number, top: number, width: number, height: number) => ({left, top, width, height});

describe('overlap', () => {
  test('is 1 for a box with itself and 0 for boxes that only touch', () => {
    expect(overlap(box(3, 4, 10, 20), box(3, 4, 10, 20))).toBe(1);
    expect(overlap(box(0, 0, 10, 10), box(10, 0, 10, 10))).toBe(0);
  });

  test('is intersection over union, whatever the order', () => {
    // They share 5 × 10 of 100 + 100 − 50.
    expect(overlap(box(0, 0, 10, 10), box(5, 0, 10, 10))).toBeCloseTo(1 / 3, 12);
    expect(overlap(box(5, 0, 10, 10), box(0, 0, 10, 10))).toBeCloseTo(1 / 3, 12);
  });
});

describe('suppress', () => {
  test('keeps the best of overlapping boxes and all that stand apart, best first', () => {
    const strong = {box: box(0, 0, 10, 10), score: 0.8};
    const shadowed = {box: box(1, 0, 10, 10), score: 0.7};
    const apart = {box: box(50, 50, 5, 5), score: 0.9};
    expect(suppress([shadowed, strong, apart], 0.4)).toEqual([apart, strong]);
  });

  test('a dropped box drops no others', () => {
    const first = {box: box(0, 0, 10, 10), score: 0.9};
    const second = {box: box(4, 0, 10, 10), score: 0.8};
    const third = {box: box(8, 0, 10, 10), score: 0.7};
    // first–second and second–third overlap by 6 / 14, first–third by 2 / 18.
    expect(suppress([first, second, third], 0.4)).toEqual([first, third]);
  });

  test('equal scores keep their order', () => {
    const left = {box: box(0, 0, 10, 10), score: 0.5};
    const right = {box: box(1, 0, 10, 10), score: 0.5};
    expect(suppress([left, right], 0.4)).toEqual([left]);
    expect(suppress([right, left], 0.4)).toEqual([right]);
  });
});
