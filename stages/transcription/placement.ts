/** Words on the clock of the video: in order, within its length. */
import type {Word} from './word.js';

export interface Placement {
  readonly words: Word[];
  /** Words that start before 0 or end behind the video, and were cut. */
  readonly clippedCount: number;
  /** Words that start behind the end of the video and were left out. */
  readonly beyondCount: number;
}

/**
 * Orders words by start and clips them to [0, endSeconds]. Words of overlapping cues (two speakers) stay as they are.
 */
export function placeWords(words: readonly Word[], endSeconds: number): Placement {
  const kept = words.filter((word) => word.startSeconds < endSeconds);
  const placed = kept.map((word) => clip(word, endSeconds));
  return {
    words: placed.toSorted((a, b) => a.startSeconds - b.startSeconds || a.endSeconds - b.endSeconds),
    clippedCount: placed.filter((word, index) => word !== kept[index]).length,
    beyondCount: words.length - kept.length,
  };
}

/** The same word where nothing had to change. */
function clip(word: Word, videoEndSeconds: number): Word {
  const startSeconds = Math.max(0, word.startSeconds);
  const endSeconds = Math.min(videoEndSeconds, Math.max(startSeconds, word.endSeconds));
  const unchanged = startSeconds === word.startSeconds && endSeconds === word.endSeconds;
  return unchanged ? word : {...word, startSeconds, endSeconds};
}

/** End of the last frame: its time and the mean distance of frames. */
export function endOfVideo(timeSeconds: Float64Array): number {
  const last = timeSeconds.at(-1) ?? 0;
  return timeSeconds.length < 2 ? last : last + (last - timeSeconds[0]!) / (timeSeconds.length - 1);
}
