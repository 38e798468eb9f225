/** WebVTT (W3C Candidate Recommendation, "WebVTT: The Web Video Text Tracks Format", §4 and §6.4). */
import {arrow, readCueTiming} from './cue-timing.js';
import {plainText} from './markup.js';
import {secondsOf} from './timestamp.js';
import type {Cue, Piece} from './word.js';
import {badTranscript} from './word.js';

/** Line number of its first line, and its lines; blank lines separate blocks. */
interface Block {
  readonly lineNumber: number;
  readonly lines: readonly string[];
}

interface RawCue {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly lines: readonly string[];
}

/** A time in the text: from here on the following words are spoken. */
const timeTag = /<((?:\d+:)?\d\d:\d\d[.,]\d{3})>/u;

/** @throws StageError `bad-transcript`, naming the line. */
export function readWebVtt(text: string): Cue[] {
  const [, ...blocks] = blocksOf(text);
  const cues = blocks.flatMap((block) => (isComment(block) ? [] : [cueOf(block)]));
  return (isRolling(cues) ? withoutRepeatedLines(cues) : cues).map(toPieces);
}

/** The block that starts the file is its header, whatever it holds. */
function blocksOf(text: string): Block[] {
  const blocks: {lineNumber: number; lines: string[]}[] = [];
  let open = false;
  text.split('\n').forEach((line, index) => {
    // A rolling caption's first line may be a single blank (YouTube); any other line without text ends a block.
    const rolling = line !== '' && open && blocks.at(-1)!.lines.at(-1)!.includes(arrow);
    if (line.trim() === '' && !rolling) open = false;
    else if (open) blocks.at(-1)!.lines.push(line);
    else {
      blocks.push({lineNumber: index + 1, lines: [line]});
      open = true;
    }
  });
  return blocks;
}

function isComment({lines}: Block): boolean {
  return /^(?:NOTE|STYLE|REGION)(?:\s|$)/u.test(lines[0]!) && !lines[0]!.includes(arrow);
}

function cueOf({lineNumber, lines}: Block): RawCue {
  const timing = lines[0]!.includes(arrow) ? 0 : 1;
  if (!lines[timing]?.includes(arrow)) {
    throw badTranscript({where: `line ${lineNumber}`, seen: lines[0]!, expected: 'a cue with start --> end'});
  }
  return {...readCueTiming(lines[timing], lineNumber + timing), lines: lines.slice(timing + 1)};
}

/** Captions with word times usually roll: each cue repeats the line above the one being spoken. */
function isRolling(cues: readonly RawCue[]): boolean {
  return cues.some((cue) => cue.lines.some((line) => timeTag.test(line)));
}

/** Drops lines without word times that the cue before already showed. */
function withoutRepeatedLines(cues: readonly RawCue[]): RawCue[] {
  const shown = cues.map((cue) => cue.lines.map((line) => bareText(line)));
  return cues.map((cue, index) => ({
    ...cue,
    lines: cue.lines.filter((line) => timeTag.test(line) || !shown[index - 1]?.includes(bareText(line))),
  }));
}

function bareText(line: string): string {
  return plainText(line.replace(new RegExp(timeTag, 'gu'), '')).trim();
}

/** Cuts the text at its time tags; a tag outside the cue, or before an earlier one, is moved to the nearest time inside. */
function toPieces({startSeconds, endSeconds, lines}: RawCue): Cue {
  const [first = '', ...rest] = lines.join('\n').split(timeTag);
  const pieces: Piece[] = [{startSeconds, text: plainText(first)}];
  for (let index = 0; index < rest.length; index += 2) {
    const seconds = secondsOf(rest[index]!) ?? startSeconds;
    const inside = Math.min(endSeconds, Math.max(seconds, pieces.at(-1)!.startSeconds));
    pieces.push({startSeconds: inside, text: plainText(rest[index + 1]!)});
  }
  return {startSeconds, endSeconds, pieces};
}
