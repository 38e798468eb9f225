/** Turns drawn frames and synthesised sound into an mp4 file. */
import {spawn} from 'node:child_process';
import {rename, rm, writeFile} from 'node:fs/promises';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import sharp from 'sharp';
import type {FfmpegBinary} from '../../../stages/demux/binary.js';
import {locateFfmpeg} from '../../../stages/demux/binary.js';
import {StageError} from '../../../stages/errors.js';
import type {ClipPlan} from './clip-plan.js';
import {variableTickExpression, variableTickHz} from './clip-plan.js';
import {drawScene, frameHeight, frameWidth} from './scene-drawing.js';
import {sampleRateHz} from './voice.js';

/** How much later the sound starts where that is the clip's fault. */
export const lateAudioSeconds = 0.4;

/** Frames drawn ahead of the one being encoded. */
const framesAhead = 3;

export interface EncodingOptions {
  readonly plan: ClipPlan;
  /** Undefined where the clip has no audio stream. */
  readonly samples: Float32Array | undefined;
  readonly frameRateHz: number;
  readonly path: string;
  readonly signal: AbortSignal;
}

/** Writes aside and renames, so that a video is whole or absent. */
export async function encodeClip(options: EncodingOptions): Promise<void> {
  const sound = `${options.path}.pcm`;
  const aside = `${options.path}.part`;
  try {
    if (options.samples) await writeFile(sound, pcm16(options.samples));
    const binary = await locateFfmpeg();
    const args = [...inputs(options, sound), ...outputs(options, binary), aside];
    await runFfmpeg(binary, args, options);
    await rename(aside, options.path);
  } finally {
    await Promise.all([rm(sound, {force: true}), rm(aside, {force: true})]);
  }
}

function inputs({plan, samples, frameRateHz}: EncodingOptions, sound: string): string[] {
  const variable = plan.faults.includes('variable-frame-rate');
  const size = `${frameWidth}x${frameHeight}`;
  // With a variable frame rate every tick of the clock is a frame that ffmpeg could expect.
  const rate = String(variable ? variableTickHz : frameRateHz);
  const frames = ['-f', 'rawvideo', '-pix_fmt', 'rgba', '-s', size, '-framerate', rate, '-i', 'pipe:0'];
  if (!samples) return frames;
  const late = plan.faults.includes('late-audio') ? ['-itsoffset', String(lateAudioSeconds)] : [];
  return [...frames, ...late, '-f', 's16le', '-ar', String(sampleRateHz), '-ac', '1', '-i', sound];
}

/** One thread and no time stamps of the encoder, so that the same frames give the same bytes on every machine. */
const codecs = '-c:v libx264 -preset ultrafast -crf 20 -pix_fmt yuv420p -g 50 -threads 1 -c:a aac -b:a 64k'.split(' ');
const exact = '-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact'.split(' ');

function outputs({plan, frameRateHz}: EncodingOptions, {passthrough}: FfmpegBinary): string[] {
  const variable = plan.faults.includes('variable-frame-rate');
  const timing = variable ? ['-vf', `setpts=${variableTickExpression(frameRateHz)}`, ...passthrough] : [];
  // From ffmpeg 5.1 on `setpts` takes a frame's duration away, and the last frame would fall behind the mp4's end.
  const lasting = variable && passthrough[0] === '-fps_mode' ? ['-bsf:v', `setts=duration=${1 / frameRateHz}/TB`] : [];
  return [...timing, ...lasting, ...codecs, ...exact, '-f', 'mp4', '-y'];
}

async function runFfmpeg(
  binary: FfmpegBinary,
  args: readonly string[],
  {plan, path, signal}: EncodingOptions,
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(binary.path, ['-hide_banner', '-loglevel', 'error', ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
    windowsHide: true,
    signal,
    killSignal: 'SIGKILL',
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const fed = pipeline(Readable.from(drawFrames(plan)), child.stdin, {signal});
  const [code, feeding] = await Promise.allSettled([ended, fed]);
  signal.throwIfAborted();
  if (code.status === 'fulfilled' && code.value === 0 && feeding.status === 'fulfilled') return;
  const reasons = [code, feeding].flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
  throw new StageError(
    'ffmpeg-failed',
    `ffmpeg could not write ${path}: ${complaint.trim().split('\n').at(-1) || reasons.join('; ') || 'it gave no reason'}`,
    'Check the free disk space, and `affectflow doctor` for the ffmpeg in use; it needs the encoders libx264 and aac.',
  );
}

/** RGBA frames in order; a few are drawn at once, since sharp draws outside of the main thread. */
async function* drawFrames(plan: ClipPlan): AsyncGenerator<Buffer> {
  const drawn: Promise<Buffer>[] = [];
  for (const time of plan.frameSeconds) {
    drawn.push(drawFrame(plan, time));
    if (drawn.length > framesAhead) yield await drawn.shift()!;
  }
  for (const frame of drawn) yield await frame;
}

function drawFrame({scene, person, expression}: ClipPlan, time: number): Promise<Buffer> {
  return sharp(Buffer.from(drawScene(scene, person, time, expression(time))))
    .ensureAlpha()
    .raw()
    .toBuffer();
}

function pcm16(samples: Float32Array): Uint8Array {
  const bytes = new Uint8Array(2 * samples.length);
  const view = new DataView(bytes.buffer);
  samples.forEach((sample, index) =>
    view.setInt16(2 * index, Math.round(32767 * Math.max(-1, Math.min(1, sample))), true),
  );
  return bytes;
}
