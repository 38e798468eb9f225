/** An experiment's scores for tests of reports: small, made by formula, with everything a report can hold. */
import type {RobustnessScore} from '../../reports/robustness.js';
import {momentsOf} from '../../reports/moments.js';
import type {MomentRecord, ReportInput, Score, SystemDescription, Target} from '../../reports/score.js';
import {random} from '../../stages/learning/random.js';

const BACKBONES = 'A: MFCC; V: face-api; T: lexicon';

export const rcma: SystemDescription = {
  system: 'rcma',
  label: 'RCMA',
  modalities: ['audio', 'visual', 'text'],
  preset: 'published',
  backbones: BACKBONES,
};
export const grjca: SystemDescription = {...rcma, system: 'grjca', label: 'GRJCA', modalities: ['audio', 'visual']};
export const single = (modality: 'audio' | 'visual' | 'text'): SystemDescription => ({
  ...rcma,
  system: modality,
  label: modality,
  modalities: [modality],
});

export const folds = [
  {name: 'fold-0', train: ['c', 'd', 'e', 'f'], validation: ['a', 'b']},
  {name: 'fold-1', train: ['a', 'b', 'e', 'f'], validation: ['c', 'd']},
  {name: 'fold-2', train: ['a', 'b', 'c', 'd'], validation: ['e', 'f']},
];

/** A digest-like fingerprint of one fold-evaluation task. */
export function fingerprintOf(row: SystemDescription, fold: string, seed: number): string {
  const words = random(seed).stream(`${row.label}/${fold}`).at(0).bits(4);
  return [...words].map((word) => word.toString(16).padStart(8, '0')).join('');
}

export function score(row: SystemDescription, more: Partial<Score> & {fold: string; ccc: number}): Score {
  const seed = more.seed ?? 1;
  return {
    ...row,
    seed,
    target: 'valence',
    variant: 'population',
    pearson: more.ccc,
    rmse: 0.25,
    frameCount: 1000,
    fingerprint: fingerprintOf(row, more.fold, seed),
    ...more,
  };
}

const LEVELS: readonly (readonly [SystemDescription, number])[] = [
  [rcma, 0.62],
  [grjca, 0.58],
  [single('audio'), 0.31],
  [single('visual'), 0.52],
  [single('text'), 0.18],
];

const seeds = [1, 2] as const;
const targets: readonly Target[] = ['valence', 'arousal'];

function* cells(): Generator<{row: SystemDescription; level: number; fold: string; seed: number; target: Target}> {
  for (const [row, base] of LEVELS)
    for (const [at, fold] of folds.entries())
      for (const seed of seeds)
        for (const target of targets) {
          const level = base + 0.03 * at - 0.01 * seed + (target === 'arousal' ? 0.05 : 0);
          yield {row, level, fold: fold.name, seed, target};
        }
}

/** Every score of the sample: whole folds, clips, one variant of released code. */
function allScores(): readonly Score[] {
  return [...cells()].flatMap(({row, level, ...cell}) => {
    const clips = folds.find((fold) => fold.name === cell.fold)!.validation;
    return [
      score(row, {...cell, ccc: level}),
      score(row, {...cell, ccc: level - 0.002, variant: 'sample-variance'}),
      ...clips.map((clip, at) => score(row, {...cell, ccc: level - 0.1 + 0.1 * at, frameCount: 500, clip})),
    ];
  });
}

/** Moments whose annotation is a sine and whose prediction follows it the better, the higher the level. */
function allMoments(): readonly MomentRecord[] {
  return [...cells()].map(({row, level, fold, seed, target}) => ({
    label: row.label,
    fold,
    seed,
    target,
    clips: folds
      .find((one) => one.name === fold)!
      .validation.map((clip, at) => {
        const annotated = Array.from({length: 40}, (_, i) => 0.5 * Math.sin(0.2 * i + at));
        const noise = random(seed).stream(`${row.label}/${fold}/${target}/${clip}`).at(0).normal(40, 0, 0.3);
        return momentsOf(
          clip,
          annotated.map((y, i) => level * y + (1 - level) * noise[i]!),
          annotated,
        );
      }),
  }));
}

