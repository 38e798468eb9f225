/** SubRip (.srt): numbered cues with a comma before the milliseconds. No standard exists; this reads what players read. */
import {arrow, readCueTiming} from './cue-timing.js';
import {plainText} from './markup.js';
import type {Cue} from './word.js';
import {badTranscript} from './word.js';

/**
 * Reads cues. Text runs to the next timing line, so that a blank line within a cue loses no words; cue numbers
 * are optional and not checked.
 * @throws StageError `bad-transcript`, naming the line.
 */
export function readSrt(text: string): Cue[] {
  const lines = text.split('\n');
  const timings = lines.flatMap((line, index) => (line.includes(arrow) ? [index] : []));
  rejectTextBefore(lines, timings[0] ?? lines.length);
  return timings.map((timing, position) => {
    const times = readCueTiming(lines[timing]!, timing + 1);
    const end = timings[position + 1] ?? lines.length;
    const spoken = withoutNumber(lines.slice(timing + 1, end), position < timings.length - 1);
    return {...times, pieces: [{startSeconds: times.startSeconds, text: plainText(spoken.join('\n'))}]};
  });
}

/** The number of the next cue stands directly above its times, not within this cue's text. */
function withoutNumber(lines: readonly string[], cueFollows: boolean): readonly string[] {
  return cueFollows && /^\s*\d+\s*$/u.test(lines.at(-1) ?? '') ? lines.slice(0, -1) : lines;
}

function rejectTextBefore(lines: readonly string[], firstTiming: number): void {
  const index = lines.slice(0, firstTiming).findIndex((line) => !/^\s*\d*\s*$/u.test(line));
  if (index < 0) return;
  throw badTranscript({where: `line ${index + 1}`, seen: lines[index]!, expected: 'a cue number or start --> end'});
}
