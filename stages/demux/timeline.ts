/** Reads the presentation time of every frame, without keeping a pixel. */
import {locateFfmpeg} from './binary.js';
import {endedFromOutside, nothingDecoded, stopped} from './failures.js';
import {startFfmpeg, type FfmpegEnd} from './ffmpeg.js';
import {LineQueue} from './line-queue.js';
import {printTimes, printedTime, type PresentationClock} from './presentation-clock.js';

export interface TimelineRequest {
  readonly path: string;
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Advanced frame by frame; afterwards it knows where the first frame lies on the clock of the file. */
  readonly clock: PresentationClock;
  /** Told of frames that are damaged or lack a time; they stay in the timeline. */
  readonly warn: (message: string) => void;
}

/**
 * Streams `{frameIndex, timeSeconds}` for every frame that `decodeFrames` would give.
 *
 * @throws StageError 'no-frames', 'unreadable-file' or 'ffmpeg-failed'; the signal's reason on abort.
 */
export async function* decodeTimeline(
  request: TimelineRequest,
): AsyncGenerator<{frameIndex: number; timeSeconds: number}> {
  const {path, threads, signal, clock} = request;
  const times = new LineQueue(printedTime);
  const {passthrough} = await locateFfmpeg();
  const ffmpeg = await startFfmpeg({
    path,
    inputOptions: ['-noautorotate'],
    outputOptions: ['-map', '0:V:0', '-vf', printTimes, ...passthrough, '-f', 'null'],
    threads,
    signal,
    onLine: (line) => times.read(line),
  });
  ffmpeg.stdout.resume();
  void ffmpeg.ended.then(() => times.close());
  let frameCount = 0;
  try {
    for (let time = await times.next(); time !== undefined; time = await times.next()) {
      yield {frameIndex: frameCount++, timeSeconds: clock.next(time)};
    }
    const end = await ffmpeg.ended;
    signal.throwIfAborted();
    if (frameCount === 0) throw nothingDecoded(path, end);
    if (endedFromOutside(end)) throw stopped(path, end);
    reportDamage(end, frameCount, request);
  } finally {
    ffmpeg.kill();
  }
}

function reportDamage({complaints, failure}: FfmpegEnd, frameCount: number, {clock, warn}: TimelineRequest): void {
  if (complaints.count > 0) {
    const outcome = failure === undefined ? '' : ` (${failure})`;
    const errors = complaints.count === 1 ? '1 decoding error' : `${complaints.count} decoding errors`;
    warn(
      `video is damaged or cut off: ${errors}${outcome}, first "${complaints.first}"; ${frameCount} frames were decoded and kept`,
    );
  }
  if (clock.irregularCount > 0) {
    warn(
      `${clock.irregularCount} of ${frameCount} frames had no presentation time or one before the frame before; the order of decoding was kept`,
    );
  }
}
