/** What the face shows: the cues of feeling, and the mouth that speaks. */
import type {Random} from '../../../stages/learning/random.js';
import type {Cues} from './feeling.js';
import type {Expression} from './face-drawing.js';
import type {Sentence, Syllable, Vowel} from './speech.js';
import {swell} from './voice.js';

/** How far the mouth opens for a vowel. */
const openness: Readonly<Record<Vowel, number>> = {a: 0.7, e: 0.45, i: 0.25, o: 0.5, u: 0.3};
const blinkSeconds = 0.14;
const secondsBetweenBlinks = 3.2;

export interface ExpressionOptions {
  readonly clip: string;
  readonly cues: Cues;
  readonly sentences: readonly Sentence[];
  readonly seconds: number;
}

export function expressionOf(
  random: Random,
  {clip, cues, sentences, seconds}: ExpressionOptions,
): (t: number) => Expression {
  const syllables = sentences.flatMap(({words}) => words.flatMap((word) => word.syllables));
  const blinks = blinkTimes(random, clip, seconds);
  return (t) => {
    const [valence, arousal] = [cues.valence(t), cues.arousal(t)];
    const blinking = blinks.some((blink) => t >= blink && t < blink + blinkSeconds);
    return {
      smile: Math.tanh(0.6 * valence),
      open: clamp(mouthOpening(syllables, t) + 0.06 + 0.08 * Math.max(0, arousal), 0, 1),
      brow: Math.tanh(0.45 * arousal + 0.15 * valence),
      furrow: clamp(-0.5 * valence - 0.1, 0, 1),
      eye: blinking ? 0 : clamp(0.55 + 0.2 * arousal, 0.15, 1),
    };
  };
}

function mouthOpening(syllables: readonly Syllable[], t: number): number {
  const current = syllables.find((syllable) => syllable.endSeconds > t);
  return current && t >= current.vowelSeconds ? openness[current.vowel] * swell(current, t) : 0;
}

function blinkTimes(random: Random, clip: string, seconds: number): number[] {
  const count = Math.floor(seconds / secondsBetweenBlinks);
  const draws = random.stream(`${clip} blinks`).at(0).uniform(count);
  return Array.from(draws, (draw, index) => (index + draw) * secondsBetweenBlinks);
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));
