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
 * blocks may be smaller. A block of one pixel copies nothing; else the means lie in what `allocate` gives.
 */
export function averageBlocks(
  image: RgbImage,
  region: Box,
  block: number,
  allocate = (length: number): Float32Array => new Float32Array(length),
): Plane {
  if (block === 1) {
    const start = (region.top * image.width + region.left) * 3;
    return {width: region.width, height: region.height, values: image.rgb, stride: image.width, start};
  }
  const width = Math.ceil(region.width / block);
  const height = Math.ceil(region.height / block);
  const values = allocate(width * height * 3);
  const addRows = rowAdder(image, region);
  for (let y = 0; y < height; y++) {
    const rows = Math.min(block, region.height - y * block);
    const target = values.subarray(y * width * 3, (y + 1) * width * 3);
    const top = region.top + y * block;
    if (block === 2 && rows === 2) averagePairs(target, rowOf(image, region, top), rowOf(image, region, top + 1));
    else averageColumns(target, addRows(top, rows), {block, rows});
  }
  return {width, height, values, stride: width, start: 0};
}

/** Sums of `rows` rows from `top` on, value by value over the region's columns; good until the next call. */
type RowAdder = (top: number, rows: number) => Int32Array;

function rowAdder(image: RgbImage, region: Box): RowAdder {
  const aligned = image.rgb.byteOffset % 4 === 0 && (image.width * 3) % 4 === 0 && image.rgb.length % 4 === 0;
  return aligned ? wordAdder(image, region) : byteAdder(image, region);
}

function byteAdder({width, rgb}: RgbImage, region: Box): RowAdder {
  const sums = new Int32Array(region.width * 3);
  return (top, rows) => {
    sums.fill(0);
    for (let row = top; row < top + rows; row++) {
      const start = (row * width + region.left) * 3;
      addTo(sums, rgb.subarray(start, start + sums.length));
    }
    return sums;
  };
}

function addTo(sums: Int32Array, row: Uint8Array): void {
  for (let index = 0; index < sums.length; index++) sums[index]! += row[index]!;
}

/** Rows that can be added before a sum of bytes leaves its 16 bits. */
const rowsPerLane = 257;

/**
 * Adds four bytes at a time, as two 32-bit words of two 16-bit sums each: a third of the time of single bytes. Every
 * row begins at the same place in a word; what lies before the region is added, too, and left out of the result.
 */
function wordAdder({width, rgb}: RgbImage, region: Box): RowAdder {
  const words = new Int32Array(rgb.buffer, rgb.byteOffset, rgb.length / 4);
  const before = (region.left * 3) % 4;
  const length = region.width * 3;
  const even = new Int32Array(Math.ceil((before + length) / 4));
  const odd = new Int32Array(even.length);
  const sums = new Int32Array(even.length * 4);
  return (top, rows) => {
    sums.fill(0);
    for (let row = top; row < top + rows; row++) {
      const start = (row * width * 3 + region.left * 3 - before) / 4;
      addWords(even, odd, words.subarray(start, start + even.length));
      if (row === top + rows - 1 || (row - top) % rowsPerLane === rowsPerLane - 1) unpack(even, odd, sums);
    }
    return sums.subarray(before, before + length);
  };
}

function addWords(even: Int32Array, odd: Int32Array, row: Int32Array): void {
  for (let index = 0; index < even.length; index++) {
    const word = row[index]!;
    even[index]! += word & 0xff00ff;
    odd[index]! += (word >>> 8) & 0xff00ff;
  }
}

/** Adds the 16-bit sums to those of bytes and empties them; the first byte of a word is its lowest (little-endian). */
function unpack(even: Int32Array, odd: Int32Array, sums: Int32Array): void {
  for (let index = 0, at = 0; index < even.length; index++, at += 4) {
    sums[at]! += even[index]! & 0xffff;
    sums[at + 1]! += odd[index]! & 0xffff;
    sums[at + 2]! += even[index]! >>> 16;
    sums[at + 3]! += odd[index]! >>> 16;
  }
  even.fill(0);
  odd.fill(0);
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

function rowOf({width, rgb}: RgbImage, {left, width: length}: Box, row: number): Uint8Array {
  const start = (row * width + left) * 3;
  return rgb.subarray(start, start + length * 3);
}

/** The commonest case, a frame little more than twice as large as the detector's square, in a third of the time. */
function averagePairs(target: Float32Array, upper: Uint8Array, lower: Uint8Array): void {
  const whole = Math.floor(upper.length / 6) * 3;
  for (let out = 0, from = 0; out < whole; out += 3, from += 6) {
    target[out] = (upper[from]! + upper[from + 3]! + lower[from]! + lower[from + 3]!) / 4;
    target[out + 1] = (upper[from + 1]! + upper[from + 4]! + lower[from + 1]! + lower[from + 4]!) / 4;
    target[out + 2] = (upper[from + 2]! + upper[from + 5]! + lower[from + 2]! + lower[from + 5]!) / 4;
  }
  for (let out = whole, from = 2 * whole; out < target.length; out++, from++)
    target[out] = (upper[from]! + lower[from]!) / 2;
}
