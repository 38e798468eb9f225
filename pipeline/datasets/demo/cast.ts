/** Who appears in which clip, and what is wrong with some of the clips, as it is with real data. */

export type Fault =
  /** Nobody is seen for a while. */
  | 'faceless'
  /** Nobody speaks for a while, and the microphone gives digital zero. */
  | 'silence'
  | 'no-audio'
  | 'no-transcript'
  | 'variable-frame-rate'
  /** Shorter than one window. */
  | 'short'
  | 'annotation-too-long'
  | 'annotation-too-short'
  /** The audio stream starts after the video. */
  | 'late-audio'
  /** Some frames are marked as not annotated (-5). */
  | 'unannotated-frames';

export interface Appearance {
  readonly clip: string;
  readonly subject: string;
  /** Number of the subject, from 0. */
  readonly position: number;
  readonly seconds: number;
  readonly faults: readonly Fault[];
  readonly voiceContradicts: boolean;
}

export interface CastOptions {
  readonly subjectCount: number;
  readonly clipsPerSubject: number;
  readonly secondsPerClip: number;
  readonly weaklyComplementary: boolean;
}

/** The last clip of subject k has fault k; subjects beyond the list have none. */
const faultOfSubject: readonly Fault[] = [
  'unannotated-frames',
  'faceless',
  'silence',
  'no-audio',
  'no-transcript',
  'variable-frame-rate',
  'short',
  'annotation-too-long',
  'annotation-too-short',
  'late-audio',
];

/** Clips are up to 8 % shorter or longer than asked for, so that no two windows tables agree by accident. */
const lengthSpread = 0.08;
const shortShare = 0.35;

export function castOf(options: CastOptions): Appearance[] {
  const {subjectCount, clipsPerSubject} = options;
  return Array.from({length: subjectCount * clipsPerSubject}, (_, index) =>
    appearance(Math.floor(index / clipsPerSubject), index % clipsPerSubject, options),
  );
}

function appearance(position: number, take: number, options: CastOptions): Appearance {
  const subject = `s${String(position + 1).padStart(2, '0')}`;
  const fault = take === options.clipsPerSubject - 1 ? faultOfSubject[position] : undefined;
  // A fixed sequence that visits the interval evenly: multiples of the golden ratio.
  const spread = ((position * options.clipsPerSubject + take + 1) * 0.618034) % 1;
  const seconds = options.secondsPerClip * (1 + lengthSpread * (2 * spread - 1));
  return {
    clip: `${subject}-c${take + 1}`,
    subject,
    position,
    seconds: fault === 'short' ? seconds * shortShare : seconds,
    faults: fault ? [fault] : [],
    // Two of five clips, in every part of the list.
    voiceContradicts: options.weaklyComplementary && (position * options.clipsPerSubject + take) % 5 < 2,
  };
}
