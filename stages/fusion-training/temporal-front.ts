/**
 * What stands in front of every frame-level fusion: a temporal convolution network per modality and batch norm
 * (Zhang et al., "Multimodal continuous emotion recognition: a technical report for ABAW5", CVPRW 2023).
 */
import type * as tf from '@tensorflow/tfjs';
import {z} from 'zod';
import {batchNorm, batchNormWeights} from '../learning/layers/batch-norm.js';
import type {Declaration, Scope} from '../learning/layers/declaration.js';
import {declare} from '../learning/layers/declaration.js';
import {temporalConvolution, temporalConvolutionWeights} from '../learning/layers/temporal-convolution.js';
import type {Dims, Modality} from './system.js';
import {widthOf} from './system.js';

/** Names of the modalities in the authors' state dicts. */
export const releasedName: Readonly<Record<Modality, string>> = {
  visual: 'video',
  acoustic: 'logmel',
  linguistic: 'bert',
};

/** Channels of the temporal convolution of a modality, under the name '<modality>Channels'. */
export const channels = (defaults: number[]) =>
  z.array(z.int().positive()).min(1).default(defaults).describe('Channels of each level of the temporal convolution.');

/** Parameters of the front beside the channels of each modality. */
export const temporalParams = {
  kernel: z.int().positive().default(5).describe('Frames that one temporal convolution reads.'),
  temporalDropout: z.number().min(0).lt(1).default(0.1).describe('Dropout inside the temporal convolutions.'),
  temporalNorm: z.enum(['batch', 'none']).default('batch').describe('Normalisation after the temporal convolutions.'),
  weightNorm: z.boolean().default(true).describe('Weight normalisation of the temporal convolutions.'),
};

export type TemporalParams = z.output<z.ZodObject<typeof temporalParams>> &
  Readonly<Partial<Record<`${Modality}Channels`, number[]>>>;

/** Features of a modality after the front. */
export const temporalWidth = (params: TemporalParams, modality: Modality): number =>
  channelsOf(params, modality).at(-1)!;

function channelsOf(params: TemporalParams, modality: Modality): number[] {
  const found = params[`${modality}Channels`];
  if (found === undefined) throw new TypeError(`Expected \`${modality}Channels\` among the parameters`);
  return found;
}

export interface FrontArguments {
  readonly params: TemporalParams;
  readonly dims: Dims;
  readonly modalities: readonly Modality[];
  readonly length: number;
}

export function temporalFrontWeights({params, dims, modalities, length}: FrontArguments): Declaration {
  return declare(
    ...modalities.flatMap((modality) => [
      temporalConvolutionWeights(`temporal.${releasedName[modality]}`, {
        inputs: widthOf(dims, modality),
        channels: channelsOf(params, modality),
        kernel: params.kernel,
        dropout: params.temporalDropout,
        length,
        weightNorm: params.weightNorm,
      }),
      params.temporalNorm === 'batch'
        ? batchNormWeights(`bn.${releasedName[modality]}`, temporalWidth(params, modality))
        : {},
    ]),
  );
}

/** Maps each modality's features [B, L, d] to [B, L, channels], 0 where a window is padded. */
export function temporalFront(
  scope: Scope,
  params: TemporalParams,
  inputs: Readonly<Record<string, tf.Tensor>>,
): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([modality, x]) => {
      const name = releasedName[modality as Modality];
      const y = temporalConvolution(scope, `temporal.${name}`, x);
      const normalised = params.temporalNorm === 'batch' ? batchNorm(scope, `bn.${name}`, y) : y;
      return [modality, normalised.mul(scope.real)];
    }),
  );
}
