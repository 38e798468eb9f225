/** Long sound in overlapping chunks, and the words of the chunks as one sequence. */
import type {Word} from './word.js';

export interface Chunk {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** The part whose words are taken from this chunk; parts of neighbours touch and do not overlap. */
  readonly ownStartSeconds: number;
  readonly ownEndSeconds: number;
}

/** Chunks that cover [0, durationSeconds), each `strideSeconds` longer than its own part on both sides. */
export function chunksOf(
  durationSeconds: number,
  {chunkSeconds, strideSeconds}: {chunkSeconds: number; strideSeconds: number},
): Chunk[] {
  const chunks: Chunk[] = [];
  for (let start = 0; durationSeconds > 0; start += chunkSeconds - 2 * strideSeconds) {
    const endSeconds = Math.min(durationSeconds, start + chunkSeconds);
    const isLast = endSeconds === durationSeconds;
    const ownStartSeconds = start === 0 ? 0 : start + strideSeconds;
    chunks.push({
      startSeconds: start,
      endSeconds,
      ownStartSeconds,
      ownEndSeconds: isLast ? Infinity : endSeconds - strideSeconds,
    });
    if (isLast) break;
  }
  return chunks;
}

/** How far both hearings of one word at a seam may lie apart. */
const seamSeconds = 0.5;

/** Adds the words whose middle lies in the chunk's own part, without one that the chunk before already gave. */
export function joinChunk(words: readonly Word[], heard: readonly Word[], chunk: Chunk): Word[] {
  const own = heard.filter((word) => {
    const middle = (word.startSeconds + word.endSeconds) / 2;
    // What a recogniser hears behind the end of the sound is made up.
    return middle >= chunk.ownStartSeconds && middle < chunk.ownEndSeconds && word.startSeconds < chunk.endSeconds;
  });
  const [last, first] = [words.at(-1), own[0]];
  const twice = last && first && plain(last) === plain(first) && first.startSeconds < last.endSeconds + seamSeconds;
  return [...words, ...(twice && first.startSeconds - last.startSeconds < seamSeconds ? own.slice(1) : own)];
}

function plain({word}: Word): string {
  return word.toLowerCase().replace(/[\p{P}\s]/gu, '');
}

/** Words of one speaker: in order of start, none reaching into the next. */
export function inOrder(words: readonly Word[]): Word[] {
  const sorted = words.toSorted((a, b) => a.startSeconds - b.startSeconds);
  return sorted.map((word, index) => {
    const next = sorted[index + 1]?.startSeconds ?? Infinity;
    return {...word, endSeconds: Math.max(word.startSeconds, Math.min(word.endSeconds, next))};
  });
}
