/** Words and their times, from a transcript that lies beside the video. */
import {readFile} from 'node:fs/promises';
import {z} from 'zod';
import {timeline, words} from './schemas.js';
import type {RunContext} from './stage.js';
import {defineStage, transcript} from './stage.js';
import type {Placement} from './transcription/placement.js';
import {endOfVideo, placeWords} from './transcription/placement.js';
import {readSidecar} from './transcription/sidecar.js';
import {spreadWords} from './transcription/spread.js';

export const transcription = defineStage({
  name: 'transcription',
  // 1: WebVTT, SRT, and the JSON of Whisper, transformers.js and Vosk.
  version: 1,
  doc: 'Reads the words of a transcript and when each was spoken.',
  per: 'clip',
  resource: 'io',
  inputs: {transcript, timeline},
  outputs: {words},
  params: z.object({
    source: z
      .enum(['sidecar'])
      .default('sidecar')
      .describe('Where words come from: a transcript file beside the video.'),
  }),
  async run({inputs, outputs, context}) {
    if (!inputs.transcript) {
      context.warn('No transcript: the clip has no words.');
      return;
    }
    const endSeconds = endOfVideo(await inputs.timeline.column('timeSeconds'));
    const cues = readSidecar(await readFile(inputs.transcript.path), endSeconds);
    const placement = placeWords(cues.flatMap(spreadWords), endSeconds);
    warnOf(placement, endSeconds, context);
    for (const word of placement.words) await outputs.words.append({...word});
  },
});

function warnOf({words: placed, clippedCount, beyondCount}: Placement, endSeconds: number, context: RunContext): void {
  const end = `${endSeconds.toFixed(2)} s`;
  if (placed.length === 0 && beyondCount === 0) context.warn('The transcript holds no words.');
  if (beyondCount > 0) {
    const all = placed.length + beyondCount;
    context.warn(`${beyondCount} of ${all} words lie behind the end of the video (${end}) and are left out.`);
  }
  if (clippedCount > 0)
    context.warn(`${clippedCount} words had times outside the video (0 to ${end}) and were clipped.`);
}
