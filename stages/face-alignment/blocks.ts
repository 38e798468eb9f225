import type {Box, RgbImage} from './image.js';

/** A part of an image at lower resolution: interleaved RGB with `stride` pixels from row to row, from `start` on. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Uint8Array | Float32Array;
  readonly stride: number;
  /** Index of the first value of the first pixel. */
  readonly start: number;
}

/**
 * Means over blocks of block × block pixels of a region (whole pixels inside the image); the last row and column of
 * blocks may be smaller. A block of one pixel copies nothing.
 */
export function averageBlocks(image: RgbImage, region: Box, block: number): Plane {
  if (block === 1) {
    const start = (region.top * image.width + region.left) * 3;
    return {width: region.width, height: region.height, values: image.rgb, stride: image.width, start};
  }
  const width = Math.ceil(region.width / block);
  const height = Math.ceil(region.height / block);
  const values = new Float32Array(width * height * 3);
  const sums = new Int32Array(region.width * 3);
  for (let y = 0; y < height; y++) {
    const rows = Math.min(block, region.height - y * block);
    sums.fill(0);
    for (let row = 0; row < rows; row++) {
      const start = ((region.top + y * block + row) * image.width + region.left) * 3;
      addTo(sums, image.rgb.subarray(start, start + sums.length));
    }
    averageColumns(values.subarray(y * width * 3, (y + 1) * width * 3), sums, {block, rows});
  }
  return {width, height, values, stride: width, start: 0};
}

function addTo(sums: Int32Array, row: Uint8Array): void {
  for (let index = 0; index < sums.length; index++) sums[index]! += row[index]!;
}

function averageColumns(target: Float32Array, sums: Int32Array, {block, rows}: {block: number; rows: number}): void {
  for (let out = 0, from = 0; out < target.length; out += 3) {
    const end = Math.min(from + 3 * block, sums.length);
    const count = ((end - from) / 3) * rows;
    let [red, green, blue] = [0, 0, 0];
    for (; from < end; from += 3) {
      red += sums[from]!;
      green += sums[from + 1]!;
      blue += sums[from + 2]!;
    }
    target[out] = red / count;
    target[out + 1] = green / count;
    target[out + 2] = blue / count;
  }
}
