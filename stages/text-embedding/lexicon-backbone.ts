/**
 * The text features that need no trained model. Not the setting of any paper: those use BERT.
 *
 * | dimensions | value                                                                                     |
 * | ---------- | ----------------------------------------------------------------------------------------- |
 * | 0          | valence of the word being spoken, in [-1, 1]                                              |
 * | 1          | 1 while a word is spoken                                                                  |
 * | 2 … 65     | hashed vector of the word being spoken, of length 1 (`hashDimensions` of them)            |
 * | 66         | mean valence of the words with feeling of the last seconds (only where `holdSeconds` > 0) |
 * | 67, 68     | the positive and the negative part of it, over all words of the last seconds              |
 * | 69         | word rate of the last seconds, in 4 words per second                                      |
 *
 * Dimensions 0 to 65 are zero while nothing is spoken.
 */
import type {TimedWord} from './alignment.js';
import {WordCursor} from './alignment.js';
import {hashedWord} from './hashing.js';
import {plainWord, valenceOf} from './lexicon.js';
import {contextWidth, SpeechContext} from './speech-context.js';

export interface Speech {
  /** In order of start. */
  readonly times: readonly TimedWord[];
  /** As written. */
  readonly words: readonly string[];
}

/** Gives the vector of a frame; times must not fall from call to call. */
export type FrameVectors = (timeSeconds: number) => Float32Array;

/** @param holdSeconds Time in which a word's weight falls to 1/e; 0 leaves the last dimensions out. */
export function lexiconVectors(
  {times, words}: Speech,
  {hashDimensions, holdSeconds}: {hashDimensions: number; holdSeconds: number},
): FrameVectors {
  const valence = valenceOf(words);
  const hashed = hashedWords(words, hashDimensions);
  const cursor = new WordCursor(times);
  const context = holdSeconds > 0 ? new SpeechContext(times, valence, holdSeconds) : undefined;
  const wordWidth = 2 + hashDimensions;
  return (timeSeconds) => {
    const vector = new Float32Array(wordWidth + (context ? contextWidth : 0));
    const word = cursor.advance(timeSeconds);
    if (word >= 0) {
      vector.set([valence[word]!, 1]);
      vector.set(hashed[word]!, 2);
    }
    if (context) vector.set(context.advance(timeSeconds), wordWidth);
    return vector;
  };
}

/** One array per distinct word, shared by its occurrences. */
function hashedWords(words: readonly string[], dimensions: number): Float32Array[] {
  const known = new Map<string, Float32Array>();
  return words.map((word) => {
    const plain = plainWord(word);
    const vector = known.get(plain) ?? hashedWord(plain, dimensions);
    known.set(plain, vector);
    return vector;
  });
}
