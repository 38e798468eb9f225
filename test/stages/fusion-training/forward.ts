/** Runs a system's forward pass, and its loss and gradients, on arrays, eagerly. */
import * as tf from '@tensorflow/tfjs';
import {installGradients} from '../../../stages/learning/gradients.js';
import type {Declaration, Scope} from '../../../stages/learning/layers/declaration.js';
import type {LossOptions} from '../../../stages/learning/loss.js';
import {cccLoss} from '../../../stages/learning/loss.js';
import type {Arrays, Tensors} from '../../../stages/learning/program.js';
import type {System} from '../../../stages/fusion-training/system.js';
import {toArrays, toTensors} from './eager-engine.js';

export interface Pass {
  readonly system: System;
  readonly architecture: Readonly<Record<string, unknown>>;
  readonly declaration: Declaration;
  readonly weights: Arrays;
  readonly statistics: Arrays;
  readonly masks?: Arrays;
  readonly inputs: Arrays;
  /** [B, L] */
  readonly real: Arrays[string];
}

function scopeOf(pass: Pass, training: boolean, weights: Tensors, updates: Tensors): Scope {
  return {
    training,
    weights,
    statistics: toTensors(pass.statistics),
    masks: toTensors(pass.masks ?? {}),
    real: tf.tensor(pass.real.values, [...pass.real.shape]).expandDims<tf.Tensor3D>(2),
    updates,
  };
}

/** Predictions, and intermediate tensors, without dropout. */
export function infer(pass: Pass): {prediction: Float32Array; inner: Arrays} {
  return tf.tidy(() => {
    const scope = scopeOf(pass, false, toTensors(pass.weights), {});
    const {prediction, inner} = pass.system.forward({
      architecture: pass.architecture,
      scope,
      inputs: toTensors(pass.inputs),
    });
    return {prediction: prediction.dataSync<'float32'>().slice(), inner: toArrays(inner)} as never;
  });
}

export interface Differentiated {
  readonly prediction: Float32Array;
  readonly loss: number;
  readonly gradients: Arrays;
  readonly statistics: Arrays;
}

/** A training pass: prediction, loss, gradients of all weights, and the new statistics. */
export function differentiate(
  pass: Pass,
  loss: LossOptions,
  label: Arrays[string],
  valid: Arrays[string],
): Differentiated {
  installGradients();
  return tf.tidy(() => {
    const names = Object.keys(pass.weights);
    const updates: Tensors = {};
    let prediction = new Float32Array();
    const fixed = toTensors({label, valid});
    const {value, grads} = tf.valueAndGrads((...current: tf.Tensor[]) => {
      const weights = Object.fromEntries(names.map((name, i) => [name, current[i]!]));
      const scope = scopeOf(pass, true, weights, updates);
      const result = pass.system.forward({architecture: pass.architecture, scope, inputs: toTensors(pass.inputs)});
      prediction = result.prediction.dataSync<'float32'>().slice();
      return cccLoss(loss, {prediction: result.prediction, label: fixed['label']!, valid: fixed['valid']!});
    })(names.map((name) => toTensors(pass.weights)[name]!));
    const statistics = toArrays(updates);
    tf.dispose(updates);
    const gradients = toArrays(Object.fromEntries(names.map((name, i) => [name, grads[i]!])));
    return {prediction, loss: value.dataSync<'float32'>()[0]!, gradients, statistics} as never;
  });
}
