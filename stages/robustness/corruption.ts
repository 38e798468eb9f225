/** What is done to the features of validation clips before a trained system sees them. */
import {z} from 'zod';

const modality = z.enum(['visual', 'acoustic', 'linguistic']).describe('Whose features are corrupted.');

export const corruption = z.discriminatedUnion('kind', [
  z.strictObject({kind: z.literal('none').describe('Nothing: what the other scores are compared with.')}),
  z.strictObject({kind: z.literal('absent').describe('The modality is lost throughout.'), modality}),
  z.strictObject({
    kind: z.literal('noise').describe('White Gaussian noise is added to every feature.'),
    modality,
    signalToNoiseDecibels: z.number().describe('Variance of a feature over training frames to that of its noise.'),
  }),
  z.strictObject({
    kind: z.literal('drop-out').describe('The modality is lost for stretches of time.'),
    modality,
    share: z.number().min(0).max(1).describe('Share of the frames of all clips that are lost.'),
  }),
]);

export type Corruption = z.output<typeof corruption>;

/** The one number of a corruption: dB of noise, share of lost frames, else 0. */
export function amountOf(of: Corruption): number {
  if (of.kind === 'noise') return of.signalToNoiseDecibels;
  return of.kind === 'drop-out' ? of.share : 0;
}
