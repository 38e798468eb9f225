import type {RgbImage} from './image.js';
import {identity, invert, rescale, scaleOf, type Transform} from './similarity.js';
import {cropSize} from './template.js';

/**
 * Cuts a square of `size` pixels out of `image`, where `transform` takes image to square (centres of pixels are whole
 * numbers, as in OpenCV's warpAffine). Bilinear; black outside the image. Where the image is shrunk to less than half,
 * each pixel is the mean of a grid of samples at most one image pixel apart, so that large faces do not alias.
 */
export function warp(image: RgbImage, transform: Transform, size: number): RgbImage {
  return resample({image, transform, size, sample: addSample});
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
  return resample({image, transform: rescale(identity, size / image.width), size, sample: addInnerSample});
}

interface Resampling {
  readonly image: RgbImage;
  readonly transform: Transform;
  readonly size: number;
  /** Adds the value of `image` at (x, y) to `sum`. */
  readonly sample: (image: RgbImage, x: number, y: number, sum: Float64Array) => void;
}

function resample({image, transform, size, sample}: Resampling): RgbImage {
  const scale = scaleOf(transform);
  const perSide = scale < 0.5 ? Math.ceil(1 / scale) : 1;
  const inverse = invert(transform);
  const rgb = new Uint8Array(size * size * 3);
  const sum = new Float64Array(3);
  for (let y = 0, out = 0; y < size; y++) {
    for (let x = 0; x < size; x++, out += 3) {
      sum.fill(0);
      for (let index = 0; index < perSide * perSide; index++) {
        const u = x + ((index % perSide) + 0.5) / perSide - 0.5;
        const v = y + (Math.floor(index / perSide) + 0.5) / perSide - 0.5;
        sample(image, inverse[0] * u + inverse[1] * v + inverse[2], inverse[3] * u + inverse[4] * v + inverse[5], sum);
      }
      for (let channel = 0; channel < 3; channel++)
        rgb[out + channel] = Math.round(sum[channel]! / (perSide * perSide));
    }
  }
  return {width: size, height: size, rgb};
}

function addInnerSample(image: RgbImage, x: number, y: number, sum: Float64Array): void {
  const inside = (position: number, length: number) => Math.min(Math.max(position, 0), length - 1);
  addSample(image, inside(x, image.width), inside(y, image.height), sum);
}

/** Adds the bilinear value of `image` at (x, y) to `sum`. */
function addSample({width, height, rgb}: RgbImage, x: number, y: number, sum: Float64Array): void {
  const left = Math.floor(x);
  const top = Math.floor(y);
  if (left < -1 || top < -1 || left >= width || top >= height) return;
  const right = x - left;
  const bottom = y - top;
  for (let row = 0; row < 2; row++) {
    const rowWeight = row === 0 ? 1 - bottom : bottom;
    if (top + row < 0 || top + row >= height) continue;
    for (let column = 0; column < 2; column++) {
      if (left + column < 0 || left + column >= width) continue;
      const weight = rowWeight * (column === 0 ? 1 - right : right);
      const at = ((top + row) * width + left + column) * 3;
      sum[0]! += weight * rgb[at]!;
      sum[1]! += weight * rgb[at + 1]!;
      sum[2]! += weight * rgb[at + 2]!;
    }
  }
}
