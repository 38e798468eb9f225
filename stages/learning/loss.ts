/**
 * 1 − CCC as a training loss (Lin, Biometrics 1989): ρ = 2 s_xy / (s_x² + s_y² + (m_x − m_y)²), over valid frames only.
 */
import {tf} from './tf.js';

/**
 * Keeps the loss and its gradient finite where label and prediction are constant and equal; small against the variance
 * of any real window. The released value 1e-50 vanishes in float32.
 */
const EPSILON = 1e-8;

export interface LossOptions {
  /** 'window': one CCC per window, averaged. 'batch': one over all frames of the batch. */
  readonly over: 'window' | 'batch';
  /** Or 'released': population covariance over sample variances, which never reaches 0. */
  readonly moments: 'population' | 'sample' | 'released';
  /** How the losses of valence and arousal are joined. */
  readonly targets: 'mean' | 'sum';
}

export interface LossArguments {
  /** [B, L, T] */
  readonly prediction: tf.Tensor;
  /** [B, L, T] */
  readonly label: tf.Tensor;
  /** 1 where the label is valid, else 0 [B, L]. */
  readonly valid: tf.Tensor;
}

/** The loss of a batch, a scalar; windows without a valid frame do not count. */
export function cccLoss(options: LossOptions, {prediction, label, valid}: LossArguments): tf.Scalar {
  const targetCount = label.shape[2]!;
  const weight = valid.expandDims(2);
  const axes = options.over === 'window' ? [1] : [0, 1];
  const count = weight.sum(axes, true);
  const perWindow = concordance(options, {prediction, label, weight, count: count.maximum(1), axes});
  const counted = tf.minimum(count, 1);
  const mean = tf.sub(1, perWindow).mul(counted).sum().div(counted.sum().maximum(1));
  return (options.targets === 'mean' ? mean.div(targetCount) : mean) as tf.Scalar;
}

interface MomentArguments {
  readonly prediction: tf.Tensor;
  readonly label: tf.Tensor;
  readonly weight: tf.Tensor;
  readonly count: tf.Tensor;
  readonly axes: number[];
}

function concordance(options: LossOptions, {prediction, label, weight, count, axes}: MomentArguments): tf.Tensor {
  const mean = (x: tf.Tensor): tf.Tensor => x.mul(weight).sum(axes, true).div(count);
  const meanPrediction = mean(prediction);
  const meanLabel = mean(label);
  const x = prediction.sub(meanPrediction);
  const y = label.sub(meanLabel);
  const spread = mean(x.square()).add(mean(y.square()));
  const asSample = (moment: tf.Tensor): tf.Tensor => moment.mul(count.div(count.sub(1).maximum(1)));
  const variances = options.moments === 'population' ? spread : asSample(spread);
  const denominator = variances.add(meanPrediction.sub(meanLabel).square()).add(EPSILON);
  const covariance = mean(x.mul(y));
  return (options.moments === 'sample' ? asSample(covariance) : covariance).mul(2).div(denominator);
}
