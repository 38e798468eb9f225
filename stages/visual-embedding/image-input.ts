import type {RgbImage} from '../face-alignment/image.js';
import {scaleTo} from '../face-alignment/warp.js';

/** How a network wants its images. */
export interface ImageFormat {
  /** Side to which the crop is scaled. */
  readonly resizeTo: number;
  /** Side of the middle that is cut out of it; `resizeTo` for all of it. */
  readonly inputSize: number;
  readonly layout: 'nchw' | 'nhwc';
  readonly channels: 'rgb' | 'bgr' | 'grey';
  /** Subtracted from values in [0, 255], per channel in the order of the network. */
  readonly mean: readonly number[];
  /** Divides what is left. */
  readonly std: readonly number[];
}

export function channelCount({channels}: Pick<ImageFormat, 'channels'>): number {
  return channels === 'grey' ? 1 : 3;
}

/** Writes one image as the network wants it: inputSize² · channels values from `offset` on. */
export function writeImage(image: RgbImage, format: ImageFormat, target: Float32Array, offset: number): void {
  const {inputSize: size, resizeTo, layout} = format;
  const scaled = scaleTo(image, resizeTo);
  const count = channelCount(format);
  const [step, channelStep] = layout === 'nchw' ? [1, size ** 2] : [count, 1];
  const writeRow = count === 1 ? writeGrey : writeColour;
  const margin = Math.floor((resizeTo - size) / 2);
  for (let y = 0; y < size; y++) {
    const first = ((y + margin) * resizeTo + margin) * 3;
    const row = scaled.rgb.subarray(first, first + size * 3);
    writeRow(row, format, target, {start: offset + y * size * step, step, channelStep});
  }
}

interface Place {
  /** Index of the first value, and values from one pixel and from one channel to the next. */
  readonly start: number;
  readonly step: number;
  readonly channelStep: number;
}

/** The channels of a pixel side by side: each pass over an image costs as much as what is done in it. */
function writeColour(
  row: Uint8Array,
  {channels, mean, std}: ImageFormat,
  target: Float32Array,
  {start, step, channelStep}: Place,
): void {
  const [first, third] = channels === 'bgr' ? [2, 0] : [0, 2];
  const [mean0, mean1, mean2] = mean as [number, number, number];
  const [std0, std1, std2] = std as [number, number, number];
  for (let from = 0, at = start; from < row.length; from += 3, at += step) {
    target[at] = (row[from + first]! - mean0) / std0;
    target[at + channelStep] = (row[from + 1]! - mean1) / std1;
    target[at + 2 * channelStep] = (row[from + third]! - mean2) / std2;
  }
}

/** Luma weights of ITU-R BT.601, as OpenCV and Pillow turn colour into grey. */
const luma = [0.299, 0.587, 0.114] as const;

function writeGrey(
  row: Uint8Array,
  {mean: [mean], std: [std]}: ImageFormat,
  target: Float32Array,
  {start, step}: Place,
): void {
  for (let from = 0, at = start; from < row.length; from += 3, at += step) {
    const grey = luma[0] * row[from]! + luma[1] * row[from + 1]! + luma[2] * row[from + 2]!;
    target[at] = (grey - mean!) / std!;
  }
}
