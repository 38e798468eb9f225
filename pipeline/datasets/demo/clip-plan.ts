/** Everything that is seen, heard, said and annotated in one clip, as functions of time. */
import type {Random} from '../../../stages/learning/random.js';
import type {Appearance, Fault} from './cast.js';
import {expressionOf} from './expression.js';
import type {Expression} from './face-drawing.js';
import type {Feeling} from './feeling.js';
import {feelingOf} from './feeling.js';
import {personOf} from './person.js';
import type {Person} from './person.js';
import type {Scene} from './scene-drawing.js';
import {sceneOf} from './scene-drawing.js';
import type {Sentence, SilentStretch} from './speech.js';
import {speechOf} from './speech.js';

export interface ClipPlan {
  readonly clip: string;
  readonly faults: readonly Fault[];
  readonly person: Person;
  readonly scene: Scene;
  readonly feeling: Feeling;
  readonly sentences: readonly Sentence[];
  readonly silent: SilentStretch | undefined;
  /** One per video frame, from 0. */
  readonly frameSeconds: readonly number[];
  readonly durationSeconds: number;
  /** Undefined while nobody is seen. */
  readonly expression: (timeSeconds: number) => Expression | undefined;
}

/** Presentation times of a variable frame rate are whole multiples of this. */
export const variableTickHz = 100;

export function planClip(random: Random, appearance: Appearance, frameRateHz: number): ClipPlan {
  const {clip, subject, faults, position} = appearance;
  const frameCount = Math.max(2, Math.round(appearance.seconds * frameRateHz));
  const durationSeconds = frameCount / frameRateHz;
  const feeling = feelingOf(random, appearance);
  const silent = faults.includes('silence') ? stretch(durationSeconds, 0.4, 0.6) : undefined;
  const gone = faults.includes('faceless') ? stretch(durationSeconds, 0.55, 0.65) : undefined;
  const sentences = speechOf(random, {clip, cues: feeling.words, seconds: durationSeconds, silent});
  const expression = expressionOf(random, {clip, cues: feeling.face, sentences, seconds: durationSeconds});
  return {
    clip,
    faults,
    person: personOf(random, subject, position),
    scene: sceneOf(random, clip),
    feeling,
    sentences,
    silent,
    frameSeconds: Array.from({length: frameCount}, (_, frame) => frameTime(frame, frameRateHz, faults)),
    durationSeconds,
    expression: (t) => (gone && t >= gone.startSeconds && t < gone.endSeconds ? undefined : expression(t)),
  };
}

function stretch(durationSeconds: number, from: number, to: number): SilentStretch {
  return {startSeconds: from * durationSeconds, endSeconds: to * durationSeconds};
}

function frameTime(frame: number, frameRateHz: number, faults: readonly Fault[]): number {
  return faults.includes('variable-frame-rate')
    ? variableTick(frame, frameRateHz) / variableTickHz
    : frame / frameRateHz;
}

/** Frames come up to 30 % faster or slower, in waves, as from a phone in changing light. */
function variableTick(frame: number, frameRateHz: number): number {
  const ticksPerFrame = variableTickHz / frameRateHz;
  return Math.round(frame * ticksPerFrame + ticksPerFrame * 5 * Math.sin(frame / 18));
}

/** The same formula for ffmpeg's `setpts`, whose N is the number of the frame. */
export function variableTickExpression(frameRateHz: number): string {
  const ticksPerFrame = variableTickHz / frameRateHz;
  return `round(N*${ticksPerFrame}+${ticksPerFrame * 5}*sin(N/18))`;
}
