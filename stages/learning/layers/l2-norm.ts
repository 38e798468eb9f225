/** Scaling of vectors to length 1. */
import type * as tf from '@tensorflow/tfjs';

/** Squared length below which a vector counts as zero; keeps the gradient of a zero vector finite. */
const SMALLEST_SQUARE = 1e-12;

/** x / ‖x‖ over the last axis; zero vectors stay zero. */
export function l2Normalise(x: tf.Tensor): tf.Tensor {
  return x.mul(x.square().sum(-1, true).maximum(SMALLEST_SQUARE).rsqrt());
}
