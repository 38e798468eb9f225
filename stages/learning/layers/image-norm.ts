/**
 * Batch normalisation of the last axis of images and of vectors of images (PyTorch's BatchNorm2d and BatchNorm1d), as
 * `batch-norm.ts` does for steps of windows: images that are padding do not count, momentum 0.1, unbiased running variance.
 */
import {tf} from '../tf.js';
import type {Counted} from './batch-norm.js';
import {batchNormWeights, normByBatch, normByRunning} from './batch-norm.js';
import type {Scope} from './declaration.js';
import {sizeOf} from './declaration.js';

export const imageNormWeights = batchNormWeights;

/** Normalises x [N, …, d]; N = B · L images of the windows of `scope.real` [B, L, 1]. */
export function imageNorm<T extends tf.Tensor>(scope: Scope, name: string, x: T): T {
  const isFixed = !scope.training || (scope.isFixed?.(name) ?? false);
  return isFixed ? normByRunning(scope, name, x) : normByBatch(scope, name, x, realImages(scope, x));
}

/** The images that are no padding, at all their positions. */
function realImages({real}: Scope, {shape}: tf.Tensor): Counted {
  const [images, positions] = [shape[0]!, sizeOf(shape.slice(1, -1))];
  const count = real.sum().mul(positions).maximum(1);
  const sum = (x: tf.Tensor): tf.Tensor => {
    const each = x.reshape([images, positions, shape.at(-1)!]).sum(1);
    return tf.matMul(real.reshape<tf.Tensor2D>([1, images]), each as tf.Tensor2D);
  };
  return {real: real.reshape([images, ...shape.slice(1).map(() => 1)]), count, sum};
}
