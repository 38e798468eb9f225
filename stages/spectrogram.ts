/** spectrogram: sound as a continuous log-mel spectrogram; patches are views, cut where they are embedded. */
import {z} from 'zod';
import {audio, logMel} from './schemas.js';
import {leastSampleCount, logMelRows} from './spectrogram/log-mel.js';
import {samplesAt} from './spectrogram/samples.js';
import {bandsFit, completeSettings, spectrogramKinds} from './spectrogram/settings.js';
import {defineStage} from './stage.js';

export const spectrogram = defineStage({
  name: 'spectrogram',
  // 1: first.
  version: 1,
  doc: 'Computes the log-mel spectrogram of the sound, one row per hop.',
  per: 'clip',
  resource: 'cpu',
  inputs: {audio},
  outputs: {logMel},
  params: z
    .object({
      kind: z
        .enum(spectrogramKinds)
        .default('vggish')
        .describe(
          'vggish: 16 kHz, log of magnitudes; tsav: 44.1 kHz, normalised decibels. What follows changes single values.',
        ),
      sampleRateHz: z.int().positive().optional().describe('Sample rate the audio must have.'),
      windowSeconds: z.number().positive().max(1).optional().describe('Length of the analysis window.'),
      hopSeconds: z.number().positive().max(1).optional().describe('Step from one row to the next.'),
      bandCount: z.int().min(2).max(512).optional().describe('Number of mel bands.'),
      lowestHz: z.number().min(0).optional().describe('Lower edge of the lowest band.'),
      highestHz: z.number().positive().optional().describe('Upper edge of the highest band.'),
    })
    .refine(
      (params) => bandsFit(completeSettings(params)),
      'lowestHz must be below highestHz, and that at most half the sample rate',
    ),
  async run({inputs, outputs, params, context}) {
    const settings = completeSettings(params);
    const source = () => samplesAt(settings.sampleRateHz, inputs.audio.rows());
    let rowCount = 0;
    for await (const row of logMelRows(source, settings)) {
      context.signal.throwIfAborted();
      await outputs.logMel.append({...row});
      rowCount += 1;
      if (rowCount % 4096 === 0) context.progress(row.timeSeconds, inputs.audio.rowCount, 's');
    }
    if (rowCount === 0 && inputs.audio.rowCount > 0) {
      context.warn(
        `the audio is shorter than one window of ${leastSampleCount(settings)} samples; it counts as missing`,
      );
    }
  },
});
