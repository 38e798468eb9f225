/**
 * What the demo data set is about: a latent course of valence and arousal per clip, which is the label, and six
 * cues of it. Each cue is the latent course with a disturbance of its own that changes as slowly, so that no
 * smoothing over time removes it and only other modalities do.
 */
import type {Random} from '../../../stages/learning/random.js';

/** A function of time in seconds. */
export type Course = (timeSeconds: number) => number;

export interface Feeling {
  /** The labels, in [-1, 1]. */
  readonly valence: Course;
  readonly arousal: Course;
  /** What each modality shows: mean about 0, standard deviation about 1. */
  readonly face: Cues;
  readonly voice: Cues;
  readonly words: Cues;
}

export interface Cues {
  readonly valence: Course;
  readonly arousal: Course;
}

/** Correlation of each cue with what it is a cue of, before the identity's offset. */
const honesty = {
  face: {valence: 0.72, arousal: 0.5},
  voice: {valence: 0.35, arousal: 0.8},
  words: {valence: 0.8, arousal: 0.5},
} as const;

/** How differently people express themselves, in standard deviations of a cue. */
const identityDeviation = 0.2;

/** A quarter of the variation lies between clips, as moods do. */
const betweenClips = 0.25;

const slowestHz = 0.03;
const fastestHz = 0.25;
const waveCount = 10;

export interface FeelingOptions {
  readonly clip: string;
  readonly subject: string;
  /** Whether the voice shows the opposite of what is felt. */
  readonly voiceContradicts: boolean;
}

export function feelingOf(random: Random, {clip, subject, voiceContradicts}: FeelingOptions): Feeling {
  const wave = (name: string): Course => smoothCourse(random, `${clip} ${name}`);
  const latent = {valence: wave('valence'), arousal: wave('arousal')};
  const cue = (modality: keyof typeof honesty, target: 'valence' | 'arousal'): Course => {
    const share = honesty[modality][target] * (modality === 'voice' && voiceContradicts ? -1 : 1);
    const disturbance = wave(`${modality} ${target} disturbance`);
    const offset = random.stream(`${subject} ${modality} ${target}`).at(0).normal(1, 0, identityDeviation)[0]!;
    return (t) => share * latent[target](t) + Math.sqrt(1 - share * share) * disturbance(t) + offset;
  };
  const cues = (modality: keyof typeof honesty): Cues => ({
    valence: cue(modality, 'valence'),
    arousal: cue(modality, 'arousal'),
  });
  return {
    valence: (t) => Math.tanh(0.8 * latent.valence(t)),
    arousal: (t) => Math.tanh(0.8 * latent.arousal(t)),
    face: cues('face'),
    voice: cues('voice'),
    words: cues('words'),
  };
}

/**
 * A smooth random course with mean 0 and variance 1 over clips: a constant and waves of random phase whose
 * frequencies are spread evenly over the octaves, each with the same power.
 */
export function smoothCourse(random: Random, name: string): Course {
  const constant = random.stream(name).at(0).normal(1)[0]! * Math.sqrt(betweenClips);
  const draws = random
    .stream(name)
    .at(1)
    .uniform(2 * waveCount);
  const amplitude = Math.sqrt((2 * (1 - betweenClips)) / waveCount);
  const waves = Array.from({length: waveCount}, (_, index) => ({
    radiansPerSecond: 2 * Math.PI * slowestHz * (fastestHz / slowestHz) ** ((index + draws[index]!) / waveCount),
    phase: 2 * Math.PI * draws[waveCount + index]!,
  }));
  return (t) =>
    waves.reduce((sum, wave) => sum + amplitude * Math.sin(wave.radiansPerSecond * t + wave.phase), constant);
}
