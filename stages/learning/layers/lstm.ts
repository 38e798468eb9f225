/**
 * Bidirectional long short-term memory (Hochreiter and Schmidhuber, 1997) with the weights of PyTorch's LSTM, unrolled
 * over the steps of a window. A padded step leaves the state as it is, so the backward direction starts at the last
 * real step.
 */
import {tf} from '../tf.js';
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
    const start = {hidden: rowsOf(initial.hidden, layer), cell: rowsOf(initial.cell, layer)};
    y = bothDirections(scope, {name, layer}, start, fed);
  }
  return y;
}

/** Rows of the two directions of a layer [2, 1, units]. */
const rowsOf = (states: tf.Tensor, layer: number): tf.Tensor =>
  tf.slice(states, [2 * layer, 0], [2, states.shape[1]!]).expandDims(1);

/** Of both directions at once: [2, B, units], forward first. */
interface State {
  readonly hidden: tf.Tensor;
  readonly cell: tf.Tensor;
}

interface Place {
  readonly name: string;
  readonly layer: number;
}

/** Both directions share every product, the backward one on steps in reverse: half the operations of one by one. */
function bothDirections(scope: Scope, place: Place, start: State, x: tf.Tensor): tf.Tensor {
  const [batch, length] = x.shape as [number, number];
  const recurrent = tf.stack(directions.map((suffix) => weightOf(scope, place, 'weight_hh', suffix)));
  const driven = directions.map((suffix, direction) => {
    const bias = weightOf(scope, place, 'bias_ih', suffix).add(weightOf(scope, place, 'bias_hh', suffix));
    const gates = linear(x, weightOf(scope, place, 'weight_ih', suffix), bias);
    return direction === 0 ? gates : tf.reverse(gates, 1);
  });
  const steps = tf.unstack(tf.stack(driven), 2); //                                                     [2, B, 4 · units]
  const real = tf.unstack(tf.stack([scope.real, tf.reverse(scope.real, 1)]), 2); //                      [2, B, 1]
  let state: State = {hidden: tf.tile(start.hidden, [1, batch, 1]), cell: tf.tile(start.cell, [1, batch, 1])};
  const outputs: tf.Tensor[] = [];
  for (let step = 0; step < length; step++) {
    const gates = steps[step]!.add(tf.matMul(state.hidden, recurrent, false, true));
    const next = cellStep(gates, state.cell);
    state = {hidden: held(state.hidden, next.hidden, real[step]!), cell: held(state.cell, next.cell, real[step]!)};
    outputs.push(state.hidden);
  }
  const [forward, backward] = tf.unstack(tf.stack(outputs, 2)) as [tf.Tensor, tf.Tensor]; //             [B, L, units]
  return tf.concat([forward, tf.reverse(backward, 1)], 2);
}

const weightOf = (scope: Scope, {name, layer}: Place, kind: string, suffix: string): tf.Tensor =>
  named(scope.weights, `${name}.${kind}_l${layer}${suffix}`);

/** Gates [2, B, 4 · units] in PyTorch's order: input, forget, cell, output. */
function cellStep(gates: tf.Tensor, cell: tf.Tensor): State {
  const [input, forget, candidate, output] = tf.split(gates, 4, 2) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const next = forget.sigmoid().mul(cell).add(input.sigmoid().mul(candidate.tanh()));
  return {hidden: output.sigmoid().mul(next.tanh()), cell: next};
}

/** The new state at real steps, the old one at padded ones. */
const held = (old: tf.Tensor, next: tf.Tensor, real: tf.Tensor): tf.Tensor => old.add(next.sub(old).mul(real));
