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
  const columns = Int32Array.from({length: region.width}, (_, x) => Math.floor(x / block) * 3);
  for (let y = 0; y < region.height; y++) {
    let at = ((region.top + y) * image.width + region.left) * 3;
    const row = Math.floor(y / block) * width * 3;
    for (let x = 0; x < region.width; x++, at += 3) {
      const out = row + columns[x]!;
      values[out]! += image.rgb[at]!;
      values[out + 1]! += image.rgb[at + 1]!;
      values[out + 2]! += image.rgb[at + 2]!;
    }
  }
  const plane = {width, height, values, stride: width, start: 0};
  divideByCounts(plane, region, block);
  return plane;
}

function divideByCounts({width, height, values}: Plane, region: Box, block: number): void {
  for (let y = 0, at = 0; y < height; y++) {
    const rows = Math.min(block, region.height - y * block);
    for (let x = 0; x < width; x++) {
      const count = rows * Math.min(block, region.width - x * block);
      for (let channel = 0; channel < 3; channel++) values[at++]! /= count;
    }
  }
}