export function allRobustness(): readonly RobustnessScore[] {
  return [...cells()].flatMap(({row, level, fold, seed, target}) => {
    if (row.modalities.length < 2) return [];
    const made = {
      label: row.label,
      fold,
      seed,
      target,
      fingerprint: fingerprintOf({...row, label: `${row.label} corrupted`}, fold, seed),
    };
    const textScores: readonly RobustnessScore[] = row.modalities.includes('text')
      ? [{...made, corruption: {kind: 'absent', modality: 'text'}, ccc: level - 0.02}]
      : [];
    return [
      {...made, corruption: {kind: 'none'}, ccc: level},
      {...made, corruption: {kind: 'absent', modality: 'audio'}, ccc: level - 0.1},
      {...made, corruption: {kind: 'noise', modality: 'visual', signalToNoiseDecibels: 0}, ccc: level - 0.3},
      {...made, corruption: {kind: 'noise', modality: 'visual', signalToNoiseDecibels: 20}, ccc: level - 0.01},
      {...made, corruption: {kind: 'drop-out', modality: 'visual', share: 0.25}, ccc: level - 0.05},
      ...textScores,
    ];
  });
}

/** A finished experiment. */
export function complete(): ReportInput {
  return {
    experiment: 'demo',
    scores: allScores(),
    folds,
    warnings: [{clip: 'e', stage: 'demux', message: 'The video has no audio stream; silence was used.'}],
    incomplete: [],
    isEmbeddedDefault: true,
    isDrawnDataset: true,
    dataset: 'demo',
    generated: {version: '0.1.0', device: 'cpu'},
    systems: LEVELS.map(([row]) => row),
    seeds,
    variantDefinitions: {
      'sample-variance': 'population covariance over sample variances, as in released training code.',
    },
    robustness: allRobustness(),
    moments: allMoments(),
  };
}

/** The same experiment with failed tasks, an undefined score and names that need escaping. */
export function damaged(): ReportInput {
  const whole = complete();
  const odd = {...grjca, label: 'GRJCA 50% #1 | T_gate=0.1 & <b>'};
  const isLost = ({label, fold, seed}: Score): boolean =>
    (label === 'RCMA' && fold === 'fold-1') ||
    (label === 'visual' && fold === 'fold-2' && seed === 2) ||
    label === 'text';
  const scores = whole.scores
    .filter((one) => !isLost(one))
    .map((one) => (one.label === 'GRJCA' ? {...one, label: odd.label} : one))
    .map((one) =>
      one.label === 'audio' && one.fold === 'fold-0' && one.target === 'arousal' ? {...one, ccc: Number.NaN} : one,
    );
  return {
    ...whole,
    experiment: 'demo_50% "damaged"',
    scores,
    systems: whole.systems!.map((row) => (row.label === 'GRJCA' ? odd : row)),
    warnings: [{clip: "it's |a\ttest|\n-1.mp4", stage: 'annotation', message: '3 of 300 frames are -5.'}],
    incomplete: [
      'fusion-training RCMA, fold-1, seed 1: out of memory',
      'fusion-training text: skipped, because transcription of clip a failed',
    ],
    leftOut: [{clip: 'sound only', stage: 'demux', because: 'no-video: "sound only.mp4" has no video stream'}],
    robustness: whole.robustness!.filter((one) => !(one.label === 'RCMA' && one.fold === 'fold-1')),
    moments: whole.moments!.filter((one) => !(one.label === 'RCMA' && one.fold === 'fold-1')),
  };
}

/** The input without some of its optional parts. */
export function without(input: ReportInput, ...parts: readonly (keyof ReportInput)[]): ReportInput {
  const kept = Object.entries(input).filter(([key]) => !(parts as readonly string[]).includes(key));
  // The parts named are optional, so what is left is still a ReportInput.
  return Object.fromEntries(kept) as unknown as ReportInput;
}
