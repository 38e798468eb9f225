/** A forward pass over the frames of a clip, in batches of one size. */
import type {Arrays, Inference, TensorSpecs} from '../learning/program.js';
import {middleView} from './augmentation.js';
import type {FrameImages} from './frame-images.js';
import type {Network} from './networks/network.js';
import {imageShape} from './networks/network.js';

/** Frames of a batch. */
const BATCH_FRAMES = 32;

/** What a pass reads beside weights and statistics: 'images' [N, H, W, C] and 'real' [1, N]. */
export const frameSpecs = (network: Network): TensorSpecs => ({
  images: {shape: [BATCH_FRAMES, ...imageShape(network)], dtype: 'float32'},
  real: {shape: [1, BATCH_FRAMES], dtype: 'float32'},
});

export interface PassArguments {
  readonly network: Network;
  readonly inference: Inference;
  /** Name of the output that is wanted, [N, values]. */
  readonly output: string;
  /** Every how many frames one is read. */
  readonly stride: number;
  /** Weights and statistics, where the pass has none of its own. */
  readonly state?: Arrays;
  readonly signal: AbortSignal;
}

/** The output for every `stride`-th frame of a clip, row-major; crops are seen by their middle. */
export async function passOver(clip: FrameImages, args: PassArguments): Promise<Float32Array> {
  const {network, inference, output, stride, state = {}, signal} = args;
  const total = Math.ceil(clip.frameCount / stride);
  const shape = imageShape(network);
  const size = shape[0] * shape[1] * shape[2];
  const real = {shape: [1, BATCH_FRAMES], values: new Float32Array(BATCH_FRAMES).fill(1)};
  const parts: Float32Array[] = [];
  for (let start = 0; start < total; start += BATCH_FRAMES) {
    signal.throwIfAborted();
    const count = Math.min(BATCH_FRAMES, total - start);
    const values = new Float32Array(BATCH_FRAMES * size);
    const frames = {first: start * stride, stride, count};
    await clip.write(values.subarray(0, count * size), frames, middleView(network));
    const images = {shape: [BATCH_FRAMES, ...shape], values};
    const result = (await inference.run({images, real, ...state}))[output]!;
    parts.push(Float32Array.from(result.values.subarray(0, (count * result.values.length) / BATCH_FRAMES)));
  }
  return joined(parts);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, {length}) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
