/** A transcript file beside the video: its format is told by its content, since extensions lie. */
import {arrow} from './cue-timing.js';
import {readRecogniserJson} from './recogniser-json.js';
import {readSrt} from './srt.js';
import {readWebVtt} from './webvtt.js';
import type {Cue} from './word.js';
import {badTranscript} from './word.js';

/**
 * Reads WebVTT, SRT, or the JSON of Whisper, transformers.js or Vosk. An empty file holds no cues.
 * @param endSeconds End of the video, for a last segment without end.
 * @throws StageError `bad-transcript`, naming the line or the path, what was seen and what was expected.
 */
export function readSidecar(bytes: Uint8Array, endSeconds: number): Cue[] {
  const text = decode(bytes).replace(/\r\n?/gu, '\n');
  if (text.trim() === '') return [];
  if (/^\s*WEBVTT(?:\s|$)/u.test(text)) return readWebVtt(text);
  if (/^\s*[[{]/u.test(text)) return readRecogniserJson(text, endSeconds);
  if (text.includes(arrow)) return readSrt(text);
  throw badTranscript({where: 'line 1', seen: text.trimStart().split('\n')[0]!, expected: 'WebVTT, SRT or JSON'});
}

/** UTF-8, or UTF-16 with a byte order mark. A guess at a legacy encoding would turn words into others silently. */
function decode(bytes: Uint8Array): string {
  const mark = Buffer.from(bytes.subarray(0, 2)).toString('hex');
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, {fatal: true}).decode(bytes);
  } catch {
    throw badTranscript({where: 'the file as a whole', seen: 'other bytes', expected: 'text in UTF-8 or UTF-16'});
  }
}
