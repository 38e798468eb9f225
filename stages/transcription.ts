/** Words and their times, from a transcript that lies beside the video or from speech recognition. */
import {readFile} from 'node:fs/promises';
import {z} from 'zod';
import type {ShardReader} from '../cache/shard.js';
import {modelFolderFiles} from './learning/model-folder.js';
import {audio, timeline, words} from './schemas.js';
import type {PublishedFile, RunContext} from './stage.js';
import {defineStage, transcript} from './stage.js';
import type {Placement} from './transcription/placement.js';
import {endOfVideo, placeWords} from './transcription/placement.js';
import {readSidecar} from './transcription/sidecar.js';
import {spreadWords} from './transcription/spread.js';
import {whisperFiles, whisperParams, type WhisperParams} from './transcription/whisper-params.js';
import {whisperWords} from './transcription/whisper.js';
import type {Word} from './transcription/word.js';

export const transcription = defineStage({
  name: 'transcription',
  // 1: WebVTT, SRT, and the JSON of Whisper, transformers.js and Vosk.
  // 2: Chinese and Japanese transcripts: every character is a word.
  version: 2,
  doc: 'Finds the words that are spoken and when, from a transcript or by speech recognition.',
  per: 'clip',
  resource: 'io',
  inputs: {transcript, timeline, audio},
  outputs: {words},
  params: z
    .object({
      source: z
        .enum(['sidecar', 'whisper'])
        .default('sidecar')
        .describe('Where words come from: a transcript file beside the video, or Whisper from a local folder.'),
      whisper: whisperParams.optional().describe('The recogniser of source: whisper.'),
    })
    .refine(({source, whisper}) => source !== 'whisper' || whisper, {
      path: ['whisper'],
      error: 'source: whisper needs whisper.modelFolder',
    }),
  reads: ({source}) => (source === 'whisper' ? ['timeline', 'audio'] : ['transcript', 'timeline']),
  modelParams: ['whisper.modelFolder'],
  models: ({source, whisper}) =>
    source === 'whisper' ? modelFolderFiles(whisper!.modelFolder, whisperFiles(whisper!)) : [],
  async run({inputs, outputs, params, context}) {
    const endSeconds = endOfVideo(await inputs.timeline.column('timeSeconds'));
    const spoken =
      params.source === 'whisper'
        ? await heardWords(inputs.audio, params.whisper!, context)
        : await writtenWords(inputs.transcript, endSeconds, context);
    if (!spoken) return;
    const placement = placeWords(spoken, endSeconds);
    warnOf(placement, {endSeconds, source: params.source, context});
    for (const word of placement.words) await outputs.words.append({...word});
  },
});

async function writtenWords(
  transcript: PublishedFile | undefined,
  endSeconds: number,
  context: RunContext,
): Promise<Word[] | undefined> {
  if (transcript) return readSidecar(await readFile(transcript.path), endSeconds).flatMap(spreadWords);
  context.warn('No transcript: the clip has no words.');
  return undefined;
}

async function heardWords(
  sound: ShardReader<typeof audio>,
  params: WhisperParams,
  context: RunContext,
): Promise<Word[] | undefined> {
  if (sound.rowCount > 0) {
    const [counts, rates] = await Promise.all([sound.column('sampleCount'), sound.column('sampleRateHz', 0, 1)]);
    const durationSeconds = counts.reduce((sum, count) => sum + count, 0) / rates[0]!;
    return whisperWords({rows: () => sound.rows(), durationSeconds}, params, context);
  }
  context.warn('The video has no sound: the clip has no words.');
  return undefined;
}

function warnOf(
  {words: placed, clippedCount, beyondCount}: Placement,
  {endSeconds, source, context}: {endSeconds: number; source: 'sidecar' | 'whisper'; context: RunContext},
): void {
  const end = `${endSeconds.toFixed(2)} s`;
  if (placed.length === 0 && beyondCount === 0)
    context.warn(`The ${source === 'whisper' ? 'sound' : 'transcript'} holds no words.`);
  if (beyondCount > 0) {
    const all = placed.length + beyondCount;
    context.warn(`Words that start behind the end of the video (${end}) are left out: ${beyondCount} of ${all}.`);
  }
  if (clippedCount > 0)
    context.warn(`Words with times outside the video (0 to ${end}) were clipped: ${clippedCount} of ${placed.length}.`);
}
