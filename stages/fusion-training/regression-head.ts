/** The fully connected layers at the end of the frame-level systems. */
import type * as tf from '@tensorflow/tfjs';
import {z} from 'zod';
import {batchNorm, batchNormWeights} from '../learning/layers/batch-norm.js';
import type {Declaration, Scope} from '../learning/layers/declaration.js';
import {declare} from '../learning/layers/declaration.js';
import {dense, denseWeights} from '../learning/layers/dense.js';
import {dropout, dropoutMask} from '../learning/layers/dropout.js';
import {leaky} from '../learning/layers/temporal-convolution.js';

/** Parameters of the head; 256 units with batch norm is what the camera-ready RJCMA and GRJCA release. */
export const headParams = {
  headUnits: z.int().min(0).default(256).describe('Hidden units of the head; 0 for a single linear layer.'),
  headDropout: z.number().min(0).lt(1).default(0.8).describe('Dropout on the hidden units of the head.'),
  output: z.enum(['tanh', 'linear']).default('tanh').describe('What bounds the prediction.'),
};

/** What RJCMA's camera-ready version and GRJCA call the layers of the head. */
export const releasedHeadNames: Readonly<Record<string, string>> = {
  'regressor.fc1': 'regressor1',
  'regressor.bn1': 'bn1',
  'regressor.fc2': 'regressor2',
};

export type HeadParams = z.output<z.ZodObject<typeof headParams>>;

export interface HeadArguments {
  readonly params: HeadParams;
  readonly inputs: number;
  readonly targetCount: number;
  readonly length: number;
}

export function headWeights({params, inputs, targetCount, length}: HeadArguments): Declaration {
  const {headUnits, headDropout} = params;
  if (headUnits === 0) return declare(denseWeights('regressor', {inputs, outputs: targetCount}));
  return declare(
    denseWeights('regressor.fc1', {inputs, outputs: headUnits}),
    batchNormWeights('regressor.bn1', headUnits),
    dropoutMask('regressor.dropout', [length, headUnits], headDropout),
    denseWeights('regressor.fc2', {inputs: headUnits, outputs: targetCount}),
  );
}

/** Maps fused features [B, L, d] to predictions [B, L, T]. */
export function head(scope: Scope, params: HeadParams, x: tf.Tensor): tf.Tensor {
  const y = params.headUnits === 0 ? dense(scope, 'regressor', x) : hiddenHead(scope, x);
  return params.output === 'tanh' ? y.tanh() : y;
}

function hiddenHead(scope: Scope, x: tf.Tensor): tf.Tensor {
  const hidden = leaky(batchNorm(scope, 'regressor.bn1', dense(scope, 'regressor.fc1', x)));
  return dense(scope, 'regressor.fc2', dropout(scope, 'regressor.dropout', hidden));
}
