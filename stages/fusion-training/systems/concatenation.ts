/**
 * Feature concatenation — the baseline without a fusion model, as in F. Kuhnke, L. Rumberg and J. Ostermann,
 * "Two-Stream Aural-Visual Affect Analysis in the Wild", FGW 2020.
 *
 * | symbol | meaning                                   | shape            |
 * | ------ | ----------------------------------------- | ---------------- |
 * | X_m    | features of modality m after its TCN      | [B, L, d_m]      |
 *
 * Differs from the paper:
 * - Theirs concatenates two 512-d clip features of backbones trained end to end with expression and action unit labels;
 *   here the features of the stages are concatenated after a TCN per modality, so that only the fusion differs between
 *   systems. Text takes part by default.
 *
 * Differs from the released code: training code was never published; their head is one linear layer, clipped to [-1, 1].
 */
import {z} from 'zod';
import {tf} from '../../learning/tf.js';
import {declare} from '../../learning/layers/declaration.js';
import {head, headParams, headWeights} from '../regression-head.js';
import type {Modality} from '../system.js';
import {defineSystem} from '../system.js';
import {channels, temporalFront, temporalFrontWeights, temporalParams, temporalWidth} from '../temporal-front.js';

const modalities: readonly Modality[] = ['visual', 'acoustic', 'linguistic'];

export const concatenation = defineSystem({
  name: 'concatenation',
  title: 'Feature concatenation',
  paper: 'Kuhnke, Rumberg and Ostermann, FGW 2020',
  architecture: z.strictObject({
    ...temporalParams,
    visualChannels: channels([512, 512, 512, 512]),
    acousticChannels: channels([128, 128, 128, 128]),
    linguisticChannels: channels([512, 512, 512, 512]),
    ...headParams,
  }),
  presets: {
    published: {},
    released: {architecture: {headUnits: 0, headDropout: 0}},
  },
  modalities,

  declare: ({architecture: params, dims, length, targetCount}) => {
    const inputs = modalities.reduce((sum, modality) => sum + temporalWidth(params, modality), 0);
    return declare(
      temporalFrontWeights({params, dims, modalities, length}),
      headWeights({params, inputs, targetCount, length}),
    );
  },

  forward: ({architecture: params, scope, inputs}) => {
    const x = temporalFront(scope, params, inputs);
    const fused = tf.concat(
      modalities.map((modality) => x[modality]!),
      2,
    ); //    [X_v; X_a; X_t]  [B, L, d_v + d_a + d_t]
    return {prediction: head(scope, params, fused), inner: {fused}};
  },
});
