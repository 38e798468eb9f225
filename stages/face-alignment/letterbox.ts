import type {Box, Point, RgbImage} from './image.js';

/** A region of an image, scaled to fit a square and filled up with black. */
export interface Letterbox {
  readonly size: number;
  /** [size, size, 3] in row-major order, values in [0, 255]. */
  readonly pixels: Float32Array;
  /** Pixels of the square per pixel of the image. */
  readonly scale: number;
  /** Where pixel (0, 0) of the image lies in the square. */
  readonly origin: Point;
}

export interface LetterboxOptions {
  readonly image: RgbImage;
  /** Whole pixels inside the image, at least one. */
  readonly region: Box;
  readonly size: number;
  /** Where the region lies in the square: at its upper left corner, or in the middle. */
  readonly placement: 'corner' | 'centre';
}

interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/**
 * Scales a region to fit a square, bilinear with corner-aligned samples (output i reads input i · side / size), which is
 * what TensorFlow's default resize does and the face-api networks were trained with. A region more than twice as large
 * as the square is first averaged over whole blocks, so that nothing is skipped.
 */
export function letterbox({image, region, size, placement}: LetterboxOptions): Letterbox {
  const block = Math.max(1, Math.floor(Math.max(region.width, region.height) / size));
  const plane = averageBlocks(image, region, block);
  const side = Math.max(plane.width, plane.height);
  const left = placement === 'centre' ? Math.floor((side - plane.width) / 2) : 0;
  const top = placement === 'centre' ? Math.floor((side - plane.height) / 2) : 0;
  const scale = size / (side * block);
  // The mean of a block belongs to the block's middle, (block − 1) / 2 pixels behind its first pixel.
  const middle = (block - 1) / 2;
  return {
    size,
    pixels: resize(plane, {side, left, top, size}),
    scale,
    origin: {x: (left * block - region.left - middle) * scale, y: (top * block - region.top - middle) * scale},
  };
}

/** Takes a point of the square back to the image. */
export function fromLetterbox({scale, origin}: Letterbox, {x, y}: Point): Point {
  return {x: (x - origin.x) / scale, y: (y - origin.y) / scale};
}

export function boxFromLetterbox(square: Letterbox, {left, top, width, height}: Box): Box {
  const corner = fromLetterbox(square, {x: left, y: top});
  return {left: corner.x, top: corner.y, width: width / square.scale, height: height / square.scale};
}

/** Means over blocks of block × block pixels; the last row and column of blocks may be smaller. */
function averageBlocks(image: RgbImage, region: Box, block: number): Plane {
  const width = Math.ceil(region.width / block);
  const height = Math.ceil(region.height / block);
  const values = new Float32Array(width * height * 3);
  const columns = blockColumns(region.width, block);
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
  return {width, height, values: block === 1 ? values : divideByCounts({width, height, values}, region, block)};
}

function blockColumns(width: number, block: number): Int32Array {
  return Int32Array.from({length: width}, (_, x) => Math.floor(x / block) * 3);
}

function divideByCounts({width, height, values}: Plane, region: Box, block: number): Float32Array {
  for (let y = 0, at = 0; y < height; y++) {
    const rows = Math.min(block, region.height - y * block);
    for (let x = 0; x < width; x++) {
      const count = rows * Math.min(block, region.width - x * block);
      for (let channel = 0; channel < 3; channel++) values[at++]! /= count;
    }
  }
  return values;
}

interface Placement {
  readonly side: number;
  readonly left: number;
  readonly top: number;
  readonly size: number;
}

/** Per output position: the two input positions it mixes (−1 where black) and the share of the second. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float32Array;
}

function taps(side: number, offset: number, length: number, size: number): Taps {
  const inside = (position: number) => (position >= offset && position < offset + length ? position - offset : -1);
  const first = new Int32Array(size);
  const second = new Int32Array(size);
  const share = new Float32Array(size);
  for (let index = 0; index < size; index++) {
    const position = (index * side) / size;
    first[index] = inside(Math.floor(position));
    second[index] = inside(Math.min(side - 1, Math.ceil(position)));
    share[index] = position - Math.floor(position);
  }
  return {first, second, share};
}

function resize(plane: Plane, {side, left, top, size}: Placement): Float32Array {
  const columns = taps(side, left, plane.width, size);
  const rows = taps(side, top, plane.height, size);
  const pixels = new Float32Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    const share = rows.share[y]!;
    if (rows.first[y]! >= 0 && share < 1)
      addRow(plane, columns, {row: rows.first[y]!, weight: 1 - share, pixels, out: y * size * 3});
    if (rows.second[y]! >= 0 && share > 0)
      addRow(plane, columns, {row: rows.second[y]!, weight: share, pixels, out: y * size * 3});
  }
  return pixels;
}

interface RowTarget {
  readonly row: number;
  readonly weight: number;
  readonly pixels: Float32Array;
  readonly out: number;
}

function addRow({width, values}: Plane, {first, second, share}: Taps, {row, weight, pixels, out}: RowTarget): void {
  const start = row * width;
  for (let x = 0, at = out; x < first.length; x++, at += 3) {
    const a = (start + first[x]!) * 3;
    const b = (start + second[x]!) * 3;
    const right = weight * share[x]!;
    const left = weight - right;
    if (first[x]! >= 0) addScaled(pixels, at, values, a, left);
    if (second[x]! >= 0 && right > 0) addScaled(pixels, at, values, b, right);
  }
}

function addScaled(target: Float32Array, at: number, values: Float32Array, from: number, weight: number): void {
  target[at]! += weight * values[from]!;
  target[at + 1]! += weight * values[from + 1]!;
  target[at + 2]! += weight * values[from + 2]!;
}
