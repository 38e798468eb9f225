/**
 * Makes a small data set as real files: people who are drawn and whose speech is synthesised show a course of valence
 * and arousal that is known. Every file follows from the seed.
 *
 *     videos/s01-c1.mp4   annotations/s01-c1.txt   transcripts/s01-c1.vtt   subjects.csv   dataset.json
 */
import {mkdir, rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {random} from '../../../stages/learning/random.js';
import type {Random} from '../../../stages/learning/random.js';
import type {Clip} from '../dataset.js';
import type {Appearance, Fault} from './cast.js';
import {castOf} from './cast.js';
import type {ClipPlan} from './clip-plan.js';
import {planClip} from './clip-plan.js';
import {encodeClip, lateAudioSeconds} from './encoding.js';
import type {Parameters} from './stamp.js';
import {isStamped, writeStamp} from './stamp.js';
import {annotationText, transcriptText} from './text-files.js';
import {sampleRateHz, synthesise} from './voice.js';

export interface DemoOptions {
  readonly folder: string;
  readonly seed?: number;
  readonly subjectCount?: number;
  readonly clipsPerSubject?: number;
  readonly secondsPerClip?: number;
  readonly frameRateHz?: number;
  /** In two of five clips the voice shows the opposite of what is felt. */
  readonly weaklyComplementary?: boolean;
  /** Clips made at once. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly progress?: (done: number, total: number) => void;
}

export interface DemoClip extends Clip {
  readonly annotation: string;
  readonly faults: readonly Fault[];
}

export interface DemoDataset {
  readonly clips: readonly DemoClip[];
  /** False where the folder already held this data set and nothing was done. */
  readonly made: boolean;
}

/** Stands in for `DemoOptions.signal`. */
const never = new AbortController().signal;

/**
 * Writes the data set of a seed, unless the folder holds it already.
 * @throws StageError `ffmpeg-missing` or `ffmpeg-failed`; the signal's reason when it is aborted.
 */
export async function makeDemoDataset(options: DemoOptions): Promise<DemoDataset> {
  const {folder, seed = 0, concurrency = 2, signal = never, progress} = options;
  const {
    subjectCount = 12,
    clipsPerSubject = 2,
    secondsPerClip = 24,
    frameRateHz = 15,
    weaklyComplementary = false,
  } = options;
  const parameters = {seed, subjectCount, clipsPerSubject, secondsPerClip, frameRateHz, weaklyComplementary};
  const cast = castOf(parameters);
  const clips = cast.map((appearance) => clipOf(path.resolve(folder), appearance));
  if (await isStamped(folder, parameters)) return {clips, made: false};
  await writeAll({
    folder: path.resolve(folder),
    cast,
    parameters,
    concurrency,
    frameRateHz,
    signal,
    progress: progress ?? (() => {}),
  });
  return {clips, made: true};
}

interface Work {
  readonly folder: string;
  readonly cast: readonly Appearance[];
  readonly parameters: Parameters & {readonly seed: number};
  readonly concurrency: number;
  readonly frameRateHz: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

async function writeAll({folder, cast, parameters, concurrency, frameRateHz, signal, progress}: Work): Promise<void> {
  await emptyFolders(folder);
  const source = random(parameters.seed);
  const waiting = [...cast];
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let appearance = waiting.shift(); appearance; appearance = waiting.shift()) {
      signal.throwIfAborted();
      await writeClip(folder, source, appearance, {frameRateHz, signal});
      progress(++done, cast.length);
    }
  };
  await Promise.all(Array.from({length: concurrency}, worker));
  await writeFile(path.join(folder, 'subjects.csv'), subjectsText(cast));
  await writeStamp(folder, parameters, filesOf(cast));
}

/** Only the generator's own folders are emptied: what else lies beside them stays. */
async function emptyFolders(folder: string): Promise<void> {
  for (const name of ['videos', 'annotations', 'transcripts']) {
    await rm(path.join(folder, name), {recursive: true, force: true});
    await mkdir(path.join(folder, name), {recursive: true});
  }
}

async function writeClip(
  folder: string,
  source: Random,
  appearance: Appearance,
  {frameRateHz, signal}: {frameRateHz: number; signal: AbortSignal},
): Promise<void> {
  const plan = planClip(source, appearance, frameRateHz);
  const {video, annotation, transcript} = clipOf(folder, appearance);
  await encodeClip({plan, samples: soundOf(source, plan), frameRateHz, path: video, signal});
  await writeFile(annotation, annotationText(plan));
  // Every second subject's transcripts time only sentences, as many published ones do.
  if (transcript) await writeFile(transcript, transcriptText(plan.sentences, appearance.position % 2 === 0));
}

function soundOf(source: Random, plan: ClipPlan): Float32Array | undefined {
  if (plan.faults.includes('no-audio')) return undefined;
  const samples = synthesise(source, {...plan, cues: plan.feeling.voice, seconds: plan.durationSeconds});
  return plan.faults.includes('late-audio') ? samples.subarray(Math.round(lateAudioSeconds * sampleRateHz)) : samples;
}

function clipOf(folder: string, {clip, subject, faults}: Appearance): DemoClip {
  return {
    name: clip,
    subject,
    video: path.join(folder, 'videos', `${clip}.mp4`),
    annotation: path.join(folder, 'annotations', `${clip}.txt`),
    ...(faults.includes('no-transcript') ? {} : {transcript: path.join(folder, 'transcripts', `${clip}.vtt`)}),
    faults,
  };
}

function subjectsText(cast: readonly Appearance[]): string {
  return ['clip,subject', ...cast.map(({clip, subject}) => `${clip},${subject}`), ''].join('\n');
}

/** Relative to the folder, sorted, with forward slashes. */
function filesOf(cast: readonly Appearance[]): string[] {
  const ofClips = cast.flatMap((appearance) => {
    const {video, annotation, transcript} = clipOf('', appearance);
    return [video, annotation, ...(transcript ? [transcript] : [])].map((file) => file.split(path.sep).join('/'));
  });
  return [...ofClips, 'subjects.csv'].sort();
}
