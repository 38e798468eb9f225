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
  return resample({...reduce(image, transform, size), size, outside: 'black'});
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
  return resample({...reduce(image, transform, size), size, outside: 'edge'});
}

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

interface Resampling extends Reduced {
  readonly size: number;
  readonly outside: 'black' | 'edge';
}

/** One bilinear sample per pixel: `reduce` leaves less than two pixels of the plane per side on one of the square. */
function resample({plane, transform, size, outside}: Resampling): RgbImage {
  const {width, height, values, stride, start} = plane;
  const [a, b, tx, c, d, ty] = invert(transform);
  const rgb = new Uint8Array(size * size * 3);
  for (let v = 0, out = 0; v < size; v++) {
    for (let u = 0; u < size; u++, out += 3) {
      let x = a * u + b * v + tx;
      let y = c * u + d * v + ty;
      if (outside === 'edge') {
        x = Math.min(Math.max(x, 0), width - 1);
        y = Math.min(Math.max(y, 0), height - 1);
      }
      const left = Math.floor(x);
      const top = Math.floor(y);
      if (left < -1 || top < -1 || left >= width || top >= height) continue;
      const [lastColumn, lastRow] = [left + 1 >= width, top + 1 >= height];
      // A tap outside has no weight, and reads the pixel inside.
      const rightShare = lastColumn ? 0 : x - left;
      const leftShare = left < 0 ? 0 : 1 - (x - left);
      const lowerShare = lastRow ? 0 : y - top;
      const upperShare = top < 0 ? 0 : 1 - (y - top);
      const i = start + ((top < 0 ? 0 : top) * stride + (left < 0 ? 0 : left)) * 3;
      const j = lastColumn || left < 0 ? i : i + 3;
      const below = lastRow || top < 0 ? 0 : stride * 3;
      const [k, l] = [i + below, j + below];
      // Adding a half and cutting off rounds as Math.round does, in a fifth of its time.
      const half = 0.5;
      rgb[out] =
        upperShare * (leftShare * values[i]! + rightShare * values[j]!) +
        lowerShare * (leftShare * values[k]! + rightShare * values[l]!) +
        half;
      rgb[out + 1] =
        upperShare * (leftShare * values[i + 1]! + rightShare * values[j + 1]!) +
        lowerShare * (leftShare * values[k + 1]! + rightShare * values[l + 1]!) +
        half;
      rgb[out + 2] =
        upperShare * (leftShare * values[i + 2]! + rightShare * values[j + 2]!) +
        lowerShare * (leftShare * values[k + 2]! + rightShare * values[l + 2]!) +
        half;
    }
  }
  return {width: size, height: size, rgb};
}
