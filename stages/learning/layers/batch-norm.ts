/**
 * Batch normalisation of the last axis (Ioffe and Szegedy, ICML 2015), over real steps only: padding neither enters
 * the moments nor is changed by them. Training uses the moments of the batch and updates running ones as PyTorch's
 * BatchNorm1d does (momentum 0.1, unbiased running variance); inference uses the running ones.
 */
import {tf} from '../tf.js';
import type {Declaration, Scope} from './declaration.js';
import {named} from './declaration.js';
import {ones, zeros} from './initialisers.js';

const MOMENTUM = 0.1;
const EPSILON = 1e-5;

export function batchNormWeights(name: string, features: number): Pick<Declaration, 'weights' | 'statistics'> {
  return {
    weights: {
      [`${name}.weight`]: {shape: [features], initialise: ones},
      [`${name}.bias`]: {shape: [features], initialise: zeros},
    },
    statistics: {
      [`${name}.running_mean`]: {shape: [features], value: 0},
      [`${name}.running_var`]: {shape: [features], value: 1},
    },
  };
}

/** Normalises x [B, L, d]. */
export function batchNorm(scope: Scope, name: string, x: tf.Tensor): tf.Tensor {
  const [mean, variance] = scope.training ? batchMoments(scope, name, x) : runningMoments(scope, name);
  const scale = named(scope.weights, `${name}.weight`).div(variance.add(EPSILON).sqrt());
  return x
    .sub(mean)
    .mul(scale)
    .add(named(scope.weights, `${name}.bias`));
}

const runningMoments = (scope: Scope, name: string): [tf.Tensor, tf.Tensor] => [
  named(scope.statistics, `${name}.running_mean`),
  named(scope.statistics, `${name}.running_var`),
];

function batchMoments(scope: Scope, name: string, x: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const count = scope.real.sum().maximum(1);
  const mean = x.mul(scope.real).sum([0, 1]).div(count);
  const variance = x.sub(mean).square().mul(scope.real).sum([0, 1]).div(count);
  const unbiased = variance.mul(count.div(count.sub(1).maximum(1)));
  const [oldMean, oldVariance] = runningMoments(scope, name);
  // Kept, because the tape that differentiates the loss disposes of everything but the loss.
  scope.updates[`${name}.running_mean`] = tf.keep(blend(oldMean, mean));
  scope.updates[`${name}.running_var`] = tf.keep(blend(oldVariance, unbiased));
  return [mean, variance];
}

const blend = (old: tf.Tensor, fresh: tf.Tensor): tf.Tensor => old.mul(1 - MOMENTUM).add(fresh.mul(MOMENTUM));
