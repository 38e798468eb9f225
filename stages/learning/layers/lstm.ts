/**
 * Bidirectional long short-term memory (Hochreiter and Schmidhuber, 1997) with the weights of PyTorch's LSTM, unrolled
 * over the steps of a window. A padded step leaves the state as it is, so the backward direction starts at the last
 * real step.
 */
import * as tf from '@tensorflow/tfjs';
import type {Declaration, Scope} from './declaration.js';
import {declare, named} from './declaration.js';
import {dropout, dropoutMask} from './dropout.js';
import {linear} from './dense.js';
import {uniform} from './initialisers.js';

export interface LstmShape {
  readonly inputs: number;
  /** Units of each direction. */
  readonly units: number;
  readonly layers: number;
  /** Dropout between layers. */
  readonly dropout: number;
  /** Steps of a window, for the shapes of the masks. */
  readonly length: number;
}

const directions = ['', '_reverse'] as const;

export function lstmWeights(name: string, {inputs, units, layers, dropout: rate, length}: LstmShape): Declaration {
  const initialise = uniform(1 / Math.sqrt(units));
  const weight = (shape: readonly number[]) => ({shape, initialise});
  return declare(
    ...Array.from({length: layers}, (_, layer) => {
      const width = layer === 0 ? inputs : 2 * units;
      const ofDirection = (suffix: string) => ({
        [`${name}.weight_ih_l${layer}${suffix}`]: weight([4 * units, width]),
        [`${name}.weight_hh_l${layer}${suffix}`]: weight([4 * units, units]),
        [`${name}.bias_ih_l${layer}${suffix}`]: weight([4 * units]),
        [`${name}.bias_hh_l${layer}${suffix}`]: weight([4 * units]),
      });
      const between = layer > 0 ? dropoutMask(`${name}.dropout${layer}`, [length, 2 * units], rate) : {};
      return declare({weights: Object.assign({}, ...directions.map(ofDirection)) as Declaration['weights']}, between);
    }),
  );
}

export interface LstmOptions {
  readonly layers: number;
  /** First hidden and cell states, one row per layer and direction: [2 · layers, units] each. */
  readonly initial: {readonly hidden: tf.Tensor; readonly cell: tf.Tensor};
}

/** Maps x [B, L, inputs] to [B, L, 2 · units]: forward and backward states of the last layer. */
export function lstm(scope: Scope, name: string, {layers, initial}: LstmOptions, x: tf.Tensor): tf.Tensor {
  let y = x;
  for (let layer = 0; layer < layers; layer++) {
    const fed = layer === 0 ? y : dropout(scope, `${name}.dropout${layer}`, y);
    const both = directions.map((suffix, direction) => {
      const row = 2 * layer + direction;
      const start = {hidden: rowOf(initial.hidden, row), cell: rowOf(initial.cell, row)};
      return oneDirection(scope, {name, suffix: `l${layer}${suffix}`, backward: direction === 1}, start, fed);
    });
    y = tf.concat(both, 2);
  }
  return y;
}

const rowOf = (states: tf.Tensor, row: number): tf.Tensor => tf.slice(states, [row, 0], [1, states.shape[1]!]);

interface State {
  readonly hidden: tf.Tensor;
  readonly cell: tf.Tensor;
}

interface DirectionOptions {
  readonly name: string;
  readonly suffix: string;
  readonly backward: boolean;
}

function oneDirection(scope: Scope, {name, suffix, backward}: DirectionOptions, start: State, x: tf.Tensor): tf.Tensor {
  const [batch, length] = x.shape as [number, number];
  const weight = (kind: string) => named(scope.weights, `${name}.${kind}_${suffix}`);
  const recurrent = weight('weight_hh');
  const driven = linear(x, weight('weight_ih'), weight('bias_ih').add(weight('bias_hh')));
  const steps = tf.unstack(driven, 1);
  const real = tf.unstack(scope.real, 1);
  let state: State = {hidden: tf.tile(start.hidden, [batch, 1]), cell: tf.tile(start.cell, [batch, 1])};
  const outputs: tf.Tensor[] = [];
  for (let i = 0; i < length; i++) {
    const t = backward ? length - 1 - i : i;
    const next = cellStep(steps[t]!.add(linear(state.hidden, recurrent)), state.cell);
    state = {hidden: held(state.hidden, next.hidden, real[t]!), cell: held(state.cell, next.cell, real[t]!)};
    outputs[t] = state.hidden;
  }
  return tf.stack(outputs, 1);
}

/** Gates [B, 4 · units] in PyTorch's order: input, forget, cell, output. */
function cellStep(gates: tf.Tensor, cell: tf.Tensor): State {
  const [input, forget, candidate, output] = tf.split(gates, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const next = forget.sigmoid().mul(cell).add(input.sigmoid().mul(candidate.tanh()));
  return {hidden: output.sigmoid().mul(next.tanh()), cell: next};
}

/** The new state at real steps, the old one at padded ones. */
const held = (old: tf.Tensor, next: tf.Tensor, real: tf.Tensor): tf.Tensor => old.add(next.sub(old).mul(real));
