/** The bias and activation that tfjs fuses into products and convolutions. */
import type {Value} from './graph.js';
import {clip, leakyRelu, prelu} from './elementwise.js';
import {binary, unary} from './operations.js';
import {StageError} from '../../errors.js';

export interface FusedInputs {
  readonly bias?: Value;
  readonly preluActivationWeights?: Value;
}

export interface FusedAttributes {
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
}

export function biased(x: Value, {bias, preluActivationWeights}: FusedInputs, attributes: FusedAttributes): Value {
  const sum = bias === undefined ? x : binary('Add', x, bias);
  switch (attributes.activation ?? 'linear') {
    case 'linear':
      return sum;
    case 'relu':
      return unary('Relu', sum);
    case 'relu6':
      return clip(sum, 0, 6);
    case 'elu':
      return unary('Elu', sum);
    case 'sigmoid':
      return unary('Sigmoid', sum);
    case 'leakyrelu':
      return leakyRelu(sum, attributes.leakyreluAlpha ?? 0.2);
    case 'prelu':
      return prelu(sum, preluActivationWeights!);
    default:
      throw new StageError(
        'unsupported-op',
        `The fused activation ${String(attributes.activation)} cannot be traced.`,
        'Apply the activation as an operation of its own.',
      );
  }
}
