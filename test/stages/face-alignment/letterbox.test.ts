import {describe, expect, test} from 'vitest';
import type {RgbImage} from '../../../stages/face-alignment/image.js';
import {fromLetterbox, letterbox, letterboxMemory} from '../../../stages/face-alignment/letterbox.js';

/** Red is 2x, green 3y, blue 50; at most 127 × 85 pixels. */
function ramp(width: number, height: number): RgbImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rgb.set([2 * x, 3 * y, 50], (y * width + x) * 3);
  return {width, height, rgb};
}

const whole = ({width, height}: RgbImage) => ({left: 0, top: 0, width, height});

describe('letterbox', () => {
  test('of a square at its own size is the image', () => {
    const image = ramp(16, 16);
    const square = letterbox({image, region: whole(image), size: 16, placement: 'corner'});
    expect([...square.pixels]).toEqual([...image.rgb]);
    expect(fromLetterbox(square, {x: 5, y: 7})).toEqual({x: 5, y: 7});
  });

  test.each(['corner', 'centre'] as const)('fills up with black, placed at the %s', (placement) => {
    const image = ramp(8, 4);
    const {pixels} = letterbox({image, region: whole(image), size: 8, placement});
    const rowIsBlack = Array.from({length: 8}, (_, y) =>
      pixels.subarray(y * 24, y * 24 + 24).every((value) => value === 0),
    );
    const [x, o] = [true, false];
    expect(rowIsBlack).toEqual(placement === 'corner' ? [o, o, o, o, x, x, x, x] : [x, x, o, o, o, o, x, x]);
  });

  test.each([
    {width: 90, height: 60, size: 32, placement: 'corner'},
    {width: 60, height: 84, size: 32, placement: 'centre'},
    {width: 100, height: 70, size: 12, placement: 'centre'},
    {width: 9, height: 5, size: 64, placement: 'centre'},
  ] as const)(
    'keeps track of where pixels come from: $width × $height to $size, $placement',
    ({width, height, size, placement}) => {
      const image = ramp(width, height);
      const square = letterbox({image, region: whole(image), size, placement});
      let compared = 0;
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const from = fromLetterbox(square, {x, y});
          // Only where the ramp is sampled well inside: at the edge, blocks are smaller and samples repeat.
          const margin = 1 / square.scale + 1;
          if (from.x < margin || from.y < margin || from.x > width - 1 - margin || from.y > height - 1 - margin)
            continue;
          const at = (y * size + x) * 3;
          expect(square.pixels[at]).toBeCloseTo(2 * from.x, 3);
          expect(square.pixels[at + 1]).toBeCloseTo(3 * from.y, 3);
          compared += 1;
        }
      }
      expect(compared).toBeGreaterThan(10);
    },
  );

  test('reads nothing outside its region', () => {
    const image = ramp(40, 40);
    const {pixels} = letterbox({image, region: {left: 10, top: 20, width: 8, height: 8}, size: 8, placement: 'corner'});
    expect(pixels[0]).toBe(20);
    expect(pixels[1]).toBe(60);
    expect(Math.max(...pixels.filter((_, index) => index % 3 === 0))).toBe(34);
  });

  test('averages what a plain bilinear sample would skip', () => {
    const rgb = Uint8Array.from({length: 64 * 64 * 3}, (_, index) => (Math.floor(index / 3) % 2 === 0 ? 255 : 0));
    const {pixels} = letterbox({
      image: {width: 64, height: 64, rgb},
      region: {left: 0, top: 0, width: 64, height: 64},
      size: 16,
      placement: 'corner',
    });
    expect([...new Set(pixels)]).toEqual([127.5]);
  });

  test('one after the other in the same memory are what they are alone', () => {
    const memory = letterboxMemory();
    const shapes = [
      [90, 60, 12],
      [60, 84, 32],
      [9, 5, 16],
      [90, 60, 12],
    ] as const;
    for (const [width, height, size] of shapes) {
      const given = {image: ramp(width, height), region: {left: 0, top: 0, width, height}, size};
      for (const placement of ['corner', 'centre'] as const) {
        const alone = letterbox({...given, placement});
        const next = letterbox({...given, placement, memory});
        expect({...next, pixels: [...next.pixels]}).toEqual({...alone, pixels: [...alone.pixels]});
      }
    }
  });
});
