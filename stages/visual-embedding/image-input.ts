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
  const {rgb, width} = scaleTo(image, format.resizeTo);
  const {inputSize: size, mean, std} = format;
  const margin = Math.floor((format.resizeTo - size) / 2);
  const count = channelCount(format);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = ((y + margin) * width + x + margin) * 3;
      for (let channel = 0; channel < count; channel++) {
        const at = format.layout === 'nchw' ? (channel * size + y) * size + x : (y * size + x) * count + channel;
        target[offset + at] = (value(rgb, from, channel, format.channels) - mean[channel]!) / std[channel]!;
      }
    }
  }
}

/** Luma weights of ITU-R BT.601, as OpenCV and Pillow turn colour into grey. */
const luma = [0.299, 0.587, 0.114] as const;

function value(rgb: Uint8Array, from: number, channel: number, channels: ImageFormat['channels']): number {
  if (channels === 'grey') return luma[0] * rgb[from]! + luma[1] * rgb[from + 1]! + luma[2] * rgb[from + 2]!;
  return rgb[from + (channels === 'bgr' ? 2 - channel : channel)]!;
}
