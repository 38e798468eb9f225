/** Looks into a media file by decoding its first frame; the packages that carry ffmpeg carry no ffprobe. */
import {assertReadable, noVideoStream, nothingDecoded} from './failures.js';
import {startFfmpeg} from './ffmpeg.js';

export interface MediaDescription {
  /** Size of a decoded frame in pixels, after the rotation that the file asks for. */
  readonly width: number;
  readonly height: number;
  readonly hasAudio: boolean;
  /** What the container claims, in seconds; undefined where it claims nothing. */
  readonly durationSeconds: number | undefined;
}

/**
 * Describes the first video stream (cover images do not count) and says whether there is audio.
 *
 * @throws StageError 'unreadable-file', 'no-video-stream' or 'no-frames'.
 */
export async function probe(file: string, signal: AbortSignal): Promise<MediaDescription> {
  await assertReadable(file);
  const seen = new StreamLines();
  const {stdout, ended} = await startFfmpeg({
    path: file,
    outputOptions: ['-map', '0:V:0', '-frames:v', '1', '-vf', 'showinfo', '-f', 'null'],
    threads: 1,
    signal,
    onLine: (line) => seen.read(line),
  });
  stdout.resume();
  const end = await ended;
  signal.throwIfAborted();
  if (seen.lacksVideo) throw noVideoStream(file);
  if (!seen.size) throw nothingDecoded(file, end);
  return {...seen.size, hasAudio: seen.hasAudio, durationSeconds: seen.durationSeconds};
}

/** Collects what ffmpeg's log says of the streams of its input. */
class StreamLines {
  /** ffmpeg's own finding: its map of the first picture stream that is no cover image matched nothing. */
  lacksVideo = false;
  hasAudio = false;
  durationSeconds: number | undefined;
  size: {width: number; height: number} | undefined;
  #inInput = false;

  read(line: string): void {
    if (/\] Input #0, /.test(line)) this.#inInput = true;
    if (line.includes('matches no streams')) this.lacksVideo = true;
    if (/\] (Output #0, |Stream mapping:)/.test(line)) this.#inInput = false;
    if (this.#inInput && /\bStream #0:\d+.*: Audio: /.test(line)) this.hasAudio = true;
    const [, hours, minutes, seconds] = /\bDuration: (\d+):(\d+):([\d.]+),/.exec(line) ?? [];
    if (this.#inInput && seconds !== undefined) {
      this.durationSeconds = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    }
    const [, width, height] = /\bn:\s*\d+ pts:.* s:(\d+)x(\d+) /.exec(line) ?? [];
    if (width !== undefined && height !== undefined) this.size ??= {width: Number(width), height: Number(height)};
  }
}
