/** A linear map over the last axis: y = x Wᵀ + b, with W [out, in] and b [out]. */
import {tf} from '../tf.js';
import type {Declaration, Scope} from './declaration.js';
import {named} from './declaration.js';
import type {Initialiser} from './initialisers.js';
import {torchDefault, uniform} from './initialisers.js';

export interface DenseOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly bias?: boolean;
  readonly weight?: Initialiser;
  readonly biasValue?: Initialiser;
}

export function denseWeights(name: string, options: DenseOptions): Pick<Declaration, 'weights'> {
  const {inputs, outputs, bias = true, weight = torchDefault, biasValue = uniform(1 / Math.sqrt(inputs))} = options;
  return {
    weights: {
      [`${name}.weight`]: {shape: [outputs, inputs], initialise: weight},
      ...(bias && {[`${name}.bias`]: {shape: [outputs], initialise: biasValue}}),
    },
  };
}

/** Maps x [..., in] to [..., out]; adds the bias where one is declared. */
export function dense(scope: Scope, name: string, x: tf.Tensor): tf.Tensor {
  const weight = named(scope.weights, `${name}.weight`);
  const y = linear(x, weight, scope.weights[`${name}.bias`]);
  return y;
}

/** x [..., in] · W [out, in] ᵀ + b [out] as one matrix product over all leading axes. */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const inputs = x.shape.at(-1)!;
  const product = tf.matMul(x.reshape([-1, inputs]), weight as tf.Tensor2D, false, true);
  const shifted = bias === undefined ? product : product.add(bias);
  return shifted.reshape([...x.shape.slice(0, -1), weight.shape[0]!]);
}
