import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {random} from '../../../stages/learning/random.js';
import {lostFrames} from '../../../stages/robustness/lost-frames.js';

const lostOf = (frameCounts: number[], share: number, stretchFrames: number) =>
  lostFrames({frameCounts, share, stretchFrames, draw: random(7).stream('lost').at(0)});
const total = (lost: readonly Uint8Array[]) =>
  lost.reduce((sum, clip) => sum + clip.reduce((count, one) => count + one, 0), 0);
const counts = fc.array(fc.nat(200), {minLength: 1, maxLength: 6});

describe('lost frames', () => {
  it('are the share that was asked for, to the frame', () => {
    fc.assert(
      fc.property(
        counts,
        fc.double({min: 0, max: 1, noNaN: true}),
        fc.integer({min: 1, max: 50}),
        (frameCounts, share, stretch) => {
          const lost = lostOf(frameCounts, share, stretch);
          expect(lost.map(({length}) => length)).toEqual(frameCounts);
          expect(total(lost)).toBe(Math.round(share * frameCounts.reduce((a, b) => a + b, 0)));
        },
      ),
    );
  });

  it('of a smaller share are among those of a larger one', () => {
    const [less, more] = [lostOf([90, 50], 0.2, 10), lostOf([90, 50], 0.6, 10)];
    expect(less.flatMap((clip, i) => [...clip].filter((one, k) => one === 1 && more[i]![k] === 0))).toEqual([]);
  });

  it('come in stretches', () => {
    const [clip] = lostOf([1000], 0.3, 50);
    const starts = [...clip!].filter((one, k) => one === 1 && (k === 0 || clip![k - 1] === 0)).length;
    expect(starts).toBeLessThanOrEqual(6);
  });
});
