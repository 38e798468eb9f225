/** Regressors of the clip-level systems: one small perceptron per target, on shared features. */
import {tf} from '../learning/tf.js';
import type {Declaration, Scope} from '../learning/layers/declaration.js';
import {declare} from '../learning/layers/declaration.js';
import {dense, denseWeights} from '../learning/layers/dense.js';
import {dropout, dropoutMask} from '../learning/layers/dropout.js';

export interface TargetHeads {
  /** 'relu' or nothing between the two linear layers; the authors' sequences count it as a layer. */
  readonly activation: 'relu' | 'none';
}

export interface TargetHeadWeights extends TargetHeads {
  readonly inputs: number;
  readonly units: number;
  readonly dropout: number;
  readonly targetCount: number;
  readonly length: number;
}

export function targetHeadWeights(options: TargetHeadWeights): Declaration {
  const {inputs, units, dropout: rate, targetCount, length} = options;
  return declare(
    ...namesOf(targetCount).flatMap((name) => [
      denseWeights(`${name}.0`, {inputs, outputs: units}),
      dropoutMask(`${name}.dropout`, [length, units], rate),
      denseWeights(`${name}.${lastIndex(options)}`, {inputs: units, outputs: 1}),
    ]),
  );
}

/** Maps features [B, L, d] to predictions [B, L, T], before any bound. */
export function targetHeads(scope: Scope, options: TargetHeads, x: tf.Tensor): tf.Tensor {
  const names = namesOf('vregressor.0.weight' in scope.weights ? 2 : 1);
  return tf.concat(
    names.map((name) => {
      const hidden = dense(scope, `${name}.0`, x);
      const active = options.activation === 'relu' ? hidden.relu() : hidden;
      return dense(scope, `${name}.${lastIndex(options)}`, dropout(scope, `${name}.dropout`, active));
    }),
    2,
  );
}

/** Names of the authors' state dicts: with two heads, valence and arousal. */
const namesOf = (targetCount: number): string[] => (targetCount === 2 ? ['vregressor', 'aregressor'] : ['regressor']);

const lastIndex = ({activation}: TargetHeads): number => (activation === 'relu' ? 3 : 2);
