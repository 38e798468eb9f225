import {describe, expect, test} from 'vitest';
import {pairedBootstrap} from '../../reports/bootstrap.js';
import type {BootstrapCell} from '../../reports/bootstrap.js';
import {momentsOf, pooledCcc} from '../../reports/moments.js';
import type {ClipMoments} from '../../reports/moments.js';
import {random} from '../../stages/learning/random.js';
import type {Draw, Random} from '../../stages/learning/random.js';

const cell = (clips: readonly ClipMoments[], more: Partial<BootstrapCell> = {}): BootstrapCell => ({
  fold: 'fold-0',
  seed: 1,
  target: 'valence',
  clips,
  ...more,
});

/** A generator that deals out every resample of two clips once: aa, ab, ba, bb. */
const everyPairOnce: Random = {
  stream: () => ({
    at: (position) =>
      ({uniform: () => Float32Array.of(position < 2 ? 0 : 0.5, position % 2 === 0 ? 0 : 0.5)}) as unknown as Draw,
  }),
};

describe('paired bootstrap over clips', () => {
  const a = {good: momentsOf('a', [0, 1], [0, 1]), bad: momentsOf('a', [1, 0], [0, 1])};
  const b = {good: momentsOf('b', [0, 0.5], [0, 0.5]), bad: momentsOf('b', [0.5, 0.25], [0, 0.5])};

  test('of two clips is the enumeration of its four resamples', () => {
    // The first system is perfect on clip a and wrong on clip b, the second the other way round.
    const first = [a.good, b.bad];
    const second = [a.bad, b.good];
    const onA = pooledCcc([a.good])! - pooledCcc([a.bad])!;
    const onB = pooledCcc([b.bad])! - pooledCcc([b.good])!;
    const onBoth = pooledCcc(first)! - pooledCcc(second)!;
    expect(onA).toBeCloseTo(2, 12);
    expect(onB).toBeLessThan(0);
    expect(onBoth).toBeGreaterThan(0);

    const result = pairedBootstrap({
      first: [cell(first)],
      second: [cell(second)],
      random: everyPairOnce,
      resampleCount: 4,
      confidence: 1,
    })!;

    expect(result.difference).toBeCloseTo(onBoth, 12);
    expect(result.interval!.low).toBeCloseTo(onB, 12);
    expect(result.interval!.high).toBeCloseTo(onA, 12);
    // One of four resamples lies below zero, and the sample itself is counted: 2 (1 + 1) / (4 + 1).
    expect(result.probability).toBeCloseTo(0.8, 12);
  });

  test('averages over seeds and targets within a fold, then over folds', () => {
    const [x, y, z] = [
      momentsOf('a', [0, 1], [0, 1]),
      momentsOf('a', [0, 0.5], [0, 1]),
      momentsOf('c', [1, 0], [0, 1]),
    ];
    const first = [cell([x]), cell([y], {seed: 2}), cell([z], {fold: 'fold-1'})];
    const second = [cell([y]), cell([y], {seed: 2}), cell([z], {fold: 'fold-1'})];
    const result = pairedBootstrap({first, second, random: random(1), resampleCount: 10})!;
    // Fold 0: (1 + ccc(y)) / 2 − ccc(y); fold 1: no difference.
    expect(result.difference).toBeCloseTo((1 - pooledCcc([y])!) / 2 / 2, 12);
    expect(result.interval).toBeUndefined();
  });

  test('finds no difference between a system and itself', () => {
    const clips = [a.good, b.bad, momentsOf('c', [0.1, 0.2, 0.4], [0, 0.3, 0.3])];
    const result = pairedBootstrap({
      first: [cell(clips)],
      second: [cell(clips)],
      random: random(7),
      resampleCount: 200,
    })!;
    expect(result).toEqual({difference: 0, interval: {low: 0, high: 0}, probability: 1, undefinedCount: 0});
  });

  test('swapping the systems mirrors the result', () => {
    const draw = (label: string) => syntheticClips(label, 12);
    const [first, second] = [[cell(draw('x'))], [cell(draw('y'))]];
    const forth = pairedBootstrap({first, second, random: random(3), resampleCount: 500})!;
    const back = pairedBootstrap({first: second, second: first, random: random(3), resampleCount: 500})!;
    expect(back.difference).toBeCloseTo(-forth.difference, 12);
    expect(back.interval!.low).toBeCloseTo(-forth.interval!.high, 12);
    expect(back.probability).toBe(forth.probability);
  });

  test('gives the same answer for the same seed and whatever the order of clips', () => {
    const [first, second] = [syntheticClips('x', 12), syntheticClips('y', 12)];
    const run = (clips: readonly ClipMoments[]) =>
      pairedBootstrap({first: [cell(clips)], second: [cell(second)], random: random(3), resampleCount: 100});
    expect(run([...first].reverse())).toEqual(run(first));
  });

  test('leaves out resamples in which a CCC is undefined, and counts them', () => {
    const constant = momentsOf('a', [0.5, 0.5], [0.5, 0.5]);
    const clips = [constant, b.good];
    const result = pairedBootstrap({
      first: [cell(clips)],
      second: [cell(clips)],
      random: everyPairOnce,
      resampleCount: 4,
    })!;
    expect(result.undefinedCount).toBe(1);
  });

  test('refuses systems that did not score the same clips', () => {
    const run = () =>
      pairedBootstrap({first: [cell([a.good, b.good])], second: [cell([a.bad])], random: random(1), resampleCount: 5});
    expect(run).toThrow('Fold fold-0: a paired comparison needs both systems on the same clips');
  });
});

