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
  const {inputSize: size, layout} = format;
  const scaled = scaleTo(image, format.resizeTo);
  const count = channelCount(format);
  const [pixelStep, channelStep] = layout === 'nchw' ? [1, size ** 2] : [count, 1];
  for (let channel = 0; channel < count; channel++) {
    const plane = format.channels === 'grey' ? writeGrey : writeChannel;
    plane(scaled, format, target, {channel, start: offset + channel * channelStep, step: pixelStep});
  }
}

interface Place {
  readonly channel: number;
  /** Index of the first value, and values from one pixel to the next. */
  readonly start: number;
  readonly step: number;
}

function writeChannel({rgb, width}: RgbImage, format: ImageFormat, target: Float32Array, place: Place): void {
  const {inputSize: size, channels, resizeTo} = format;
  const margin = Math.floor((resizeTo - size) / 2);
  const mean = format.mean[place.channel]!;
  const std = format.std[place.channel]!;
  // A value has 256 levels, so a division for each costs less than one for each pixel.
  const levels = new Float32Array(256);
  for (let level = 0; level < 256; level++) levels[level] = (level - mean) / std;
  const source = channels === 'bgr' ? 2 - place.channel : place.channel;
  for (let y = 0, at = place.start; y < size; y++) {
    let from = ((y + margin) * width + margin) * 3 + source;
    for (let x = 0; x < size; x++, at += place.step, from += 3) target[at] = levels[rgb[from]!]!;
  }
}

/** Luma weights of ITU-R BT.601, as OpenCV and Pillow turn colour into grey. */
const luma = [0.299, 0.587, 0.114] as const;

function writeGrey({rgb, width}: RgbImage, format: ImageFormat, target: Float32Array, {start, step}: Place): void {
  const {inputSize: size, mean, std, resizeTo} = format;
  const margin = Math.floor((resizeTo - size) / 2);
  for (let y = 0, at = start; y < size; y++) {
    let from = ((y + margin) * width + margin) * 3;
    for (let x = 0; x < size; x++, at += step, from += 3) {
      const grey = luma[0] * rgb[from]! + luma[1] * rgb[from + 1]! + luma[2] * rgb[from + 2]!;
      target[at] = (grey - mean[0]!) / std[0]!;
    }
  }
}
