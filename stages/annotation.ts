/** annotation: one label per video frame, whatever the length of the annotation file. */
import {z} from 'zod';
import {labelFrames} from './annotation/label-frames.js';
import {readAnnotation} from './annotation/read-annotation.js';
import {labels, timeline} from './schemas.js';
import {annotation as annotationFile, defineStage} from './stage.js';

export const annotation = defineStage({
  name: 'annotation',
  // 1: first.
  version: 1,
  doc: 'Reads valence and arousal and assigns them to the video frames; -5 and whatever lies outside [-1, 1] is invalid.',
  per: 'clip',
  resource: 'io',
  inputs: {annotation: annotationFile, timeline},
  outputs: {labels},
  params: z.object({
    firstFrame: z
      .int()
      .min(0)
      .max(1)
      .default(0)
      .describe('Number of the first frame in annotations that have a column `frame`.'),
  }),
  async run({inputs, outputs, params, context}) {
    const table = await readAnnotation(inputs.annotation.path);
    const timesSeconds = await inputs.timeline.column('timeSeconds');
    const labelled = labelFrames(table, timesSeconds, params);
    for (const label of labelled.labels) await outputs.labels.append({...label});
    for (const message of labelled.warnings) context.warn(message);
  },
});
