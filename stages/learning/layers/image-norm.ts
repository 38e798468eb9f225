/**
 * Batch normalisation of the last axis of images and of vectors of images (PyTorch's BatchNorm2d and BatchNorm1d), as
 * `batch-norm.ts` does for steps of windows: images that are padding do not count, momentum 0.1, unbiased running variance.
 */
import type {tf} from '../tf.js';
import type {Counted} from './batch-norm.js';
import {batchMoments, batchNormWeights, EPSILON, runningMoments} from './batch-norm.js';
import type {Scope} from './declaration.js';
import {named, sizeOf} from './declaration.js';

export const imageNormWeights = batchNormWeights;

/** Normalises x [N, …, d]; N = B · L images of the windows of `scope.real` [B, L, 1]. */
export function imageNorm<T extends tf.Tensor>(scope: Scope, name: string, x: T): T {
  const fixed = !scope.training || (scope.isFixed?.(name) ?? false);
  const [mean, variance] = fixed ? runningMoments(scope, name) : batchMoments(scope, name, x, realImages(scope, x));
  const scale = named(scope.weights, `${name}.weight`).mul(variance.add(EPSILON).rsqrt());
  const offset = named(scope.weights, `${name}.bias`).sub(mean.mul(scale));
  return x.mul(scale).add(offset);
}

/** The images that are no padding, at all their positions. */
function realImages(scope: Scope, x: tf.Tensor): Counted {
  const positions = sizeOf(x.shape.slice(1, -1));
  const real = scope.real.reshape([x.shape[0]!, ...x.shape.slice(1).map(() => 1)]);
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  return {real, count: real.sum().mul(positions).maximum(1), axes};
}
