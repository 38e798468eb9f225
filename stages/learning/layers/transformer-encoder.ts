/**
 * Transformer encoder layers with the norm after the residual (Vaswani et al., NeurIPS 2017, §3.1), without dropout and
 * without positions, under the names that JMT's code gives them.
 */
import type * as tf from '@tensorflow/tfjs';
import type {AttentionOptions} from './attention.js';
import {attention, attentionWeights} from './attention.js';
import type {Declaration, Scope} from './declaration.js';
import {declare} from './declaration.js';
import {dense, denseWeights} from './dense.js';
import {layerNorm, layerNormWeights} from './layer-norm.js';

export interface EncoderShape {
  readonly width: number;
  /** Hidden units of the feed-forward part. */
  readonly hidden: number;
  readonly layers: number;
}

export function encoderWeights(name: string, {width, hidden, layers}: EncoderShape): Declaration {
  return declare(
    ...Array.from({length: layers}, (_, i) => `${name}.layers.${i}`).flatMap((layer) => [
      attentionWeights(`${layer}.attention`, width),
      denseWeights(`${layer}.feed_forward.0`, {inputs: width, outputs: hidden}),
      denseWeights(`${layer}.feed_forward.2`, {inputs: hidden, outputs: width}),
      layerNormWeights(`${layer}.layer_norm1`, [width]),
      layerNormWeights(`${layer}.layer_norm2`, [width]),
    ]),
  );
}

export interface EncoderOptions extends AttentionOptions {
  readonly layers: number;
}

/** Maps x [B, L, d] to the same shape; `real` [B, L, 1] keeps padded steps from being attended to. */
export function encode(scope: Scope, name: string, options: EncoderOptions, x: tf.Tensor, real?: tf.Tensor): tf.Tensor {
  let y = x;
  for (let i = 0; i < options.layers; i++) y = encodeLayer(scope, `${name}.layers.${i}`, options, y, real);
  return y;
}

function encodeLayer(scope: Scope, name: string, options: AttentionOptions, x: tf.Tensor, real?: tf.Tensor): tf.Tensor {
  const attended = attention(scope, `${name}.attention`, options, {query: x, source: x, ...(real && {real})});
  const y = layerNorm(scope, `${name}.layer_norm1`, x.add(attended));
  const fed = dense(scope, `${name}.feed_forward.2`, dense(scope, `${name}.feed_forward.0`, y).relu());
  return layerNorm(scope, `${name}.layer_norm2`, y.add(fed));
}
