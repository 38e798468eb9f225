/** The robustness section of an experiment: how features are corrupted, for every modality that a system uses. */
import {z} from 'zod';
import type {Corruption} from '../stages/robustness/corruption.js';
import type {Params} from './experiment.js';

type Modality = Extract<Corruption, {kind: 'absent'}>['modality'];

export const robustnessConfig = z.strictObject({
  absent: z.boolean().default(true).describe('Evaluate with each modality lost throughout.'),
  signalToNoiseDecibels: z
    .array(z.number())
    .default([20, 10, 0])
    .describe('Evaluate with noise on the features of each modality.'),
  dropOutShares: z
    .array(z.number().gt(0).max(1))
    .default([0.25, 0.5])
    .describe('Evaluate with each modality lost for stretches of time that make up this share of all frames.'),
  stretchFrames: z.int().positive().optional().describe('Frames of a stretch of lost time.'),
});

export type RobustnessConfig = z.output<typeof robustnessConfig>;

/** Parameters of stage robustness for one system, before its own defaults. */
export function robustnessParams(
  {stretchFrames, ...config}: RobustnessConfig,
  training: Params,
  modalities: readonly Modality[],
): Params {
  return {
    training,
    corruptions: corruptionsOf(config, modalities),
    ...(stretchFrames === undefined ? {} : {stretchFrames}),
  };
}

/** Clean features first, then each modality from mild to severe as the experiment lists it. */
function corruptionsOf(
  {absent, signalToNoiseDecibels, dropOutShares}: Omit<RobustnessConfig, 'stretchFrames'>,
  modalities: readonly Modality[],
): Corruption[] {
  const ofModality = (modality: Modality): Corruption[] => [
    ...signalToNoiseDecibels.map((decibels) => ({kind: 'noise' as const, modality, signalToNoiseDecibels: decibels})),
    ...dropOutShares.map((share) => ({kind: 'drop-out' as const, modality, share})),
    ...(absent ? [{kind: 'absent' as const, modality}] : []),
  ];
  return [{kind: 'none'}, ...modalities.flatMap(ofModality)];
}
