/** What every transcript format is read into. */
import {StageError} from '../errors.js';

/** One spoken word. Invariant after `placeWords`: 0 ≤ start ≤ end, words in order of start. */
export interface Word {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly word: string;
}

/** Text of a cue whose first letter is spoken at `startSeconds`; the next piece or the cue's end closes it. */
export interface Piece {
  readonly startSeconds: number;
  readonly text: string;
}

/** A stretch of text with one start and one end, as subtitles and recognisers' segments give it. */
export interface Cue {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** At least one; the first starts with the cue. Times never fall. */
  readonly pieces: readonly Piece[];
}

/** Says where in a transcript something else was seen than the format allows. */
export function badTranscript({where, seen, expected}: {where: string; seen: string; expected: string}): StageError {
  const shown = seen.length > 60 ? `${seen.slice(0, 60)}…` : seen;
  return new StageError(
    'bad-transcript',
    `Transcript, ${where}: expected ${expected}, saw ${JSON.stringify(shown)}.`,
    'Correct the transcript, or remove it from the data set: a clip without one has no words.',
  );
}
