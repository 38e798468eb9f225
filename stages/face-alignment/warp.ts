import {averageBlocks, type Plane} from './blocks.js';
import {clipToImage, type Box, type RgbImage} from './image.js';
import {apply, compose, identity, invert, rescale, scaleOf, type Transform} from './similarity.js';
import {cropSize} from './template.js';

/**
 * Cuts a square of `size` pixels out of `image`, where `transform` takes image to square (centres of pixels are whole
 * numbers, as in OpenCV's warpAffine). Bilinear; black outside the image. Where the image is shrunk, its blocks of as many
 * whole pixels as fall on one are averaged first, so that large faces do not alias.
 */
export function warp(image: RgbImage, transform: Transform, size: number): RgbImage {
  return resample({...reduce(image, transform, size), size, sample: addSample});
}

/**
 * The aligned crop at another size, without a second detection: `transform` takes the frame to the 112-pixel crop.
 * Where only the stored crop is at hand, `scaleTo` gives the same, except for up to a pixel at the edge.
 */
export function cropAt(frame: RgbImage, transform: Transform, size: number): RgbImage {
  return warp(frame, rescale(transform, size / cropSize), size);
}

/** Scales a square image; what would lie outside repeats the edge. */
export function scaleTo(image: RgbImage, size: number): RgbImage {
  if (image.width === size) return image;
  const transform = rescale(identity, size / image.width);
  return resample({...reduce(image, transform, size), size, sample: addInnerSample});
}

/** Adds the value of a plane at (x, y) to `sum`. */
type Sample = (plane: Plane, x: number, y: number, sum: Float64Array) => void;

interface Reduced {
  readonly plane: Plane;
  /** Takes the plane to the square. */
  readonly transform: Transform;
}

/** Averages the part of the image that is cut out over blocks, where two image pixels per side or more fall on one. */
function reduce(image: RgbImage, transform: Transform, size: number): Reduced {
  const block = Math.max(1, Math.floor(1 / scaleOf(transform)));
  const whole = {left: 0, top: 0, width: image.width, height: image.height};
  if (block === 1) return {plane: averageBlocks(image, whole, 1), transform};
  const region = clipToImage(sourceOf(transform, size), image);
  const middle = (block - 1) / 2;
  const toImage: Transform = [block, 0, region.left + middle, 0, block, region.top + middle];
  return {plane: averageBlocks(image, region, block), transform: compose(transform, toImage)};
}

/** The box in the image, in whole pixels and with one to spare, that holds the square of `size` pixels. */
function sourceOf(transform: Transform, size: number): Box {
  const inverse = invert(transform);
  const corners = [-1, size].flatMap((x) => [-1, size].map((y) => apply(inverse, {x, y})));
  const [xs, ys] = [corners.map(({x}) => x), corners.map(({y}) => y)];
  const [left, top] = [Math.floor(Math.min(...xs)), Math.floor(Math.min(...ys))];
  return {left, top, width: Math.ceil(Math.max(...xs)) - left, height: Math.ceil(Math.max(...ys)) - top};
}

function resample({plane, transform, size, sample}: Reduced & {size: number; sample: Sample}): RgbImage {
  const scale = scaleOf(transform);
  const perSide = scale < 0.5 ? Math.ceil(1 / scale) : 1;
  const offsets = Float64Array.from({length: perSide}, (_, index) => (index + 0.5) / perSide - 0.5);
  const weight = 1 / perSide ** 2;
  const [a, b, tx, c, d, ty] = invert(transform);
  const rgb = new Uint8Array(size * size * 3);
  const sum = new Float64Array(3);
  for (let y = 0, out = 0; y < size; y++) {
    for (let x = 0; x < size; x++, out += 3) {
      sum[0] = sum[1] = sum[2] = 0;
      for (const v of offsets) {
        for (const u of offsets) {
          sample(plane, a * (x + u) + b * (y + v) + tx, c * (x + u) + d * (y + v) + ty, sum);
        }
      }
      rgb[out] = Math.round(sum[0]! * weight);
      rgb[out + 1] = Math.round(sum[1]! * weight);
      rgb[out + 2] = Math.round(sum[2]! * weight);
    }
  }
  return {width: size, height: size, rgb};
}

function addInnerSample(plane: Plane, x: number, y: number, sum: Float64Array): void {
  const inside = (position: number, length: number) => Math.min(Math.max(position, 0), length - 1);
  addSample(plane, inside(x, plane.width), inside(y, plane.height), sum);
}

/** Bilinear; outside the plane lies black. */
function addSample({width, height, values, stride, start}: Plane, x: number, y: number, sum: Float64Array): void {
  const left = Math.floor(x);
  const top = Math.floor(y);
  if (left < -1 || top < -1 || left >= width || top >= height) return;
  const columnShare = x - left;
  const rowShare = y - top;
  // A tap outside reads some pixel inside, with no weight.
  const a = left < 0 ? 0 : 1 - columnShare;
  const b = left + 1 < width ? columnShare : 0;
  const c = top < 0 ? 0 : 1 - rowShare;
  const d = top + 1 < height ? rowShare : 0;
  const at = start + (Math.max(top, 0) * stride + Math.max(left, 0)) * 3;
  const right = b > 0 && left >= 0 ? 3 : 0;
  const below = d > 0 && top >= 0 ? 3 * stride : 0;
  for (let channel = 0; channel < 3; channel++) {
    const i = at + channel;
    sum[channel]! +=
      c * (a * values[i]! + b * values[i + right]!) + d * (a * values[i + below]! + b * values[i + below + right]!);
  }
}
