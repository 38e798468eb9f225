/** Decodes video to RGB frames, each with its real presentation time. */
import {locateFfmpeg} from './binary.js';
import {ByteReader} from './byte-reader.js';
import {endedFromOutside, nothingDecoded, stopped} from './failures.js';
import {startFfmpeg} from './ffmpeg.js';
import {LineQueue} from './line-queue.js';
import {PresentationClock, printTimes, printedTime} from './presentation-clock.js';
import {probe} from './probe.js';

export interface FrameRequest {
  readonly path: string;
  /** Size to which every frame is scaled (aspect not kept); that of the video where absent. Give both or none. */
  readonly width?: number;
  readonly height?: number;
  /** Frames before this one are decoded but not handed out. */
  readonly startFrame?: number;
  /** Threads for decoding; 1 where absent. */
  readonly threads?: number;
  readonly signal: AbortSignal;
}

export interface VideoFrame {
  /** Position in presentation order, equal to the row of the timeline. */
  readonly frameIndex: number;
  /** Seconds since the first frame, equal to the timeline's. */
  readonly timeSeconds: number;
  readonly width: number;
  readonly height: number;
  /** height × width × 3 bytes, row-major; belongs to the caller. */
  readonly rgb: Uint8Array;
}

/** Exact rounding and no machine-specific shortcuts, so that pixels are the same on every processor. */
const scalerFlags = 'bilinear+accurate_rnd+bitexact';

/**
 * Streams every frame of the first video stream, rotated as the file asks for; frames are neither dropped nor
 * repeated. Holds one frame: ffmpeg waits while the consumer works. Ending the loop early ends ffmpeg.
 *
 * @throws StageError 'unreadable-file', 'no-video-stream', 'no-frames' or 'ffmpeg-failed'; the signal's reason on abort.
 */
export async function* decodeFrames(request: FrameRequest): AsyncGenerator<VideoFrame, void, undefined> {
  const {path, signal, startFrame = 0, threads = 1} = request;
  const described = await probe(path, signal);
  const {width = described.width, height = described.height} = request;
  const times = new LineQueue(printedTime);
  const ffmpeg = await startFfmpeg({
    path,
    outputOptions: await frameOptions(width, height),
    threads,
    signal,
    onLine: (line) => times.read(line),
  });
  void ffmpeg.ended.then(() => times.close());
  const pixels = new ByteReader(ffmpeg.stdout);
  const clock = new PresentationClock();
  let frameIndex = 0;
  try {
    for (let time = await times.next(); time !== undefined; time = await times.next()) {
      const rgb = await pixels.read(width * height * 3);
      if (!rgb) break;
      const timeSeconds = clock.next(time);
      if (frameIndex >= startFrame) yield {frameIndex, timeSeconds, width, height, rgb};
      frameIndex += 1;
    }
    const end = await ffmpeg.ended;
    signal.throwIfAborted();
    if (frameIndex === 0) throw nothingDecoded(path, end);
    if (endedFromOutside(end)) throw stopped(path, end);
  } finally {
    ffmpeg.kill();
  }
}

async function frameOptions(width: number, height: number): Promise<string[]> {
  const {passthrough} = await locateFfmpeg();
  const filters = `${printTimes},scale=${width}:${height}:flags=${scalerFlags},format=rgb24`;
  return ['-map', '0:V:0', '-vf', filters, ...passthrough, '-pix_fmt', 'rgb24', '-f', 'rawvideo'];
}
