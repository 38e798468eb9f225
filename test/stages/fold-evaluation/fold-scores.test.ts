import {readFileSync} from 'node:fs';
import {describe, expect, it} from 'vitest';
import {boxFilter} from '../../../stages/fold-evaluation/box-filter.js';
import type {EvaluatedClip} from '../../../stages/fold-evaluation/clips.js';
import {foldScores} from '../../../stages/fold-evaluation/fold-scores.js';
import {agreement} from '../../../stages/learning/agreement.js';

const reference = JSON.parse(readFileSync('test/fixtures/reference/ccc.json', 'utf8')) as {
  values: number[];
  filters: {width: number; out: number[]}[];
};

/** A clip whose prediction lags behind its label; every seventh frame is not valid. */
function clipOf(frameCount: number, phase: number, valid = (k: number) => k % 7 !== 0): EvaluatedClip {
  const series = (shift: number) =>
    Float32Array.from({length: frameCount}, (_, k) => 0.7 * Math.sin(phase + k / 9 + shift));
  return {
    valence: {prediction: series(0.4), label: series(0)},
    arousal: {prediction: series(1.2).map((v) => 2 * v), label: series(1)},
    valid: Uint8Array.from({length: frameCount}, (_, k) => (valid(k) ? 1 : 0)),
  };
}

const clips = [clipOf(60, 0), clipOf(30, 2), clipOf(10, 1, () => false)];
const rows = foldScores(clips);
const find = (target: string, variant: string, clipIndex = -1) =>
  rows.find((row) => row.target === target && row.variant === variant && row.clipIndex === clipIndex)!;
const validOf = (clip: EvaluatedClip, values: ArrayLike<number>) =>
  Array.from(values).filter((_, k) => clip.valid[k] === 1);

describe('foldScores', () => {
  it('has every variant for the fold and one row for each clip that has a valid label', () => {
    expect(rows.filter(({target}) => target === 'valence').map(({variant, clipIndex}) => [variant, clipIndex])).toEqual(
      [
        ['population', -1],
        ['released-s', -1],
        ['released-l', -1],
        ['population', 0],
        ['population', 1],
      ],
    );
  });

  it('concatenates the valid frames of all clips', () => {
    const of = (side: 'prediction' | 'label') => clips.flatMap((clip) => validOf(clip, clip.valence[side]));
    const expected = agreement({prediction: of('prediction'), label: of('label')});
    expect(find('valence', 'population')).toMatchObject({...expected});
    expect(find('valence', 'population').frameCount).toBe(51 + 25);
    expect(find('valence', 'released-s').ccc).toBe(
      agreement({prediction: of('prediction'), label: of('label')}, 'sample').ccc,
    );
    expect(find('valence', 'released-s').ccc).toBeLessThan(expected.ccc);
  });

  it('counts unlabelled frames as zeros, clips and smooths, as released code does', () => {
    const sides = clips.map((clip) => {
      const zeroed = (values: Float32Array) =>
        values.map((v, k) => (clip.valid[k] === 1 ? Math.max(-1, Math.min(1, v)) : 0));
      return {prediction: boxFilter(zeroed(clip.arousal.prediction), 50), label: zeroed(clip.arousal.label)};
    });
    const expected = agreement({
      prediction: sides.flatMap(({prediction}) => [...prediction]),
      label: sides.flatMap(({label}) => [...label]),
    });
    expect(find('arousal', 'released-l')).toMatchObject({ccc: expected.ccc, frameCount: 100});
  });
});

describe('boxFilter', () => {
  it('agrees with uniform_filter1d of SciPy in mode constant', () => {
    for (const {width, out} of reference.filters) {
      const filtered = boxFilter(reference.values, width);
      for (const [i, value] of out.entries()) expect(filtered[i]).toBeCloseTo(value, 12);
    }
  });
});
