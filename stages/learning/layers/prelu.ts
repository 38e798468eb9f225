/** Rectifier with a trained slope per channel (He et al., ICCV 2015): max(x, 0) + a min(x, 0). */
import {tf} from '../tf.js';
import type {Declaration, Scope} from './declaration.js';
import {named} from './declaration.js';
import {constant} from './initialisers.js';

export function preluWeights(name: string, channels: number): Pick<Declaration, 'weights'> {
  return {weights: {[`${name}.weight`]: {shape: [channels], initialise: constant(0.25)}}};
}

/** Activates x [N, H, W, C]. */
export const prelu = (scope: Scope, name: string, x: tf.Tensor4D): tf.Tensor4D =>
  tf.prelu(x, named(scope.weights, `${name}.weight`)) as tf.Tensor4D;
