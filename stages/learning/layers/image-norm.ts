/**
 * Batch normalisation of the last axis of images and of vectors of images (PyTorch's BatchNorm2d and BatchNorm1d), as
 * `batch-norm.ts` does for steps of windows: images that are padding do not count, momentum 0.1, unbiased running variance.
 */
import {tf} from '../tf.js';
import {batchNormWeights} from './batch-norm.js';
import type {Scope} from './declaration.js';
import {named, sizeOf} from './declaration.js';

const MOMENTUM = 0.1;
const EPSILON = 1e-5;

export const imageNormWeights = batchNormWeights;

/** Normalises x [N, …, d]; N = B · L images of the windows of `scope.real` [B, L, 1]. */
export function imageNorm<T extends tf.Tensor>(scope: Scope, name: string, x: T): T {
  const fixed = !scope.training || (scope.isFixed?.(name) ?? false);
  const [mean, variance] = fixed ? runningMoments(scope, name) : batchMoments(scope, name, x);
  const scale = named(scope.weights, `${name}.weight`).mul(variance.add(EPSILON).rsqrt());
  const offset = named(scope.weights, `${name}.bias`).sub(mean.mul(scale));
  return x.mul(scale).add(offset);
}

const runningMoments = (scope: Scope, name: string): [tf.Tensor, tf.Tensor] => [
  named(scope.statistics, `${name}.running_mean`),
  named(scope.statistics, `${name}.running_var`),
];

function batchMoments(scope: Scope, name: string, x: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const positions = sizeOf(x.shape.slice(1, -1));
  const real = scope.real.reshape([x.shape[0]!, ...x.shape.slice(1).map(() => 1)]);
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const count = real.sum().mul(positions).maximum(1);
  const mean = x.mul(real).sum(axes).div(count);
  const variance = x.sub(mean).square().mul(real).sum(axes).div(count);
  const unbiased = variance.mul(count.div(count.sub(1).maximum(1)));
  const [oldMean, oldVariance] = runningMoments(scope, name);
  // Kept, because the tape that differentiates the loss disposes of everything but the loss.
  scope.updates[`${name}.running_mean`] = tf.keep(blend(oldMean, mean));
  scope.updates[`${name}.running_var`] = tf.keep(blend(oldVariance, unbiased));
  return [mean, variance];
}

const blend = (old: tf.Tensor, fresh: tf.Tensor): tf.Tensor => old.mul(1 - MOMENTUM).add(fresh.mul(MOMENTUM));
