import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import type {RgbImage} from '../../../stages/face-alignment/image.js';
import {apply, identity, invert, type Transform} from '../../../stages/face-alignment/similarity.js';
import {cropAt, scaleTo, warp} from '../../../stages/face-alignment/warp.js';

const reference = JSON.parse(readFileSync(new URL('../../fixtures/reference/warp.json', import.meta.url), 'utf8')) as {
  width: number;
  height: number;
  size: number;
  step: number;
  cases: {transform: Transform; values: number[]}[];
};

/** An image from the values of its channels at (x, y). */
function draw(
  width: number,
  height: number,
  at: (x: number, y: number) => readonly [number, number, number],
): RgbImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rgb.set(at(x, y), (y * width + x) * 3);
  return {width, height, rgb};
}

const smooth = draw(reference.width, reference.height, (x, y) => [
  x * 2 + y,
  Math.max(0, 255 - x - 2 * y),
  Math.floor((x * y) / 32),
]);

describe('warp', () => {
  test.each(reference.cases)('agrees with OpenCV to one level, by $transform', ({transform, values}) => {
    const {rgb} = warp(smooth, transform, reference.size);
    const differences = values.map((value, index) => Math.abs(value - rgb[index * reference.step]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });

  test('by the identity changes nothing', () => {
    const square = draw(20, 20, (x, y) => [x, y, x ^ y]);
    expect(warp(square, identity, 20)).toEqual(square);
  });

  test('moves pixels by whole steps and leaves black behind', () => {
    const square = draw(3, 3, (x, y) => [10 + x, 20 + y, 30]);
    const moved = draw(3, 3, (x, y) => (x === 0 ? [0, 0, 0] : [10 + x - 1, 20 + y, 30]));
    expect(warp(square, [1, 0, 1, 0, 1, 0], 3)).toEqual(moved);
  });

  test('averages where a large face is shrunk, so that a chessboard becomes grey', () => {
    const board = draw(400, 400, (x, y) => ((x + y) % 2 === 0 ? [255, 255, 255] : [0, 0, 0]));
    const inside = [...warp(board, [0.1, 0, 0, 0, 0.1, 0], 40).rgb].slice(40 * 3 * 2, 40 * 3 * 38);
    expect(Math.min(...inside.filter((_, index) => index % 120 > 3 && index % 120 < 116))).toBeGreaterThan(110);
    expect(Math.max(...inside)).toBeLessThan(145);
  });

  test.each([0.45, 0.2, 0.11, 0.03])('keeps places when it shrinks to %d', (scale) => {
    // Red rises with x and green with y, from 0 to 250 over the image.
    const side = 1000;
    const ramp = draw(side, side, (x, y) => [x / 4, y / 4, 0]);
    const angle = 0.3;
    const [c, s] = [scale * Math.cos(angle), scale * Math.sin(angle)];
    const transform: Transform = [c, -s, 10 - c * 500 + s * 500, s, c, 10 - s * 500 - c * 500];
    const {rgb} = warp(ramp, transform, 20);
    const inverse = invert(transform);
    for (const [x, y] of [
      [4, 5],
      [10, 10],
      [15, 6],
      [9, 16],
    ] as const) {
      const from = apply(inverse, {x, y});
      // Values were cut to whole levels when the ramp was drawn.
      expect(Math.abs(rgb[(y * 20 + x) * 3]! - from.x / 4)).toBeLessThan(1.5);
      expect(Math.abs(rgb[(y * 20 + x) * 3 + 1]! - from.y / 4)).toBeLessThan(1.5);
    }
  });

  test('is black where the transform points outside the image', () => {
    expect(warp(smooth, [1, 0, 5000, 0, 1, 0], 8).rgb).toEqual(new Uint8Array(8 * 8 * 3));
  });
});

describe('cropAt', () => {
  test('is the warp itself at 112 pixels', () => {
    const transform: Transform = [0.9, -0.2, 10, 0.2, 0.9, 3];
    expect(cropAt(smooth, transform, 112)).toEqual(warp(smooth, transform, 112));
  });

  test('gives the same field of view at 48 pixels, from the frame or from the crop', () => {
    const transform: Transform = [1.1, -0.1, -20, 0.1, 1.1, -15];
    const frame = draw(160, 140, (x, y) => [x, y, (x + y) / 2]);
    const direct = cropAt(frame, transform, 48).rgb;
    const viaCrop = scaleTo(warp(frame, transform, 112), 48).rgb;
    // The inner 44 × 44 pixels; at the edge the crop knows less than the frame.
    const inner = [...direct.keys()].filter((at) => inside(Math.floor(at / 3) % 48) && inside(Math.floor(at / 144)));
    expect(Math.max(...inner.map((at) => Math.abs(direct[at]! - viaCrop[at]!)))).toBeLessThanOrEqual(1);
  });

  const inside = (position: number) => position >= 2 && position < 46;
});

describe('scaleTo', () => {
  test('keeps the edges of the image where they are', () => {
    const ramp = draw(8, 8, (x, y) => [20 * x, 20 * y, 200]);
    // Pixel i of 16 lies at (i + 0.5) / 2 − 0.5; the outermost two lie outside the centres and repeat the edge.
    const expected = [0, 5, 15, 25, 35, 45, 55, 65, 75, 85, 95, 105, 115, 125, 135, 140];
    const {rgb} = scaleTo(ramp, 16);
    expect(Array.from({length: 16}, (_, x) => rgb[(5 * 16 + x) * 3])).toEqual(expected);
    expect(Array.from({length: 16}, (_, y) => rgb[(y * 16 + 5) * 3 + 1])).toEqual(expected);
    expect(new Set(Array.from({length: 256}, (_, index) => rgb[3 * index + 2]))).toEqual(new Set([200]));
  });

  test('gives means when it shrinks', () => {
    const board = draw(64, 64, (x, y) => ((x + y) % 2 === 0 ? [255, 255, 255] : [0, 0, 0]));
    const values = [...scaleTo(board, 16).rgb];
    expect(Math.max(...values.map((value) => Math.abs(value - 127.5)))).toBeLessThan(8);
  });
});
