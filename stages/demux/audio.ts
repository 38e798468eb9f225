/**
 * Decodes audio to mono samples on the clock of the timeline: sample k lies k / rate seconds after the first
 * video frame. What starts later is preceded by zeros, what starts earlier is cut, gaps are filled with zeros.
 *
 * Samples pass through 16-bit integers, so that channels are mixed with the same gains whatever the codec
 * (ffmpeg scales them down for integers only), as in the wav files that published pipelines extract.
 */
import {ByteReader} from './byte-reader.js';
import {endedFromOutside, stopped} from './failures.js';
import {startFfmpeg, type FfmpegEnd} from './ffmpeg.js';
import {LineQueue} from './line-queue.js';

export interface AudioRequest {
  readonly path: string;
  readonly sampleRateHz: number;
  /** Time of the first video frame on the clock of the file. */
  readonly originSeconds: number;
  /** Time of the last video frame, counted from the first. */
  readonly endSeconds: number;
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Told of damage, gaps and overlaps. */
  readonly warn: (message: string) => void;
}

/** One second of audio; a row of the shard 'audio'. */
export interface AudioSecond {
  readonly startSeconds: number;
  readonly sampleRateHz: number;
  readonly sampleCount: number;
  readonly samples: Float32Array;
}

/** Time stamps that jitter by less than a video frame are rounding, not gaps. */
const jitterSeconds = 0.04;
/** A time stamp this far after the last video frame is broken and is ignored. */
const beyondEndSeconds = 10;

/**
 * Streams the first audio stream second by second.
 *
 * @throws StageError 'ffmpeg-failed'; the signal's reason on abort. Damaged audio is reported, not thrown.
 */
export async function* decodeAudio(request: AudioRequest): AsyncGenerator<AudioSecond, void, undefined> {
  yield* inSeconds(onTimeline(decodePieces(request), request), request.sampleRateHz);
}

/** Samples as ffmpeg gave them, and where they begin on the timeline (may be negative; NaN where unknown). */
export interface AudioPiece {
  readonly startSample: number;
  readonly samples: Float32Array;
}

async function* decodePieces(request: AudioRequest): AsyncGenerator<AudioPiece, void, undefined> {
  const {path, sampleRateHz, originSeconds, threads, signal} = request;
  const announced = new LineQueue(announcedPiece);
  const convert = `aformat=sample_fmts=s16:channel_layouts=mono:sample_rates=${sampleRateHz}`;
  const ffmpeg = await startFfmpeg({
    path,
    outputOptions: ['-map', '0:a:0', '-af', `${convert},asettb=1/${sampleRateHz},ashowinfo,asetpts=N`, '-f', 's16le'],
    threads,
    signal,
    onLine: (line) => announced.read(line),
  });
  void ffmpeg.ended.then(() => announced.close());
  const bytes = new ByteReader(ffmpeg.stdout);
  try {
    for (let piece = await announced.next(); piece !== undefined; piece = await announced.next()) {
      const integers = await bytes.read(piece.sampleCount * 2);
      if (!integers) break;
      yield {startSample: piece.pts - Math.round(originSeconds * sampleRateHz), samples: fromIntegers(integers)};
    }
    reportDamage(await ffmpeg.ended, request);
  } finally {
    ffmpeg.kill();
  }
}

function reportDamage(end: FfmpegEnd, {path, signal, warn}: AudioRequest): void {
  signal.throwIfAborted();
  if (endedFromOutside(end)) throw stopped(path, end);
  const {complaints, failure} = end;
  if (complaints.count === 0 && failure === undefined) return;
  warn(`audio is damaged or cut off: ${complaints.said}; what could be decoded was kept`);
}

/** Reads what ashowinfo writes about each piece; its time base is one sample. */
function announcedPiece(line: string): {pts: number; sampleCount: number} | undefined {
  const [, pts, count] = /\bn:\s*\d+ pts:\s*(-?\d+|NOPTS) .*\bnb_samples:(\d+)/.exec(line) ?? [];
  if (pts === undefined || count === undefined) return undefined;
  return {pts: pts === 'NOPTS' ? Number.NaN : Number(pts), sampleCount: Number(count)};
}

function fromIntegers(bytes: Uint8Array): Float32Array {
  const integers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Float32Array(bytes.length >> 1);
  for (let k = 0; k < samples.length; k++) samples[k] = integers.getInt16(2 * k, true) / 32768;
  return samples;
}

/** Puts pieces where their time stamps say; gives contiguous samples of which the first lies at time 0. */
export async function* onTimeline(
  pieces: AsyncIterable<AudioPiece>,
  {sampleRateHz, endSeconds, warn}: Pick<AudioRequest, 'sampleRateHz' | 'endSeconds' | 'warn'>,
): AsyncGenerator<Float32Array, void, undefined> {
  const latestSample = (endSeconds + beyondEndSeconds) * sampleRateHz;
  const jitter = jitterSeconds * sampleRateHz;
  const faults = {gapCount: 0, gapSamples: 0, overlapCount: 0};
  let position = 0;
  for await (const {startSample, samples} of pieces) {
    // The first samples are placed exactly; later ones follow each other unless their time differs by more than jitter.
    const offset = startSample <= latestSample ? startSample - position : 0;
    const exact = position === 0 || Math.abs(offset) > jitter ? offset : 0;
    const silentCount = Math.max(0, exact);
    const cutCount = Math.min(samples.length, Math.max(0, -exact));
    if (position > 0 && silentCount > 0) faults.gapCount += 1;
    if (position > 0 && cutCount > 0) faults.overlapCount += 1;
    if (position > 0) faults.gapSamples += silentCount;
    for (let left = silentCount; left > 0; left -= sampleRateHz) yield new Float32Array(Math.min(left, sampleRateHz));
    yield samples.subarray(cutCount);
    position += silentCount + samples.length - cutCount;
  }
  reportFaults(faults, sampleRateHz, warn);
}

function reportFaults(
  {gapCount, gapSamples, overlapCount}: {gapCount: number; gapSamples: number; overlapCount: number},
  sampleRateHz: number,
  warn: (message: string) => void,
): void {
  const seconds = (gapSamples / sampleRateHz).toFixed(2);
  if (gapCount > 0) warn(`gaps in the time stamps of the audio: ${gapCount}, ${seconds} s in all; filled with silence`);
  if (overlapCount > 0) warn(`overlaps in the time stamps of the audio: ${overlapCount}; the later samples were cut`);
}

/** Cuts contiguous samples into rows of one second; the last is filled up with zeros. */
export async function* inSeconds(
  runs: AsyncIterable<Float32Array>,
  sampleRateHz: number,
): AsyncGenerator<AudioSecond, void, undefined> {
  let startSeconds = 0;
  let samples = new Float32Array(sampleRateHz);
  let sampleCount = 0;
  for await (const run of runs) {
    for (let taken = 0; taken < run.length;) {
      const part = run.subarray(taken, taken + sampleRateHz - sampleCount);
      samples.set(part, sampleCount);
      sampleCount += part.length;
      taken += part.length;
      if (sampleCount < sampleRateHz) continue;
      yield {startSeconds, sampleRateHz, sampleCount, samples};
      [startSeconds, samples, sampleCount] = [startSeconds + 1, new Float32Array(sampleRateHz), 0];
    }
  }
  if (sampleCount > 0) yield {startSeconds, sampleRateHz, sampleCount, samples};
}
