import {expect, test} from 'vitest';
import {castOf} from '../../../../pipeline/datasets/demo/cast.js';
import type {ClipPlan} from '../../../../pipeline/datasets/demo/clip-plan.js';
import {planClip} from '../../../../pipeline/datasets/demo/clip-plan.js';
import {smoothCourse} from '../../../../pipeline/datasets/demo/feeling.js';
import {random} from '../../../../stages/learning/random.js';
import {lexiconVectors} from '../../../../stages/text-embedding/lexicon-backbone.js';

const plansOf = (weaklyComplementary: boolean): ClipPlan[] =>
  castOf({subjectCount: 30, clipsPerSubject: 2, secondsPerClip: 24, weaklyComplementary}).map((appearance) =>
    planClip(random(5), {...appearance, faults: []}, 5),
  );

/** Pearson correlation over all frames of all clips; both get functions of time of one clip. */
function correlation(
  plans: readonly ClipPlan[],
  one: (plan: ClipPlan) => (t: number) => number,
  other: typeof one,
): number {
  const sample = (course: typeof one): number[] => plans.flatMap((plan) => plan.frameSeconds.map(course(plan)));
  const [x, y] = [sample(one), sample(other)];
  const mean = (list: number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [meanX, meanY] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, index) => (value - meanX) * (y[index]! - meanY)));
  return (
    covariance / Math.sqrt(mean(x.map((value) => (value - meanX) ** 2)) * mean(y.map((value) => (value - meanY) ** 2)))
  );
}

const valence = (plan: ClipPlan) => plan.feeling.valence;
const arousal = (plan: ClipPlan) => plan.feeling.arousal;
const smile = (plan: ClipPlan) => (t: number) => plan.expression(t)!.smile;
const eyes = (plan: ClipPlan) => (t: number) => plan.expression(t)!.eye;
const lexicon = (plan: ClipPlan) => {
  const words = plan.sentences.flatMap((sentence) => sentence.words);
  const at = lexiconVectors({times: words, words: words.map(({word}) => word)}, {hashDimensions: 1, holdSeconds: 3});
  return (t: number) => at(t)[3]!;
};

const plans = plansOf(false);

test('each modality shows what is felt, and none shows all of it', () => {
  const shown = {
    smile: correlation(plans, smile, valence),
    words: correlation(plans, lexicon, valence),
    eyes: correlation(plans, eyes, arousal),
    voice: correlation(plans, (plan) => plan.feeling.voice.arousal, arousal),
  };
  for (const [, value] of Object.entries(shown)) expect(value).toBeGreaterThan(0.3);
  for (const [, value] of Object.entries(shown)) expect(value).toBeLessThan(0.85);
});

test('what one modality gets wrong, another does not repeat: no correlation is left once the feeling is known', () => {
  const latent = (plan: ClipPlan) => (t: number) => Math.atanh(plan.feeling.valence(t));
  const cues = (['face', 'voice', 'words'] as const).map(
    (modality) => (plan: ClipPlan) => plan.feeling[modality].valence,
  );
  for (const [one, other] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    const [oneFelt, otherFelt] = [correlation(plans, cues[one]!, latent), correlation(plans, cues[other]!, latent)];
    const left = correlation(plans, cues[one]!, cues[other]!) - oneFelt * otherFelt;
    // Some 400 independent stretches in 60 clips: a standard error of 0.05.
    expect(Math.abs(left / Math.sqrt((1 - oneFelt ** 2) * (1 - otherFelt ** 2)))).toBeLessThan(0.15);
  }
  expect(Math.abs(correlation(plans, valence, arousal))).toBeLessThan(0.15);
});

test('weakly complementary: in two of five clips the voice contradicts the feeling, in the others it does not', () => {
  const voice = (plan: ClipPlan) => plan.feeling.voice.arousal;
  const weak = plansOf(true);
  const contradicting = weak.filter((plan) => correlation([plan], voice, arousal) < 0);
  expect(contradicting.length / weak.length).toBeCloseTo(0.4, 1);
  expect(correlation(contradicting, voice, arousal)).toBeLessThan(-0.5);
  expect(
    correlation(
      weak.filter((plan) => !contradicting.includes(plan)),
      voice,
      arousal,
    ),
  ).toBeGreaterThan(0.5);
});

test('a smooth course has mean 0 and variance 1 over clips, and changes little between frames', () => {
  const courses = Array.from({length: 2000}, (_, index) => smoothCourse(random(1), `course ${index}`));
  const values = courses.map((course) => course(3));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  // Standard errors over 2000 courses: 0.022 and 0.032.
  expect(Math.abs(mean)).toBeLessThan(0.09);
  expect(Math.abs(variance - 1)).toBeLessThan(0.13);
  for (const course of courses) expect(Math.abs(course(10) - course(10 + 1 / 15))).toBeLessThan(0.25);
});
