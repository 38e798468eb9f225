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
import type {HeadParams} from '../regression-head.js';
import {head, headParams, headWeights} from '../regression-head.js';
import type {Modality, System} from '../system.js';
import {defineSystem} from '../system.js';
import type {TemporalParams} from '../temporal-front.js';
import {channels, temporalFront, temporalFrontWeights, temporalParams, temporalWidth} from '../temporal-front.js';
import {releasedFrameTraining} from '../training-params.js';

export const visual = single('visual', {name: 'visual', title: 'Visual only', channels: [512, 512, 512, 512]});
export const audio = single('acoustic', {name: 'audio', title: 'Audio only', channels: [128, 128, 128, 128]});
export const text = single('linguistic', {name: 'text', title: 'Text only', channels: [512, 512, 512, 512]});

interface Single {
  readonly name: string;
  readonly title: string;
  readonly channels: number[];
}

type Architecture = TemporalParams & HeadParams;

function single(modality: Modality, {name, title, channels: defaults}: Single): System {
  return defineSystem({
    name,
    title,
    paper: 'columns of the tables of arXiv 2403.13659 and others',
    architecture: z.strictObject({...temporalParams, [`${modality}Channels`]: channels(defaults), ...headParams}),
    presets: {
      published: {},
      released: {
        architecture: {headUnits: 0, headDropout: 0},
        training: releasedFrameTraining,
      },
    },
    modalities: [modality],

    declare: ({architecture, dims, length, targetCount}) => {
      const params = architecture as Architecture;
      return declare(
        temporalFrontWeights({params, dims, modalities: [modality], length}),
        headWeights({params, inputs: temporalWidth(params, modality), targetCount, length}),
      );
    },

    forward: ({architecture, scope, inputs}) => {
      const params = architecture as Architecture;
      const x = temporalFront(scope, params, inputs)[modality]!; //                                            X  [B, L, d]
      return {prediction: head(scope, params, x), inner: {x}};
    },
  });
}
