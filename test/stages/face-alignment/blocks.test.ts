import {describe, expect, test} from 'vitest';
import {averageBlocks} from '../../../stages/face-alignment/blocks.js';

function noise(width: number, height: number, value = (index: number) => ((index * 7919) >>> 3) & 255) {
  return {width, height, rgb: Uint8Array.from({length: width * height * 3}, (_, index) => value(index))};
}

describe('averageBlocks', () => {
  test.each([
    // Widths that are and are not a multiple of four, which are added by words or by bytes.
    {width: 40, height: 23, region: {left: 0, top: 0, width: 40, height: 23}, block: 3},
    {width: 40, height: 23, region: {left: 5, top: 4, width: 30, height: 19}, block: 4},
    {width: 40, height: 23, region: {left: 39, top: 22, width: 1, height: 1}, block: 2},
    {width: 41, height: 23, region: {left: 2, top: 0, width: 39, height: 23}, block: 2},
    {width: 37, height: 23, region: {left: 6, top: 1, width: 31, height: 22}, block: 5},
  ])('gives the mean of every block of $block in $region of $width × $height', ({width, height, region, block}) => {
    const image = noise(width, height);
    const plane = averageBlocks(image, region, block);
    expect([plane.width, plane.height]).toEqual([Math.ceil(region.width / block), Math.ceil(region.height / block)]);
    for (let y = 0; y < plane.height; y++) {
      for (let x = 0; x < plane.width * 3; x++) {
        const channel = x % 3;
        const column = region.left + ((x - channel) / 3) * block;
        const row = region.top + y * block;
        let [sum, count] = [0, 0];
        for (let v = row; v < Math.min(row + block, region.top + region.height); v++) {
          for (let u = column; u < Math.min(column + block, region.left + region.width); u++, count++) {
            sum += image.rgb[(v * width + u) * 3 + channel]!;
          }
        }
        expect(plane.values[plane.start + y * plane.stride * 3 + x]).toBeCloseTo(sum / count, 4);
      }
    }
  });

  test('of white is white, however large the blocks', () => {
    const image = noise(4, 900, () => 255);
    const {values} = averageBlocks(image, {left: 0, top: 0, width: 4, height: 900}, 900);
    expect([...values]).toEqual([255, 255, 255]);
  });

  test('does not depend on where the image lies in memory', () => {
    const image = noise(8, 8);
    const shifted = {...image, rgb: new Uint8Array(image.rgb.length + 1).subarray(1)};
    shifted.rgb.set(image.rgb);
    const region = {left: 1, top: 0, width: 7, height: 8};
    expect(averageBlocks(shifted, region, 3)).toEqual(averageBlocks(image, region, 3));
  });
});
