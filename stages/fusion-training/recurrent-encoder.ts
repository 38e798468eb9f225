/**
 * The bidirectional LSTM of RJCA's code: two layers from learnt initial states, its input beside its output, a linear
 * map, vectors of length 1.
 */
import {tf} from '../learning/tf.js';
import type {Declaration, Scope} from '../learning/layers/declaration.js';
import {declare, named} from '../learning/layers/declaration.js';
import {dense, denseWeights} from '../learning/layers/dense.js';
import {dropout, dropoutMask} from '../learning/layers/dropout.js';
import {xavierUniform, zeros} from '../learning/layers/initialisers.js';
import {l2Normalise} from '../learning/layers/l2-norm.js';
import {lstm, lstmWeights} from '../learning/layers/lstm.js';

const LAYERS = 2;

export interface RecurrentShape {
  readonly inputs: number;
  /** Features after the map; an even number, half of them from each direction. */
  readonly outputs: number;
  readonly dropout: number;
  readonly length: number;
}

export function recurrentWeights(name: string, {inputs, outputs, dropout: rate, length}: RecurrentShape): Declaration {
  const units = outputs / 2;
  return declare(
    lstmWeights(`${name}.rnn`, {inputs, units, layers: LAYERS, dropout: rate, length}),
    {weights: {[`${name}.init_hidden`]: {shape: [4 * LAYERS, units], initialise: xavierUniform()}}},
    dropoutMask(`${name}.dropout`, [length, inputs + outputs], rate),
    denseWeights(`${name}.linear`, {inputs: inputs + outputs, outputs, weight: xavierUniform(), biasValue: zeros}),
  );
}

/** Maps x [B, L, d] to unit vectors [B, L, outputs], 0 where padded. */
export function recurrent(scope: Scope, name: string, x: tf.Tensor): tf.Tensor {
  const [hidden, cell] = tf.split(named(scope.weights, `${name}.init_hidden`), 2, 0) as [tf.Tensor, tf.Tensor];
  const states = lstm(scope, `${name}.rnn`, {layers: LAYERS, initial: {hidden, cell}}, x);
  const beside = dropout(scope, `${name}.dropout`, tf.concat([x, states], 2));
  return l2Normalise(dense(scope, `${name}.linear`, beside)).mul(scope.real);
}
