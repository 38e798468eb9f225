/** Multi-head attention (Vaswani et al., NeurIPS 2017, §3.2), with the weights of PyTorch's MultiheadAttention. */
import {tf} from '../tf.js';
import type {Declaration, Scope} from './declaration.js';
import {named} from './declaration.js';
import {linear} from './dense.js';
import {torchDefault, xavierUniform, zeros} from './initialisers.js';

/** Added to the score of a padded key: its weight after softmax is 0 in float32. */
const EXCLUDED = -1e9;

export type Activation = 'softmax' | 'sigmoid';

export interface AttentionOptions {
  readonly heads: number;
  /** 'sigmoid' is σ(Q Kᵀ) V without scale, as some papers print it. */
  readonly activation?: Activation;
}

export function attentionWeights(name: string, width: number): Pick<Declaration, 'weights'> {
  return {
    weights: {
      [`${name}.in_proj_weight`]: {shape: [3 * width, width], initialise: xavierUniform()},
      [`${name}.in_proj_bias`]: {shape: [3 * width], initialise: zeros},
      [`${name}.out_proj.weight`]: {shape: [width, width], initialise: torchDefault},
      [`${name}.out_proj.bias`]: {shape: [width], initialise: zeros},
    },
  };
}

export interface Attended {
  /** Steps that ask [B, L, d]. */
  readonly query: tf.Tensor;
  /** Steps that are asked, as keys and as values [B, S, d]. */
  readonly source: tf.Tensor;
  /** 1 where a step of the source is real [B, S, 1]; all where absent. */
  readonly real?: tf.Tensor;
}

/** Maps to [B, L, d]. */
export function attention(
  scope: Scope,
  name: string,
  options: AttentionOptions,
  {query, source, real}: Attended,
): tf.Tensor {
  const [wq, wk, wv] = tf.split(named(scope.weights, `${name}.in_proj_weight`), 3, 0);
  const [bq, bk, bv] = tf.split(named(scope.weights, `${name}.in_proj_bias`), 3, 0);
  const q = headsOf(linear(query, wq!, bq!), options.heads);
  const k = headsOf(linear(source, wk!, bk!), options.heads);
  const v = headsOf(linear(source, wv!, bv!), options.heads);
  const joined = joinHeads(tf.matMul(attentionMap(q, k, real, options.activation), v), options.heads);
  return linear(joined, named(scope.weights, `${name}.out_proj.weight`), named(scope.weights, `${name}.out_proj.bias`));
}

/** Weights of the values [B · h, L, S] for queries and keys [B · h, ·, d / h]. */
function attentionMap(q: tf.Tensor, k: tf.Tensor, real?: tf.Tensor, activation: Activation = 'softmax'): tf.Tensor {
  const products = tf.matMul(q, k, false, true);
  const keys = real === undefined ? undefined : perHead(real, products.shape[0]!).transpose([0, 2, 1]);
  if (activation === 'sigmoid') return keys === undefined ? products.sigmoid() : products.sigmoid().mul(keys);
  const scores = products.div(Math.sqrt(q.shape[2]!));
  return tf.softmax(keys === undefined ? scores : scores.add(tf.sub(1, keys).mul(EXCLUDED)));
}

/** [B, S, 1], repeated for each head. */
function perHead(real: tf.Tensor, count: number): tf.Tensor {
  const heads = count / real.shape[0]!;
  return heads === 1 ? real : tf.tile(real.expandDims(1), [1, heads, 1, 1]).reshape([count, real.shape[1]!, 1]);
}

/** [B, L, h · d] → [B · h, L, d] */
function headsOf(x: tf.Tensor, heads: number): tf.Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  if (heads === 1) return x;
  return x
    .reshape([batch, length, heads, width / heads])
    .transpose([0, 2, 1, 3])
    .reshape([batch * heads, length, width / heads]);
}

/** [B · h, L, d] → [B, L, h · d] */
function joinHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const [count, length, width] = x.shape as [number, number, number];
  if (heads === 1) return x;
  return x
    .reshape([count / heads, heads, length, width])
    .transpose([0, 2, 1, 3])
    .reshape([count / heads, length, heads * width]);
}
