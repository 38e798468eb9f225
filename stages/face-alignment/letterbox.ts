import {averageBlocks, type Plane} from './blocks.js';
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
  /** What the letterbox before took, which it takes again: its pixels are overwritten. Memory of its own where absent. */
  readonly memory?: LetterboxMemory;
}

/** Gives an array of a length, whatever it holds. */
export type Allocate = (length: number) => Float32Array;

export interface LetterboxMemory {
  readonly blocks: Allocate;
  readonly pixels: Allocate;
}

const fresh: Allocate = (length) => new Float32Array(length);

/** Memory for one letterbox after the other. Megabytes that are asked for anew keep the garbage collector busy. */
export function letterboxMemory(): LetterboxMemory {
  return {blocks: reused(), pixels: reused()};
}

function reused(): Allocate {
  let held = fresh(0);
  return (length) => {
    if (held.length < length) held = fresh(length);
    return held.subarray(0, length);
  };
}

/**
 * Scales a region to fit a square, bilinear with corner-aligned samples (output i reads input i · side / size), which is
 * what TensorFlow's default resize does and the face-api networks were trained with. A region more than twice as large
 * as the square is first averaged over whole blocks, so that nothing is skipped.
 */
export function letterbox({image, region, size, placement, memory}: LetterboxOptions): Letterbox {
  const block = Math.max(1, Math.floor(Math.max(region.width, region.height) / size));
  const plane = averageBlocks(image, region, block, memory?.blocks);
  const pixels = (memory?.pixels ?? fresh)(size * size * 3);
  const side = Math.max(plane.width, plane.height);
  const left = placement === 'centre' ? Math.floor((side - plane.width) / 2) : 0;
  const top = placement === 'centre' ? Math.floor((side - plane.height) / 2) : 0;
  const scale = size / (side * block);
  // The mean of a block belongs to the block's middle, (block − 1) / 2 pixels behind its first pixel.
  const middle = (block - 1) / 2;
  resize(plane, {side, left, top, size}, pixels);
  return {
    size,
    pixels,
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

interface Placement {
  readonly side: number;
  readonly left: number;
  readonly top: number;
  readonly size: number;
}

/** Per output position: where the two pixels begin that it mixes, and their shares, which are 0 for black. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly firstShare: Float32Array;
  readonly secondShare: Float32Array;
}

interface Axis {
  /** Side of the square in pixels of the plane. */
  readonly side: number;
  /** Where the plane begins in it, and how many pixels it has. */
  readonly offset: number;
  readonly length: number;
  readonly size: number;
  /** Values from one pixel to the next. */
  readonly step: number;
}

function tapsOf({side, offset, length, size, step}: Axis): Taps {
  const taps: Taps = {
    first: new Int32Array(size),
    second: new Int32Array(size),
    firstShare: new Float32Array(size),
    secondShare: new Float32Array(size),
  };
  const inside = (position: number) => position >= offset && position < offset + length;
  for (let index = 0; index < size; index++) {
    const position = (index * side) / size;
    const [first, second] = [Math.floor(position), Math.min(side - 1, Math.ceil(position))];
    taps.first[index] = inside(first) ? (first - offset) * step : 0;
    taps.second[index] = inside(second) ? (second - offset) * step : 0;
    taps.firstShare[index] = inside(first) ? 1 - (position - first) : 0;
    taps.secondShare[index] = inside(second) ? position - first : 0;
  }
  return taps;
}

function resize(
  {width, height, values, stride, start}: Plane,
  {side, left, top, size}: Placement,
  pixels: Float32Array,
): void {
  const columns = tapsOf({side, offset: left, length: width, size, step: 3});
  const rows = tapsOf({side, offset: top, length: height, size, step: stride * 3});
  const mixed = new Float32Array(width * 3);
  pixels.fill(0);
  for (let y = 0; y < size; y++) {
    const [first, second] = [start + rows.first[y]!, start + rows.second[y]!];
    const shares = {first: rows.firstShare[y]!, second: rows.secondShare[y]!};
    if (shares.first === 0 && shares.second === 0) continue;
    mixRows(
      mixed,
      values.subarray(first, first + mixed.length),
      values.subarray(second, second + mixed.length),
      shares,
    );
    mixColumns(pixels.subarray(y * size * 3, (y + 1) * size * 3), mixed, columns);
  }
}

// Plain loops over views of one row are what V8 makes fast: mixing rows and then columns takes half the time of four
// taps per pixel.
function mixRows(
  mixed: Float32Array,
  upper: Plane['values'],
  lower: Plane['values'],
  share: {readonly first: number; readonly second: number},
): void {
  const {first, second} = share;
  for (let index = 0; index < mixed.length; index++) mixed[index] = first * upper[index]! + second * lower[index]!;
}

function mixColumns(target: Float32Array, row: Float32Array, {first, second, firstShare, secondShare}: Taps): void {
  for (let x = 0, at = 0; x < first.length; x++, at += 3) {
    const a = first[x]!;
    const b = second[x]!;
    const left = firstShare[x]!;
    const right = secondShare[x]!;
    target[at] = left * row[a]! + right * row[b]!;
    target[at + 1] = left * row[a + 1]! + right * row[b + 1]!;
    target[at + 2] = left * row[a + 2]! + right * row[b + 2]!;
  }
}
