/**
 * Single modalities — the audio, visual and text columns of the papers' tables: one temporal convolution network and a
 * head, in the form in which the modality enters the fusion systems.
 *
 * | symbol | meaning                          | shape      |
 * | ------ | -------------------------------- | ---------- |
 * | X      | features of the modality         | [B, L, d]  |
 *
 * Differs from the paper: the papers print numbers for single modalities without describing the models.
 * Differs from the released code: none exists for them.
 */
import {z} from 'zod';
import {declare} from '../../learning/layers/declaration.js';
import {head, headParams, headWeights} from '../regression-head.js';
import type {Modality, System} from '../system.js';
import {defineSystem} from '../system.js';
import {temporalFront, temporalFrontWeights, temporalParams, temporalWidth} from '../temporal-front.js';
import {releasedFrameTraining} from '../training-params.js';

export const visual = single('visual', 'Visual only');
export const audio = single('acoustic', 'Audio only', 'audio');
export const text = single('linguistic', 'Text only', 'text');

function single(modality: Modality, title: string, name: string = modality): System {
  return defineSystem({
    name,
    title,
    paper: 'columns of the tables of arXiv 2403.13659 and others',
    architecture: z.strictObject({...temporalParams, ...headParams}),
    presets: {
      published: {},
      released: {
        architecture: {headUnits: 0, headDropout: 0},
        training: releasedFrameTraining,
      },
    },
    modalities: [modality],

    declare: ({architecture: params, dims, length, targetCount}) =>
      declare(
        temporalFrontWeights({params, dims, modalities: [modality], length}),
        headWeights({params, inputs: temporalWidth(params, modality), targetCount, length}),
      ),

    forward: ({architecture: params, scope, inputs}) => {
      const x = temporalFront(scope, params, inputs)[modality]!; //                                            X  [B, L, d]
      return {prediction: head(scope, params, x), inner: {x}};
    },
  });
}