const FRAMES = 12;

/** Clips whose annotation and prediction share an offset per clip, so that frames within a clip are not independent. */
function syntheticClips(label: string, count: number, position = 0): readonly ClipMoments[] {
  const stream = random(11)
    .stream(`truth`)
    .at(position)
    .normal(count * (FRAMES + 1));
  const noise = random(11)
    .stream(`noise/${label}`)
    .at(position)
    .normal(count * (FRAMES + 1));
  return Array.from({length: count}, (_, clip) => {
    const at = clip * (FRAMES + 1);
    const annotated = Array.from({length: FRAMES}, (_, i) => 0.3 * stream[at]! + 0.2 * stream[at + 1 + i]!);
    const predicted = annotated.map((y, i) => 0.7 * y + 0.15 * noise[at]! + 0.1 * noise[at + 1 + i]!);
    return momentsOf(String(clip).padStart(6, '0'), predicted, annotated);
  });
}

describe('paired bootstrap on synthetic data', () => {
  /** The second system carries more noise per clip than the first. */
  const worsened = (clips: readonly ClipMoments[], position: number): readonly ClipMoments[] => {
    const shift = random(11).stream('shift').at(position).normal(clips.length, 0, 0.12);
    return clips.map((clip, at) => ({...clip, meanP: clip.meanP + shift[at]!}));
  };

  test('the 95 % interval holds the true difference in about 95 % of data sets', () => {
    const many = syntheticClips('x', 10_000, 1);
    const truth = pooledCcc(many)! - pooledCcc(worsened(many, 1))!;
    expect(truth).toBeGreaterThan(0.01);
    const hits = Array.from({length: 120}, (_, trial) => {
      const clips = syntheticClips('x', 60, 100 + trial);
      const {interval} = pairedBootstrap({
        first: [cell(clips)],
        second: [cell(worsened(clips, 100 + trial))],
        random: random(trial),
        resampleCount: 300,
      })!;
      return interval!.low <= truth && truth <= interval!.high;
    }).filter(Boolean).length;
    // Binomial(120, 0.95) has a standard deviation of 2 %; percentile intervals of 60 clips cover slightly less.
    expect(hits / 120).toBeGreaterThan(0.89);
    expect(hits / 120).toBeLessThan(0.99);
  });

  test('equal systems are called different at p < 0.05 in about 5 % of data sets', () => {
    const alarms = Array.from({length: 120}, (_, trial) => {
      const first = [cell(syntheticClips('x', 60, 500 + trial))];
      const second = [cell(syntheticClips('y', 60, 500 + trial))];
      return pairedBootstrap({first, second, random: random(trial), resampleCount: 300})!.probability! < 0.05;
    }).filter(Boolean).length;
    expect(alarms / 120).toBeLessThan(0.1);
    expect(alarms / 120).toBeGreaterThan(0.01);
  });
});
