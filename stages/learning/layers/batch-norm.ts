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
  return scope.training ? normByBatch(scope, name, x, realSteps(scope)) : normByRunning(scope, name, x);
}

/** Normalises x […, d] by the running moments. */
export function normByRunning<T extends tf.Tensor>(scope: Scope, name: string, x: T): T {
  const [mean, variance] = runningMoments(scope, name);
  const factor = named(scope.weights, `${name}.weight`).mul(variance.add(EPSILON).rsqrt());
  return x.mul(factor).add(named(scope.weights, `${name}.bias`).sub(mean.mul(factor)));
}

const runningMoments = (scope: Scope, name: string): [tf.Tensor, tf.Tensor] => [
  named(scope.statistics, `${name}.running_mean`),
  named(scope.statistics, `${name}.running_var`),
];

/** What of a batch counts. */
export interface Counted {
  /** 1 for what counts and 0 for padding, in a shape that x […, d] can be multiplied by. */
  readonly real: tf.Tensor;
  /** Values of each feature that count, at least 1. */
  readonly count: tf.Tensor;
  /** Sums [1, d] of what counts in x […, d]. */
  readonly sum: (x: tf.Tensor) => tf.Tensor;
}

const realSteps = ({real: steps}: Scope): Counted => ({
  real: steps,
  count: steps.sum().maximum(1),
  sum: (x) => tf.matMul(steps, x, true).sum(0),
});

/**
 * Normalises x […, d] by the moments of what counts, and updates the running ones. With x̂ = (x − μ) / σ and f = w / σ,
 *
 *     dx = f (dy − (Σ dy + x̂ Σ dy x̂) / n)        where x counts, and f dy elsewhere
 *
 * is written out as one multiple of dy, one of x − μ and a constant: fewer passes than operations differentiated one by one.
 */
export function normByBatch<T extends tf.Tensor>(scope: Scope, name: string, x: T, counted: Counted): T {
  const {centred, variance} = batchMoments(scope, name, x, counted);
  const weight = named(scope.weights, `${name}.weight`);
  const inverse = variance.add(EPSILON).rsqrt();
  const factor = weight.mul(inverse);
  const normalise = tf.customGrad((...given) => {
    const [bias, save] = given.slice(2) as unknown as [tf.Tensor, (tensors: tf.Tensor[]) => void];
    save([centred, inverse, factor, counted.real, counted.count]);
    return {value: centred.mul(factor).add(bias), gradFunc: normGradient};
  });
  return normalise(x, weight, named(scope.weights, `${name}.bias`)) as T;
}

/** Gradients of x, weight and bias. */
function normGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [centred, inverse, factor, real, count] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const leading = dy.shape.slice(0, -1).map((_, axis) => axis);
  const sum = dy.sum(leading);
  const projection = dy.mul(centred).sum(leading).mul(inverse);
  const share = factor.div(count).mul(real);
  const slope = projection.mul(inverse).mul(share);
  const dx = dy.mul(factor).sub(centred.mul(slope)).sub(sum.mul(share));
  return [dx, projection, sum];
}

/** x − μ […, d] and the variance [d] of what counts; updates the running moments. */
function batchMoments(scope: Scope, name: string, x: tf.Tensor, {count, sum}: Counted) {
  const mean = sum(x).div(count).reshape([-1]);
  const centred = x.sub(mean);
  const variance = sum(centred.square()).div(count).reshape([-1]);
  const unbiased = variance.mul(count.div(count.sub(1).maximum(1)));
  const [oldMean, oldVariance] = runningMoments(scope, name);
  // Kept, because the tape that differentiates the loss disposes of everything but the loss.
  scope.updates[`${name}.running_mean`] = tf.keep(blend(oldMean, mean));
  scope.updates[`${name}.running_var`] = tf.keep(blend(oldVariance, unbiased));
  return {centred, variance};
}

const blend = (old: tf.Tensor, fresh: tf.Tensor): tf.Tensor => old.mul(1 - MOMENTUM).add(fresh.mul(MOMENTUM));
