/**
 * Voiced speech by source and filter: pulses of air through the glottis (Rosenberg, "Effect of glottal pulse shape
 * on the quality of natural vowels", JASA 1971) through four resonances (Klatt, "Software for a cascade/parallel
 * formant synthesizer", JASA 1980), and noise for fricatives.
 */
import type {Random} from '../../../stages/learning/random.js';
import type {Cues} from './feeling.js';
import type {Person} from './person.js';
import {Resonance} from './resonance.js';
import type {Sentence, SilentStretch, Syllable, Vowel} from './speech.js';

export const sampleRateHz = 16_000;

/** First three resonances of men's vowels in Hz, rounded from Peterson & Barney, JASA 1952; the fourth is fixed. */
const formantsHz: Readonly<Record<Vowel, readonly [number, number, number]>> = {
  a: [730, 1090, 2440],
  e: [530, 1840, 2480],
  i: [270, 2290, 3010],
  o: [570, 840, 2410],
  u: [300, 870, 2240],
};
const fourthFormantHz = 3400;
const bandwidthsHz = [70, 100, 140, 220] as const;

/** Filters, pitch and loudness are set anew every 5 ms. */
const controlSamples = sampleRateHz / 200;

/** What a unit of a cue does to the voice. */
const pitchSemitones = {arousal: 2.6, valence: 1};
const loudnessDecibels = 4;
const formantShift = 0.03;

export interface VoiceOptions {
  readonly clip: string;
  readonly person: Person;
  readonly cues: Cues;
  readonly sentences: readonly Sentence[];
  readonly seconds: number;
  readonly silent: SilentStretch | undefined;
}

/** How the voice stands at one moment. Amplitudes are 0 outside of words. */
interface Control {
  pitchHz: number;
  /** Part of a glottal cycle in which the glottis closes: the shorter, the brighter. */
  closing: number;
  voiced: number;
  noise: number;
  formantsHz: readonly number[];
}

/** Samples in [-1, 1]; digital zero in a silent stretch, else with the noise of the room. */
export function synthesise(random: Random, options: VoiceOptions): Float32Array {
  const sampleCount = Math.round(options.seconds * sampleRateHz);
  const noise = random.stream(`${options.clip} breath`).at(0).uniform(sampleCount, -1, 1);
  const room = 10 ** ((-62 + 14 * random.stream(`${options.clip} room`).at(0).uniform(1)[0]!) / 20);
  const samples = new Float32Array(sampleCount);
  const tract = new Tract();
  const controls = controlsOf(random, options);
  for (let sample = 0; sample < sampleCount; sample++) {
    if (sample % controlSamples === 0) tract.set(controls(sample / sampleRateHz));
    samples[sample] = Math.tanh(tract.next(noise[sample]!) + room * noise[sample]!);
  }
  const {startSeconds, endSeconds} = options.silent ?? {startSeconds: 0, endSeconds: 0};
  return samples.fill(0, Math.round(startSeconds * sampleRateHz), Math.round(endSeconds * sampleRateHz));
}

function controlsOf(random: Random, {clip, person, cues, sentences, seconds}: VoiceOptions): (time: number) => Control {
  const melody = random
    .stream(`${clip} melody`)
    .at(0)
    .normal(Math.ceil(seconds * 4) + 1);
  const syllables = sentences.flatMap(({words}, index) =>
    words.flatMap((word) => word.syllables.map((syllable) => ({syllable, sentence: sentences[index]!}))),
  );
  let at = 0;
  return (time) => {
    while (at < syllables.length - 1 && syllables[at]!.syllable.endSeconds <= time) at++;
    const current = syllables[at];
    const [arousal, valence] = [bounded(cues.arousal(time)), bounded(cues.valence(time))];
    const accent = 0.8 * melody[Math.floor(time * 4)]!;
    const semitones =
      pitchSemitones.arousal * arousal + pitchSemitones.valence * valence + accent - falling(current?.sentence, time);
    const gain = 10 ** ((person.loudnessDecibels + loudnessDecibels * arousal) / 20);
    const scale = person.formantScale * (1 + formantShift * valence);
    const sounding = current && time >= current.syllable.startSeconds ? current.syllable : undefined;
    return {
      pitchHz: person.pitchHz * 2 ** (semitones / 12),
      closing: Math.max(0.05, 0.16 - 0.04 * arousal),
      formantsHz: [...formantsHz[sounding?.vowel ?? 'e'], fourthFormantHz].map((hertz) => hertz * scale),
      ...amplitudes(sounding, time, gain),
    };
  };
}

/** Pitch falls by three semitones over a sentence. */
function falling(sentence: Sentence | undefined, time: number): number {
  if (!sentence) return 0;
  const start = sentence.words[0]!.startSeconds;
  return 3 * Math.max(0, Math.min(1, (time - start) / (sentence.words.at(-1)!.endSeconds - start)));
}

function amplitudes(syllable: Syllable | undefined, time: number, gain: number): {voiced: number; noise: number} {
  if (!syllable || time >= syllable.endSeconds) return {voiced: 0, noise: 0};
  if (time < syllable.vowelSeconds) {
    if (syllable.onset === 'noise') return {voiced: 0, noise: 0.12 * gain};
    return {voiced: syllable.onset === 'stop' ? 0 : 0.25 * gain, noise: 0};
  }
  return {voiced: gain * (0.35 + 0.65 * swell(syllable, time)), noise: 0};
}

/** Rises and falls within a vowel: 0 at its ends, 1 in its middle. Mouth and voice share it. */
export function swell({vowelSeconds, endSeconds}: Syllable, time: number): number {
  return Math.sin((Math.PI * Math.max(0, time - vowelSeconds)) / (endSeconds - vowelSeconds));
}

/** Glottis, vocal tract and the place where fricatives arise; amplitudes glide over some milliseconds. */
class Tract {
  #control: Control = {pitchHz: 100, closing: 0.16, voiced: 0, noise: 0, formantsHz: []};
  #phase = 0;
  #flow = 0;
  #voiced = 0;
  #noise = 0;
  readonly #formants = bandwidthsHz.map(() => new Resonance());
  readonly #teeth = new Resonance();

  set(control: Control): void {
    this.#control = control;
    control.formantsHz.forEach((hertz, index) =>
      this.#formants[index]!.tune(hertz, bandwidthsHz[index]!, sampleRateHz),
    );
    this.#teeth.tune(5200, 1800, sampleRateHz);
  }

  next(noise: number): number {
    const {pitchHz, closing, voiced, noise: breath} = this.#control;
    this.#voiced += 0.01 * (voiced - this.#voiced);
    this.#noise += 0.01 * (breath - this.#noise);
    this.#phase = (this.#phase + pitchHz / sampleRateHz) % 1;
    const flow = glottalFlow(this.#phase, closing);
    // Lips radiate the change of flow.
    const source = this.#voiced * (flow - this.#flow) + 0.004 * this.#voiced * noise;
    this.#flow = flow;
    return (
      this.#formants.reduce((signal, formant) => formant.next(signal), source) + this.#teeth.next(this.#noise * noise)
    );
  }
}

/** Flow over one cycle, phase in [0, 1): opens for 0.4, closes for `closing`, then shut. */
function glottalFlow(phase: number, closing: number): number {
  const opening = 0.4;
  if (phase < opening) return 0.5 * (1 - Math.cos((Math.PI * phase) / opening));
  if (phase < opening + closing) return Math.cos((Math.PI / 2) * ((phase - opening) / closing));
  return 0;
}

const bounded = (value: number): number => Math.max(-2.5, Math.min(2.5, value));
