/**
 * Joint cross-attention, the equation that RCMA, RJCA and GRJCA share: every modality attends to a joint
 * representation J of several, and the result is added to it. Symbols, with X [B, L, d], J [B, L, D]:
 *
 *     C = tanh(Xᵀ W_j J / √D)  [B, d, D]        W_j [L, L]
 *     H = ReLU(X W_c C)        [B, L, D]        W_c [d, d]
 *     X' = H W_h + X           [B, L, d]        W_h [D, d]
 *
 * The released form adds biases everywhere, a linear map of J, dropout on C, tanh inside H, and ReLU and dropout after
 * W_h. Padded steps of X and J are 0, so they add nothing to C.
 */
import {tf} from '../learning/tf.js';
import type {Declaration, Scope} from '../learning/layers/declaration.js';
import {declare, named} from '../learning/layers/declaration.js';
import {dense, denseWeights} from '../learning/layers/dense.js';
import {dropout, dropoutMask} from '../learning/layers/dropout.js';
import type {Initialiser} from '../learning/layers/initialisers.js';

/** One modality's part in an iteration, under the names of the authors' state dict. */
export interface Attender<M extends string> {
  readonly modality: M;
  /** Modalities of J, in the order of its columns. */
  readonly joint: readonly M[];
  /** Linear map of J in the released form; modalities with equal J share it. */
  readonly query: string;
  /** Number of the modality in the authors' names, from 1. */
  readonly number: number;
}

export interface JointAttention<M extends string> {
  readonly attenders: readonly Attender<M>[];
  readonly form: 'paper' | 'released';
  /** Whether the released form maps J by a linear layer. */
  readonly jointMap: boolean;
}

export interface JointAttentionWeights<M extends string> extends JointAttention<M> {
  readonly widths: Readonly<Record<M, number>>;
  readonly length: number;
  readonly correlationDropout: number;
  readonly attendedDropout: number;
  readonly initialisers: {
    readonly correlation?: Initialiser;
    readonly weight?: Initialiser;
    readonly biasValue?: Initialiser;
  };
}

export function jointAttentionWeights<M extends string>(name: string, options: JointAttentionWeights<M>): Declaration {
  const {attenders, widths, form, jointMap, initialisers} = options;
  const bias = form === 'released';
  const {correlation, ...rest} = initialisers;
  const jointWidth = (joint: readonly M[]) => joint.reduce((sum, m) => sum + widths[m], 0);
  const queries = new Map(attenders.map(({query, joint}) => [query, jointWidth(joint)]));
  const maps = form === 'released' && jointMap ? [...queries] : [];
  return declare(
    ...maps.map(([query, width]) =>
      denseWeights(`${name}.dense_coattn.${query}`, {inputs: width, outputs: width, ...rest}),
    ),
    ...attenders.map(({modality, joint, number}) => {
      const [d, jd] = [widths[modality], jointWidth(joint)];
      const square = {inputs: options.length, outputs: options.length, bias, ...rest};
      return declare(
        denseWeights(
          `${name}.dense_coattn.key${number}_linear`,
          correlation ? {...square, weight: correlation} : square,
        ),
        denseWeights(`${name}.dense_coattn.value${number}_linear`, {inputs: d, outputs: d, bias, ...rest}),
        denseWeights(`${name}.linears.${number - 1}.0`, {inputs: jd, outputs: d, bias, ...rest}),
        dropoutMask(`${name}.dense_coattn.dropouts.${number - 1}`, [d, jd], options.correlationDropout),
        dropoutMask(`${name}.linears.${number - 1}.2`, [options.length, d], options.attendedDropout),
      );
    }),
  );
}

export interface Attended<M extends string> {
  readonly features: Readonly<Record<M, tf.Tensor>>;
  readonly correlations: Readonly<Record<M, tf.Tensor>>;
}

/** One iteration: from the features of all modalities to their attended features, all from the same input. */
export function jointAttention<M extends string>(
  scope: Scope,
  name: string,
  options: JointAttention<M>,
  features: Readonly<Record<M, tf.Tensor>>,
): Attended<M> {
  const attended = options.attenders.map((attender) => attend(scope, name, options, attender, features));
  const byModality = <T>(values: readonly T[]) =>
    Object.fromEntries(options.attenders.map(({modality}, i) => [modality, values[i]!])) as Record<M, T>;
  return {features: byModality(attended.map((a) => a.x)), correlations: byModality(attended.map((a) => a.c))};
}

function attend<M extends string>(
  scope: Scope,
  name: string,
  {form, jointMap}: JointAttention<M>,
  {modality, joint, query, number}: Attender<M>,
  features: Readonly<Record<M, tf.Tensor>>,
): {x: tf.Tensor; c: tf.Tensor} {
  const released = form === 'released';
  const x = features[modality]; //                                                                           [B, L, d]
  const raw =
    joint.length === 1
      ? features[joint[0]!]
      : tf.concat(
          joint.map((m) => features[m]),
          2,
        );
  const j = released && jointMap ? dense(scope, `${name}.dense_coattn.${query}`, raw).mul(scope.real) : raw; // [B, L, D]
  const scale = 1 / Math.sqrt(j.shape[2]!);
  const xTw = denseOverSteps(scope, `${name}.dense_coattn.key${number}_linear`, x, scale); //       Xᵀ W_j / √D  [B, d, L]
  const c = tf.matMul(xTw, j).tanh(); //                                          C = tanh(Xᵀ W_j J / √D)      [B, d, D]
  const kept = dropout(scope, `${name}.dense_coattn.dropouts.${number - 1}`, c);
  const xw = dense(scope, `${name}.dense_coattn.value${number}_linear`, x); //                          X W_c  [B, L, d]
  const product = tf.matMul(xw, kept);
  const h = (released ? product.tanh() : product).relu(); //                      H = ReLU(X W_c C)            [B, L, D]
  const mapped = dense(scope, `${name}.linears.${number - 1}.0`, h); //                                 H W_h  [B, L, d]
  const added = dropout(scope, `${name}.linears.${number - 1}.2`, released ? mapped.relu() : mapped);
  return {x: added.add(x).mul(scope.real), c}; //                                 X' = H W_h + X               [B, L, d]
}

/** A linear map over the steps of x [B, L, d], to [B, d, L'], whose weights, smaller than x, are scaled. */
function denseOverSteps(scope: Scope, name: string, x: tf.Tensor, scale: number): tf.Tensor {
  const weight = named(scope.weights, `${name}.weight`).mul(scale);
  const product = tf.matMul(x, weight.expandDims(0), true, true);
  const bias = scope.weights[`${name}.bias`];
  return bias === undefined ? product : product.add(bias.mul(scale));
}
