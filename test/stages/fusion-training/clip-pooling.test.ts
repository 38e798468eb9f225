/** Clip-level systems on vectors that each stand for a whole clip: `clipPooling: last`. */
import {describe, expect, it} from 'vitest';
import {clips, corrupt, evaluate, train} from './run-fold.js';
import {smallFold} from './small-fold.js';

const clipLevel = {
  system: 'jca',
  targets: 'joint',
  epochs: 2,
  windowFrames: 32,
  clipFrames: 8,
  shiftFrames: 8,
  architecture: {},
} as const;

describe('a clip-level system', () => {
  it('learns from the last vector of each step where that is said, and is scored the same wherever it is scored', async () => {
    const inputs = smallFold(clips(3, 1), clips(2, 101));
    const scored = async (clipPooling: 'mean' | 'last' | undefined) => {
      const params = {...clipLevel, ...(clipPooling === undefined ? {} : {clipPooling})};
      const trained = await train({inputs, params});
      const scores = (await evaluate(trained)).all;
      const ofFold = scores.flatMap((row) => (row.variant === 'population' && row.clipIndex === -1 ? [row.ccc] : []));
      const {rows} = await corrupt(trained, {inputs, params, corruptions: [{kind: 'none'}]});
      expect(rows.map(({ccc}) => ccc)).toEqual(ofFold);
      return ofFold;
    };
    const [absent, mean, last] = [await scored(undefined), await scored('mean'), await scored('last')];
    expect(mean).toEqual(absent);
    expect(last).not.toEqual(mean);
  });
});
