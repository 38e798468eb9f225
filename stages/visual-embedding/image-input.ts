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
  const scaled = scaleTo(image, format.resizeTo);
  const write = format.channels === 'grey' ? writeGrey : writeColour;
  write(scaled.rgb, format, target, offset);
}

/** The three channels of a pixel in one pass: going over an image costs as much as what is done on the way. */
function writeColour(rgb: Uint8Array, format: ImageFormat, target: Float32Array, offset: number): void {
  const {inputSize: size, resizeTo, layout, channels, mean, std} = format;
  const [step, second, third] = layout === 'nchw' ? [1, size ** 2, 2 * size ** 2] : [3, 1, 2];
  const first = channels === 'bgr' ? 2 : 0;
  const last = 2 - first;
  const [mean0, mean1, mean2] = [mean[0]!, mean[1]!, mean[2]!];
  const [std0, std1, std2] = [std[0]!, std[1]!, std[2]!];
  const margin = Math.floor((resizeTo - size) / 2);
  for (let y = 0, at = offset; y < size; y++) {
    let from = ((y + margin) * resizeTo + margin) * 3;
    for (let x = 0; x < size; x++, from += 3, at += step) {
      target[at] = (rgb[from + first]! - mean0) / std0;
      target[at + second] = (rgb[from + 1]! - mean1) / std1;
      target[at + third] = (rgb[from + last]! - mean2) / std2;
    }
  }
}

/** Luma weights of ITU-R BT.601, as OpenCV and Pillow turn colour into grey. */
const luma = [0.299, 0.587, 0.114] as const;

function writeGrey(rgb: Uint8Array, format: ImageFormat, target: Float32Array, offset: number): void {
  const {inputSize: size, resizeTo, mean, std} = format;
  const margin = Math.floor((resizeTo - size) / 2);
  for (let y = 0, at = offset; y < size; y++) {
    let from = ((y + margin) * resizeTo + margin) * 3;
    for (let x = 0; x < size; x++, from += 3, at++) {
      const grey = luma[0] * rgb[from]! + luma[1] * rgb[from + 1]! + luma[2] * rgb[from + 2]!;
      target[at] = (grey - mean[0]!) / std[0]!;
    }
  }
}
