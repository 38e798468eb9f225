/** acoustic-embedding: one vector of sound per video frame, by presentation time. */
import {z} from 'zod';
import {descriptorLength, descriptors} from './acoustic-embedding/mfcc.js';
import {poolAtFrames} from './acoustic-embedding/pool.js';
import {acoustic, logMel, timeline} from './schemas.js';
import {defineStage} from './stage.js';

export const acousticEmbedding = defineStage({
  name: 'acoustic-embedding',
  // 1: first.
  version: 1,
  doc: 'Describes the sound around every video frame by one vector.',
  per: 'clip',
  resource: 'cpu',
  inputs: {logMel, timeline},
  outputs: {acoustic},
  params: z.object({
    backbone: z
      .enum(['mfcc'])
      .default('mfcc')
      .describe('mfcc: embedded default, 6 × coefficientCount + 6 values; not the setting of any of the papers.'),
    coefficientCount: z.int().min(1).max(40).default(20).describe('Cepstral coefficients per row of the spectrogram.'),
    deltaReach: z.int().min(1).max(20).default(4).describe('Rows on each side that a difference looks at.'),
    windowSeconds: z
      .number()
      .positive()
      .max(60)
      .default(1)
      .describe('Length of the window that is averaged per frame.'),
    frameAt: z.enum(['start', 'centre', 'end']).default('centre').describe('Where the frame lies in its window.'),
  }),
  async run({inputs, outputs, params, context}) {
    const {coefficientCount, windowSeconds, frameAt} = params;
    const options = {windowSeconds, frameAt, descriptorLength: descriptorLength(coefficientCount)};
    const described = descriptors(inputs.logMel.rows(), params);
    for await (const row of poolAtFrames(described, inputs.timeline.rows(), options)) {
      context.signal.throwIfAborted();
      await outputs.acoustic.append({...row});
      if (row.frameIndex % 1024 === 0) context.progress(row.frameIndex, inputs.timeline.rowCount, 'frames');
    }
  },
});
