/**
 * Face crops of a clip as a network reads them. For training they are decoded and scaled once, into a file of raw pixels
 * from which windows are read: every epoch reads every crop, and decoding takes longer than reading.
 */
import {open, rename, stat} from 'node:fs/promises';
import path from 'node:path';
import type {ShardReader} from '../../cache/shard.js';
import {mapAhead} from '../face-alignment/ahead.js';
import {decodeCrop} from '../face-alignment/crop-image.js';
import {scaleTo} from '../face-alignment/warp.js';
import {readLabels} from '../fusion-training/fold-data.js';
import type {faces, labels} from '../schemas.js';
import type {FoldShards} from '../stage.js';
import type {View} from './augmentation.js';
import type {Split, Splits} from './data.js';
import type {FrameImages, Frames} from './frame-images.js';
import type {CropFormat, Network} from './networks/network.js';

/** Crops that are decoded while others are scaled. */
const CROPS_AHEAD = 16;

interface FoldInputs {
  readonly faces: FoldShards<typeof faces>;
  readonly labels: FoldShards<typeof labels>;
}

/** Opens crops and labels of a fold, one file of pixels per clip in `folder`. */
export async function openFaces(
  inputs: FoldInputs,
  {format}: Pick<Network, 'format'>,
  {folder, signal}: {readonly folder: string; readonly signal: AbortSignal},
): Promise<Splits> {
  if (format.kind !== 'crop') throw new TypeError('Expected a network of face crops');
  const open = async (part: keyof FoldInputs['faces']): Promise<Split> => {
    const images: FrameImages[] = [];
    for (const [clip, reader] of inputs.faces[part].entries())
      images.push(await openCrops(reader, format, {file: path.join(folder, `${part}-${clip}.rgb`), signal}));
    return {labels: await Promise.all(inputs.labels[part].map(readLabels)), images};
  };
  return {train: await open('train'), validation: await open('validation')};
}

/** Opens the crops of a clip; `file` takes the pixels, and serves a training that is continued. */
async function openCrops(
  reader: ShardReader<typeof faces>,
  format: CropFormat,
  {file, signal}: {readonly file: string; readonly signal: AbortSignal},
): Promise<FrameImages> {
  const bytesPerCrop = 3 * format.resizeTo ** 2;
  const known = await stat(file).catch(() => undefined);
  if (known?.size !== reader.rowCount * bytesPerCrop) await writePixels(reader, format, {file, signal});
  return {
    frameCount: reader.rowCount,
    async write(out, frames, view) {
      const pixels = await readPixels(file, frames, bytesPerCrop);
      const size = 3 * format.size ** 2;
      for (let k = 0; k < frames.count; k++) {
        const start = k * frames.stride * bytesPerCrop;
        writeView(out.subarray(k * size, (k + 1) * size), pixels.subarray(start, start + bytesPerCrop), format, view);
      }
    },
  };
}

/** The crops of a clip that is read once: decoded when they are asked for, and kept nowhere. */
export function storedCrops(reader: ShardReader<typeof faces>, format: CropFormat): FrameImages {
  const size = 3 * format.size ** 2;
  return {
    frameCount: reader.rowCount,
    async write(out, {first, stride, count}, view) {
      let k = 0;
      for await (const {image} of reader.rows(first, first + (count - 1) * stride + 1)) {
        if (k % stride === 0) {
          const start = (k / stride) * size;
          writeView(
            out.subarray(start, start + size),
            scaleTo(await decodeCrop(image), format.resizeTo).rgb,
            format,
            view,
          );
        }
        k++;
      }
    },
  };
}

async function writePixels(
  reader: ShardReader<typeof faces>,
  {resizeTo}: CropFormat,
  {file, signal}: {readonly file: string; readonly signal: AbortSignal},
): Promise<void> {
  const crops = mapAhead(reader.rows(), CROPS_AHEAD, ({image}) => decodeCrop(image));
  const handle = await open(`${file}.tmp`, 'w');
  try {
    for await (const crop of crops) {
      signal.throwIfAborted();
      await handle.write(scaleTo(crop, resizeTo).rgb);
    }
  } finally {
    await handle.close();
  }
  await rename(`${file}.tmp`, file);
}

async function readPixels(file: string, {first, stride, count}: Frames, bytesPerCrop: number): Promise<Uint8Array> {
  const pixels = new Uint8Array(((count - 1) * stride + 1) * bytesPerCrop);
  const handle = await open(file, 'r');
  try {
    let done = 0;
    while (done < pixels.length) {
      const {bytesRead} = await handle.read(pixels, done, pixels.length - done, first * bytesPerCrop + done);
      if (bytesRead === 0) throw new RangeError(`Expected ${pixels.length} bytes from frame ${first} on, got ${done}`);
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return pixels;
}

/** One crop [resizeTo, resizeTo, 3] of bytes → what the network sees of it [size, size, 3]. */
export function writeView(
  out: Float32Array,
  pixels: Uint8Array,
  {resizeTo, size, mean, std}: CropFormat,
  {left, top, mirrored}: View,
): void {
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = ((y + top) * resizeTo + left + (mirrored ? size - 1 - x : x)) * 3;
      for (let channel = 0; channel < 3; channel++, at++)
        out[at] = (pixels[from + channel]! - mean[channel]!) / std[channel]!;
    }
  }
}
