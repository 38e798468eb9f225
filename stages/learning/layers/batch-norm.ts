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
export const EPSILON = 1e-5;

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
  const [mean, variance] = scope.training
    ? batchMoments(scope, name, x, realSteps(scope))
    : runningMoments(scope, name);
  const scale = named(scope.weights, `${name}.weight`).div(variance.add(EPSILON).sqrt());
  return x
    .sub(mean)
    .mul(scale)
    .add(named(scope.weights, `${name}.bias`));
}

/** The mean and variance that inference uses. */
export const runningMoments = (scope: Scope, name: string): [tf.Tensor, tf.Tensor] => [
  named(scope.statistics, `${name}.running_mean`),
  named(scope.statistics, `${name}.running_var`),
];

/** What of a batch counts. */
export interface Counted {
  /** 1 for what counts and 0 for padding, in a shape that x can be multiplied by. */
  readonly real: tf.Tensor;
  /** Values of each feature that count, at least 1. */
  readonly count: tf.Tensor;
  /** Axes that are reduced. */
  readonly axes: number[];
}

const realSteps = ({real: steps}: Scope): Counted => ({real: steps, count: steps.sum().maximum(1), axes: [0, 1]});

/** Mean and variance of what counts; updates the running ones. */
export function batchMoments(scope: Scope, name: string, x: tf.Tensor, counted: Counted): [tf.Tensor, tf.Tensor] {
  const {real: mask, count, axes} = counted;
  const mean = x.mul(mask).sum(axes).div(count);
  const variance = x.sub(mean).square().mul(mask).sum(axes).div(count);
  const unbiased = variance.mul(count.div(count.sub(1).maximum(1)));
  const [oldMean, oldVariance] = runningMoments(scope, name);
  // Kept, because the tape that differentiates the loss disposes of everything but the loss.
  scope.updates[`${name}.running_mean`] = tf.keep(blend(oldMean, mean));
  scope.updates[`${name}.running_var`] = tf.keep(blend(oldVariance, unbiased));
  return [mean, variance];
}

const blend = (old: tf.Tensor, fresh: tf.Tensor): tf.Tensor => old.mul(1 - MOMENTUM).add(fresh.mul(MOMENTUM));
