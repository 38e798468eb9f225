/** Dropout whose mask is an input: drawn per step from a seeded stream, never baked into a trace. */
import type * as tf from '@tensorflow/tfjs';
import type {Random} from '../random.js';
import type {Arrays} from '../program.js';
import type {Declaration, Scope} from './declaration.js';
import {named, sizeOf} from './declaration.js';

/** Declares the mask of a tensor [B, ...shape]; none at rate 0. */
export function dropoutMask(name: string, shape: readonly number[], rate: number): Pick<Declaration, 'masks'> {
  return {masks: rate > 0 ? {[name]: {shape, rate}} : {}};
}

/** Multiplies by the mask where one is declared, in training only. */
export function dropout(scope: Scope, name: string, x: tf.Tensor): tf.Tensor {
  return scope.training && name in scope.masks ? x.mul(named(scope.masks, name)) : x;
}

/** Draws all masks of a step; the arrays of `into`, masks of an earlier step, are filled anew where given. */
export function drawMasks(
  declaration: Declaration,
  batchSize: number,
  {source, step, into}: {readonly source: Random; readonly step: number; readonly into?: Arrays | undefined},
): Arrays {
  return Object.fromEntries(
    Object.entries(declaration.masks).map(([name, {shape, rate}]) => {
      const full = [batchSize, ...shape];
      const old = into?.[name]?.values as Float32Array | undefined;
      return [name, {shape: full, values: source.stream(`dropout/${name}`).at(step).mask(sizeOf(full), rate, old)}];
    }),
  );
}
