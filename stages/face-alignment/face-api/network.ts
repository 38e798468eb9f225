import type * as tf from '@tensorflow/tfjs';
import {compileForward} from '../../learning/engine.js';
import type {Arrays, ArrayValue, Tensors} from '../../learning/program.js';

/** A network from one square image to named outputs. */
export interface Network<K extends string> {
  /** `pixels` is [size, size, 3] in [0, 255]; outputs have a leading axis of 1. */
  run(pixels: Float32Array): Promise<Record<K, ArrayValue>>;
  release(): Promise<void>;
}

export interface Surroundings {
  /** Paths of model files by id. */
  readonly models: Readonly<Record<string, string>>;
  readonly threads: number;
}

export interface NetworkOptions<K extends string> {
  readonly weights: Arrays;
  readonly forward: (weights: Tensors, images: tf.Tensor4D) => Record<K, tf.Tensor>;
  readonly size: number;
  readonly surroundings: Surroundings;
}

/**
 * Compiles a network for one image at a time: on a CPU thread, batches of 4 or 8 frames were measured to be
 * no faster than single frames (1.1 ms for landmarks, 3.0 ms for the tiny detector at 320 pixels).
 */
export async function openNetwork<K extends string>({
  weights,
  forward,
  size,
  surroundings,
}: NetworkOptions<K>): Promise<Network<K>> {
  const shape = [1, size, size, 3];
  const inference = await compileForward(
    (own, {images}) => forward(own, images as tf.Tensor4D),
    weights,
    {images: {shape, dtype: 'float32'}},
    // Features must not depend on the machine's accelerator, so these small networks always run on the CPU.
    {device: 'cpu', threads: surroundings.threads},
  );
  return {
    run: async (pixels) => (await inference.run({images: {shape, values: pixels}})) as Record<K, ArrayValue>,
    release: () => inference.release(),
  };
}
