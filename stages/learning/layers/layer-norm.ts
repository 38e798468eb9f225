/** Layer normalisation of the last axis (Ba et al., 2016), with PyTorch's default epsilon. */
import type * as tf from '@tensorflow/tfjs';
import type {Declaration, Scope} from './declaration.js';
import {named} from './declaration.js';
import {ones, zeros} from './initialisers.js';

const EPSILON = 1e-5;

export function layerNormWeights(name: string, shape: readonly number[]): Pick<Declaration, 'weights'> {
  return {
    weights: {
      [`${name}.weight`]: {shape, initialise: ones},
      [`${name}.bias`]: {shape, initialise: zeros},
    },
  };
}

/** Normalises x over as many last axes as the layer's weight has. */
export function layerNorm(scope: Scope, name: string, x: tf.Tensor): tf.Tensor {
  const weight = named(scope.weights, `${name}.weight`);
  const axes = weight.shape.map((_, i) => x.rank - weight.rank + i);
  const centred = x.sub(x.mean(axes, true));
  const variance = centred.square().mean(axes, true);
  return centred
    .div(variance.add(EPSILON).sqrt())
    .mul(weight)
    .add(named(scope.weights, `${name}.bias`));
}
