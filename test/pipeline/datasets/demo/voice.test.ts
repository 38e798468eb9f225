import {expect, test} from 'vitest';
import {personOf} from '../../../../pipeline/datasets/demo/person.js';
import type {Vowel} from '../../../../pipeline/datasets/demo/speech.js';
import {sampleRateHz, synthesise} from '../../../../pipeline/datasets/demo/voice.js';
import {random} from '../../../../stages/learning/random.js';

/** One vowel held for a second by an average man, at a constant feeling. */
function held(vowel: Vowel, {arousal = 0, valence = 0} = {}): Float32Array {
  const syllable = {startSeconds: 0, vowelSeconds: 0, endSeconds: 1, onset: 'none', vowel} as const;
  const word = {startSeconds: 0, endSeconds: 1, word: vowel, syllables: [syllable]};
  return synthesise(random(2), {
    clip: 'held',
    person: {...personOf(random(2), 's', 0), pitchHz: 100, formantScale: 1, loudnessDecibels: 0},
    cues: {arousal: () => arousal, valence: () => valence},
    sentences: [{words: [word]}],
    seconds: 1,
    silent: undefined,
  });
}

/** Repetition rate between 70 and 300 Hz by autocorrelation of 80 ms in the middle. */
function pitchOf(samples: Float32Array): number {
  const part = samples.subarray(0.48 * sampleRateHz, 0.56 * sampleRateHz);
  const similarity = (lag: number): number =>
    part.subarray(lag).reduce((sum, value, i) => sum + value * part[i]!, 0) / (part.length - lag);
  const lags = Array.from({length: 175}, (_, index) => index + 53);
  return sampleRateHz / lags.reduce((best, lag) => (similarity(lag) > similarity(best) ? lag : best));
}

/** Power at a frequency and one pitch around it, so that no harmonic is missed. */
function power(samples: Float32Array, hertz: number): number {
  const part = samples.subarray(0.3 * sampleRateHz, 0.7 * sampleRateHz);
  let total = 0;
  for (let at = hertz - 60; at <= hertz + 60; at += 5) {
    let [real, imaginary] = [0, 0];
    part.forEach((sample, index) => {
      const angle = (2 * Math.PI * at * index) / sampleRateHz;
      real += sample * Math.cos(angle);
      imaginary += sample * Math.sin(angle);
    });
    total += real * real + imaginary * imaginary;
  }
  return total;
}

test('the voice has its person’s pitch, and arousal raises pitch and loudness', () => {
  const [calm, aroused] = [held('a'), held('a', {arousal: 1})];
  // The melody of a sentence moves the pitch by up to some semitones.
  expect(pitchOf(calm)).toBeGreaterThan(75);
  expect(pitchOf(calm)).toBeLessThan(125);
  expect(pitchOf(aroused) / pitchOf(calm)).toBeCloseTo(2 ** (2.6 / 12), 1);
  const loudness = (samples: Float32Array): number => Math.hypot(...samples.subarray(4000, 12_000));
  expect(20 * Math.log10(loudness(aroused) / loudness(calm))).toBeGreaterThan(2);
});

test('vowels differ by their resonances: i is dark below and bright above, a lies between', () => {
  const [i, a] = [held('i'), held('a')];
  expect(power(i, 2290) / power(i, 1090)).toBeGreaterThan(3);
  expect(power(a, 1090) / power(a, 2000)).toBeGreaterThan(3);
});

test('every sample is finite and within [-1, 1], however strong the feeling', () => {
  const samples = held('o', {arousal: 100, valence: -100});
  expect(samples.every((sample) => Math.abs(sample) <= 1)).toBe(true);
});
