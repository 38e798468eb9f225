/** What a person says in a clip and when: words, their syllables, and sentences with pauses between them. */
import type {Draw, Random} from '../../../stages/learning/random.js';
import type {Cues} from './feeling.js';
import {negativeWords, neutralWords, positiveWords} from './vocabulary.js';

export type Vowel = 'a' | 'e' | 'i' | 'o' | 'u';
/** How a syllable begins: with noise (s, f), a stop (p, t), a murmur (m, l), or at once with its vowel. */
export type Onset = 'noise' | 'stop' | 'murmur' | 'none';

export interface Syllable {
  readonly startSeconds: number;
  readonly vowelSeconds: number;
  readonly endSeconds: number;
  readonly onset: Onset;
  readonly vowel: Vowel;
}

export interface SpokenWord {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly word: string;
  readonly syllables: readonly Syllable[];
}

/** At least one word; `words` follow each other without overlap. */
export interface Sentence {
  readonly words: readonly SpokenWord[];
}

export interface SilentStretch {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

export interface SpeechOptions {
  readonly clip: string;
  readonly cues: Cues;
  readonly seconds: number;
  readonly silent: SilentStretch | undefined;
}

/** Share of words that carry a feeling, and how strongly the cue decides which. */
const feelingShare = 0.6;
const feelingSteepness = 3;
const secondsPerLetter = 0.07;
/** Natural logarithm of the factor on the speaking rate per unit of the arousal cue. */
const rateByArousal = 0.35;
const firstWordSeconds = 0.4;
/** Numbers drawn per word. */
const drawsPerWord = 8;

/** Draws what is said: the words' feeling follows the valence cue, the rate follows the arousal cue. */
export function speechOf(random: Random, {clip, cues, seconds, silent}: SpeechOptions): Sentence[] {
  const stream = random.stream(`${clip} speech`);
  const sentences: Sentence[] = [];
  let time = firstWordSeconds;
  for (let position = 0; time < seconds; position++) {
    if (silent && time >= silent.startSeconds - 1 && time < silent.endSeconds) time = silent.endSeconds + 0.1;
    const draw = stream.at(position);
    const limit = silent && time < silent.startSeconds ? silent.startSeconds : seconds - 0.2;
    const words = sentence(draw, cues, time, limit);
    if (words.length === 0) break;
    sentences.push({words});
    time = words.at(-1)!.endSeconds + (0.35 + 0.5 * draw.uniform(1)[0]!) * rateFactor(cues, time);
    if (silent && limit === silent.startSeconds && time > limit - 1) time = Math.max(time, silent.endSeconds + 0.1);
  }
  return sentences;
}

function sentence(draw: Draw, cues: Cues, startSeconds: number, limitSeconds: number): SpokenWord[] {
  const numbers = draw.uniform(1 + 10 * drawsPerWord);
  const count = 4 + Math.floor(numbers[0]! * 6);
  const words: SpokenWord[] = [];
  let time = startSeconds;
  for (let index = 0; index < count; index++) {
    const drawn = numbers.subarray(1 + index * drawsPerWord, 1 + (index + 1) * drawsPerWord);
    const factor = rateFactor(cues, time) * (0.85 + 0.3 * drawn[3]!);
    const spoken = speak(chooseWord(drawn, cues, time), time, factor);
    if (spoken.endSeconds > limitSeconds) break;
    words.push(spoken);
    time = spoken.endSeconds + (0.03 + 0.09 * drawn[4]!) * factor;
  }
  return punctuated(words);
}

function rateFactor(cues: Cues, time: number): number {
  return Math.exp(-rateByArousal * Math.max(-2.5, Math.min(2.5, cues.arousal(time))));
}

function chooseWord([kind, side, which]: Float32Array, cues: Cues, time: number): string {
  const positive = side! < 1 / (1 + Math.exp(-feelingSteepness * cues.valence(time)));
  const list = kind! >= feelingShare ? neutralWords : positive ? positiveWords : negativeWords;
  return list[Math.floor(which! * list.length)]!;
}

function punctuated(words: readonly SpokenWord[]): SpokenWord[] {
  return words.map((spoken, index) => {
    const capital = index === 0 ? spoken.word[0]!.toUpperCase() + spoken.word.slice(1) : spoken.word;
    return {...spoken, word: index === words.length - 1 ? `${capital}.` : capital};
  });
}

function speak(word: string, startSeconds: number, factor: number): SpokenWord {
  let time = startSeconds;
  const syllables = syllablesOf(word).map((letters) => {
    const syllable = timed(letters, time, (0.06 + secondsPerLetter * Math.min(4, letters.length)) * factor);
    time = syllable.endSeconds;
    return syllable;
  });
  return {startSeconds, endSeconds: time, word, syllables};
}

/** Consonants and the vowels behind them; what is left at the end belongs to the last syllable. */
function syllablesOf(word: string): string[] {
  return word.match(/[^aeiouy]*[aeiouy]+(?:[^aeiouy]+$)?/gu) ?? [word];
}

function timed(letters: string, startSeconds: number, seconds: number): Syllable {
  const onset = onsetOf(letters[0]!);
  const onsetSeconds = onset === 'none' ? 0.01 : Math.min(seconds * 0.4, onset === 'noise' ? 0.09 : 0.05);
  const found = /[aeiouy]/u.exec(letters)?.[0] ?? 'e';
  return {
    startSeconds,
    vowelSeconds: startSeconds + onsetSeconds,
    endSeconds: startSeconds + seconds,
    onset,
    vowel: found === 'y' ? 'i' : (found as Vowel),
  };
}

function onsetOf(letter: string): Onset {
  if ('szfcxhv'.includes(letter)) return 'noise';
  if ('ptkbdgq'.includes(letter)) return 'stop';
  return 'aeiouy'.includes(letter) ? 'none' : 'murmur';
}
