/** Speech recognition with Whisper by transformers.js, from a local folder, chunk by chunk. */
import {readFile} from 'node:fs/promises';
import {SampleSection, type AudioRow} from '../acoustic-embedding/sample-section.js';
import {StageError} from '../errors.js';
import {folderOf, localTransformers, requireFiles} from '../learning/model-folder.js';
import {chunksOf, inOrder, joinChunk, type Chunk} from './chunks.js';
import {whisperFiles, type WhisperParams} from './whisper-params.js';
import type {Word} from './word.js';

/** Samples per second that Whisper hears; other rates are resampled. */
const sampleRateHz = 16_000;
/** −80 dB of full scale. Whisper makes up words where nothing is to be heard, so such chunks are left out. */
const silentPeak = 1e-4;

interface Sound {
  rows(): AsyncIterable<AudioRow>;
  readonly durationSeconds: number;
}

interface Surroundings {
  readonly models: Readonly<Record<string, string>>;
  readonly threads: number;
  readonly signal: AbortSignal;
  progress(done: number, total: number, unit: string): void;
}

/** Samples in, words with times from the first sample on. */
type Listen = (samples: Float32Array, language: string | undefined) => Promise<Word[]>;

/**
 * Hears all words, in order and without overlap; holds one chunk of sound.
 *
 * @throws StageError 'bad-model' where the folder holds no Whisper that gives times of words.
 */
export async function whisperWords(sound: Sound, params: WhisperParams, context: Surroundings): Promise<Word[]> {
  const whisper = await openWhisper(params, context);
  try {
    const section = new SampleSection(sound.rows());
    let words: Word[] = [];
    for (const chunk of chunksOf(sound.durationSeconds, params)) {
      context.signal.throwIfAborted();
      context.progress(chunk.startSeconds, sound.durationSeconds, 's');
      const count = Math.round((chunk.endSeconds - chunk.startSeconds) * sampleRateHz);
      const samples = await section.window(chunk.startSeconds, count, sampleRateHz);
      if (samples.every((sample) => Math.abs(sample) < silentPeak)) continue;
      words = joinChunk(
        words,
        (await whisper.listen(samples, params.language)).map((word) => later(word, chunk)),
        chunk,
      );
    }
    return inOrder(words);
  } finally {
    await whisper.release();
  }
}

function later({startSeconds, endSeconds, word}: Word, chunk: Chunk): Word {
  return {startSeconds: startSeconds + chunk.startSeconds, endSeconds: endSeconds + chunk.startSeconds, word};
}

async function openWhisper(
  params: WhisperParams,
  {models, threads}: Surroundings,
): Promise<{listen: Listen; release: () => Promise<unknown>}> {
  requireFiles(models, whisperFiles(params));
  const folder = folderOf(models, 'config.json');
  await requireWordTimes(models['generation_config.json']!, folder);
  const {pipeline} = await localTransformers();
  const recognise = await pipeline('automatic-speech-recognition', folder, {
    device: 'cpu',
    dtype: params.weights,
    local_files_only: true,
    session_options: {intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3},
  }).catch((cause: unknown) => {
    throw unusable(
      folder,
      cause,
      'Download it again, or choose another kind of weights by transcription.whisper.weights.',
    );
  });
  const listen: Listen = async (samples, language) => {
    const options = {return_timestamps: 'word' as const, ...(language === undefined ? {} : {language})};
    const result = await recognise(samples, options).catch((cause: unknown) => {
      throw unusable(folder, cause, wordTimesRemedy);
    });
    return wordsOf(Array.isArray(result) ? result[0]! : result, samples.length / sampleRateHz);
  };
  return {listen, release: () => recognise.dispose()};
}

const wordTimesRemedy =
  'Take an export with times of words, such as onnx-community/whisper-base_timestamped; leave language out for English-only models.';

/** Times of words come from the attention of certain heads, which the folder must name. */
async function requireWordTimes(file: string, folder: string): Promise<void> {
  let settings: unknown;
  try {
    settings = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw unusable(folder, cause, 'Download the folder again.');
  }
  if (typeof settings === 'object' && settings !== null && 'alignment_heads' in settings && settings.alignment_heads)
    return;
  const message = `The Whisper in ${folder} gives no times of words: its generation_config.json has no alignment_heads.`;
  throw new StageError('bad-model', message, wordTimesRemedy);
}

function unusable(folder: string, cause: unknown, remedy: string): StageError {
  const said = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
  return new StageError('bad-model', `The Whisper in ${folder} cannot be used: ${said}.`, remedy, {cause});
}

interface Recognised {
  readonly chunks?: readonly {readonly text: string; readonly timestamp: readonly (number | null)[]}[];
}

function wordsOf({chunks = []}: Recognised, endSeconds: number): Word[] {
  return chunks.flatMap(({text, timestamp: [start, end]}) => {
    const word = text.trim();
    if (word === '' || start === null || start === undefined || !Number.isFinite(start)) return [];
    return [{startSeconds: start, endSeconds: Math.max(start, end ?? endSeconds), word}];
  });
}
