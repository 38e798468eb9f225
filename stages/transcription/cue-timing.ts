/** The line `start --> end [settings]`, which WebVTT and SRT share. */
import {secondsOf} from './timestamp.js';
import {badTranscript} from './word.js';

export const arrow = '-->';

/**
 * Reads the times of a cue. A cue that ends before it starts is an error, since its words cannot be placed.
 * @throws StageError `bad-transcript`, naming the line.
 */
export function readCueTiming(line: string, lineNumber: number): {startSeconds: number; endSeconds: number} {
  const [left = '', right = ''] = line.split(arrow);
  const startSeconds = secondsOf(left.trim());
  const endSeconds = secondsOf(right.trim().split(/\s+/u)[0] ?? '');
  const where = `line ${lineNumber}`;
  if (startSeconds === undefined || endSeconds === undefined) {
    throw badTranscript({where, seen: line, expected: 'two times, such as 00:00:01.500 --> 00:00:03.000'});
  }
  if (endSeconds < startSeconds) {
    throw badTranscript({where, seen: line, expected: 'a cue that does not end before it starts'});
  }
  return {startSeconds, endSeconds};
}
