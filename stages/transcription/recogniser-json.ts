/**
 * JSON as speech recognisers write it:
 *   Whisper         {segments: [{start, end, text, words?: [{word, start?, end?}]}], words?: […]}
 *   transformers.js {chunks: [{text, timestamp: [start, end | null]}]}
 *   Vosk            {result: [{word, start, end, conf}], text}; one object per utterance: in a list, or one after the other
 *   or a plain list [{word, start, end}]
 */
import type {JsonObject, Located} from './json-value.js';
import {isObject, objectsIn, secondsFrom, secondsIn, textIn, unexpected} from './json-value.js';
import type {Cue} from './word.js';
import {badTranscript} from './word.js';

/** A stretch of text whose times may be missing: WhisperX gives numerals none, Whisper's last chunk has no end. */
interface Stretch {
  readonly startSeconds: number | undefined;
  readonly endSeconds: number | undefined;
  readonly text: string;
}

/**
 * Reads a recogniser's output as cues, one per word where it timed words and one per segment where not.
 * @param endSeconds End of the video, for a last segment without end.
 * @throws StageError `bad-transcript`, naming the line or the path.
 */
export function readRecogniserJson(text: string, endSeconds: number): Cue[] {
  return withTimes(documentsOf(text).flatMap(stretchesOf), endSeconds);
}

/** Vosk's examples print one document per utterance; a line break between `}` and `{` occurs nowhere inside JSON. */
function documentsOf(text: string): Located<JsonObject>[] {
  const parts = text.trim().split(/(?<=\})\s*\n\s*(?=\{)/u);
  let line = 1 + text.slice(0, text.length - text.trimStart().length).split('\n').length - 1;
  const documents = parts.flatMap((part) => {
    const values = [parse(part, line)].flat();
    line += part.split('\n').length;
    return values;
  });
  return documents.map((value, index) => {
    const located = {path: documents.length > 1 ? `[${index}]` : '', value};
    if (!isObject(value)) throw unexpected(located, 'an object');
    return {...located, value};
  });
}

function parse(text: string, firstLine: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const position = Number(/position (\d+)/u.exec(problem)?.[1] ?? text.length);
    const line = firstLine + text.slice(0, position).split('\n').length - 1;
    const seen = text.slice(Math.max(0, position - 20), position + 20) || 'the end of the file';
    throw badTranscript({where: `line ${line}`, seen, expected: `JSON (${problem})`});
  }
}

function stretchesOf(document: Located<JsonObject>): Stretch[] {
  const {value} = document;
  if (Array.isArray(value['words'])) return objectsIn(document, 'words').map(wordOf);
  if ('segments' in value) return objectsIn(document, 'segments').flatMap(stretchesOfSegment);
  if ('chunks' in value) return objectsIn(document, 'chunks').map(chunkOf);
  if ('result' in value) return objectsIn(document, 'result').map(wordOf);
  if ('word' in value) return [wordOf(document)];
  if ('alternatives' in value) return objectsIn(document, 'alternatives').slice(0, 1).flatMap(stretchesOf);
  // Vosk's answer to an utterance without speech.
  if (value['text'] === '') return [];
  throw unexpected(document, '`segments`, `chunks` or `result` with times');
}

function stretchesOfSegment(segment: Located<JsonObject>): Stretch[] {
  const words = objectsIn(segment, 'words').map(wordOf);
  if (words.length > 0) return withBounds(words, secondsIn(segment, 'start'), secondsIn(segment, 'end'));
  return [
    {startSeconds: secondsIn(segment, 'start'), endSeconds: secondsIn(segment, 'end'), text: textIn(segment, 'text')},
  ];
}

/** A first or last word without time gets its segment's. */
function withBounds(words: readonly Stretch[], startSeconds?: number, endSeconds?: number): Stretch[] {
  return words.map((word, index) => ({
    ...word,
    startSeconds: word.startSeconds ?? (index === 0 ? startSeconds : undefined),
    endSeconds: word.endSeconds ?? (index === words.length - 1 ? endSeconds : undefined),
  }));
}

function wordOf(word: Located<JsonObject>): Stretch {
  return {
    startSeconds: secondsIn(word, 'start'),
    endSeconds: secondsIn(word, 'end'),
    text: textIn(word, 'word', 'text'),
  };
}

function chunkOf(chunk: Located<JsonObject>): Stretch {
  const times: unknown = chunk.value['timestamp'];
  const path = `${chunk.path}.timestamp`;
  if (!Array.isArray(times) || times.length !== 2) throw unexpected({path, value: times}, 'a list of start and end');
  return {
    startSeconds: secondsFrom({path: `${path}[0]`, value: times[0]}),
    endSeconds: secondsFrom({path: `${path}[1]`, value: times[1]}),
    text: textIn(chunk, 'text'),
  };
}

/**
 * Fills missing times: neighbours without times share the gap between those that have them. A stretch
 * that ends before it starts, as Whisper writes at the seams of its chunks, keeps its start and gets no length.
 */
function withTimes(stretches: readonly Stretch[], endSeconds: number): Cue[] {
  const cues: Cue[] = [];
  let gap: Stretch[] = [];
  let gapStartSeconds = 0;
  const close = (gapEndSeconds: number): void => {
    if (gap.length === 0) return;
    cues.push(cueOf(gap.map((stretch) => stretch.text).join(' '), gapStartSeconds, gapEndSeconds));
    gap = [];
  };
  for (const stretch of stretches) {
    if (stretch.startSeconds !== undefined) {
      close(stretch.startSeconds);
      gapStartSeconds = stretch.startSeconds;
    }
    gap.push(stretch);
    if (stretch.endSeconds !== undefined) {
      close(stretch.endSeconds);
      gapStartSeconds = stretch.endSeconds;
    }
  }
  close(endSeconds);
  return cues;
}

function cueOf(text: string, startSeconds: number, endSeconds: number): Cue {
  return {startSeconds, endSeconds: Math.max(startSeconds, endSeconds), pieces: [{startSeconds, text}]};
}
