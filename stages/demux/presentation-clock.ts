/**
 * Presentation times of decoded frames. ffmpeg prints each one from inside its filter chain, so that time k
 * belongs to frame k whatever the container, the frame rate and the version of ffmpeg.
 */

/**
 * Filters that print the time of every frame in milliseconds with six decimals and keep every frame. (`setpts`
 * would print once more, at the end of the stream, since ffmpeg 7.) What leaves them is numbered instead of
 * timed, so that ffmpeg does not complain about times that run backwards.
 */
export const printTimes = 'select=1+0*print(t*1000),settb=1,setpts=N';

/** Step in seconds that is assumed where a stream carries no times at all: 25 frames per second. */
const unknownStepSeconds = 0.04;

/** Reads a line of ffmpeg's log; the time in seconds where `printTimes` wrote it, NaN for a frame without time. */
export function printedTime(line: string): number | undefined {
  const text = /^(?:\[[^\]]*\] )*(-?\d+\.\d{6}|-?nan)$/.exec(line)?.[1];
  if (text === undefined) return undefined;
  return text.endsWith('nan') ? Number.NaN : Number(text) / 1000;
}

/** Turns printed times into times counted from the first frame that never run backwards. */
export class PresentationClock {
  /** Frames whose time was missing or earlier than that of the frame before. */
  irregularCount = 0;
  /** Time of the first frame on the clock of the file, which audio shares. */
  originSeconds: number | undefined;
  #last = 0;
  #step = unknownStepSeconds;

  /** Seconds since the first frame for the next frame, given its printed time. */
  next(printedSeconds: number): number {
    if (this.originSeconds === undefined) {
      if (Number.isNaN(printedSeconds)) this.irregularCount += 1;
      this.originSeconds = Number.isNaN(printedSeconds) ? 0 : printedSeconds;
      return 0;
    }
    const elapsed = roundNanoseconds(printedSeconds - this.originSeconds);
    const irregular = !(elapsed >= this.#last);
    if (irregular) this.irregularCount += 1;
    else if (elapsed > this.#last) this.#step = elapsed - this.#last;
    this.#last = Number.isNaN(elapsed) ? this.#last + this.#step : Math.max(elapsed, this.#last);
    return this.#last;
  }
}

/** The printed times carry nanoseconds; what a difference of doubles adds below that is noise. */
function roundNanoseconds(seconds: number): number {
  return Math.round(seconds * 1e9) / 1e9;
}
