import {readFileSync} from 'node:fs';
import {describe, expect, it} from 'vitest';
import type {ScheduleOptions} from '../../../stages/learning/schedule.js';
import {
  afterEpoch,
  afterMeasure,
  afterReleaseEpoch,
  learningRateAt,
  shouldStop,
  startRelease,
  startSchedule,
  startStopping,
} from '../../../stages/learning/schedule.js';

interface Reference {
  readonly plateau: readonly {readonly measures: number[]; readonly patience: number; readonly rates: number[]}[];
  readonly released: readonly {
    readonly measures: number[];
    readonly rate: number;
    readonly batches: number;
    readonly rates: number[][];
  }[];
  readonly phases: readonly {readonly rate: number; readonly minimumRate: number; readonly epochs: number}[];
}

const reference = JSON.parse(readFileSync('test/fixtures/reference/schedules.json', 'utf8')) as Reference;

const options: ScheduleOptions = {
  learningRate: 1e-2,
  minimumLearningRate: 1e-5,
  warmUp: 'none',
  warmUpEpochs: 0,
  plateauFactor: 0.1,
  plateauPatience: 5,
};

/** Rates of every batch of every epoch, given what validation measures. */
function ratesOf(schedule: ScheduleOptions, measures: readonly number[], batchCount: number): number[][] {
  let state = startSchedule(schedule);
  return measures.map((measure, epoch) => {
    const rates = Array.from({length: batchCount}, (_, batch) =>
      learningRateAt(schedule, state, {epoch, batch, batchCount}),
    );
    // A round trip through JSON stands for a checkpoint: the state must survive it.
    state = JSON.parse(JSON.stringify(afterEpoch(schedule, state, {epoch, measure}))) as typeof state;
    return rates;
  });
}

const expectClose = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual).toHaveLength(expected.length);
  for (const [i, rate] of expected.entries()) expect(Math.abs(actual[i]! - rate)).toBeLessThanOrEqual(1e-12 * rate);
};

describe('schedule', () => {
  it('reduces on a plateau when PyTorch does', () => {
    for (const {measures, patience, rates} of reference.plateau) {
      expectClose(ratesOf({...options, plateauPatience: patience}, measures, 1).flat(), rates);
    }
  });

  it('warms up and reduces as the released code does', () => {
    for (const {measures, rate, batches, rates} of reference.released) {
      const schedule = {
        ...options,
        learningRate: rate,
        minimumLearningRate: 0,
        warmUp: 'released' as const,
        warmUpEpochs: 5,
      };
      expectClose(ratesOf(schedule, measures, batches).flat(), rates.flat());
    }
  });

  it('gives the table of the released warm-up: 0 first, at most a fifth of the rate, then all of it', () => {
    const schedule = {...options, learningRate: 1e-5, warmUp: 'released' as const, warmUpEpochs: 5};
    const rates = ratesOf(schedule, [1, 2, 3, 4, 5, 6], 100);
    expectClose(
      rates.slice(0, 5).map((epoch) => epoch[99]!),
      [3.96e-7, 7.92e-7, 1.188e-6, 1.584e-6, 1.98e-6],
    );
    expect(rates.slice(0, 5).map((epoch) => epoch[0])).toEqual([0, 0, 0, 0, 0]);
    expect(rates[5]![0]).toBe(1e-5);
  });

  it('reduces at the sixth bad epoch after the warm-up', () => {
    const schedule = {...options, warmUp: 'released' as const, warmUpEpochs: 5};
    const rates = ratesOf(schedule, [1, ...Array<number>(14).fill(0)], 1).flat();
    expect(rates.slice(5, 11)).toEqual(Array(6).fill(1e-2));
    expect(rates[11]).toBeCloseTo(1e-3, 12);
  });

  it('ramps once in a linear warm-up and anew in a repetitive one', () => {
    const linear = {...options, warmUp: 'linear' as const, warmUpEpochs: 2};
    expectClose(ratesOf(linear, [1, 2, 3], 2).flat(), [2.5e-3, 5e-3, 7.5e-3, 1e-2, 1e-2, 1e-2]);
    const repetitive = {...options, warmUp: 'repetitive' as const, warmUpEpochs: 2};
    expectClose(ratesOf(repetitive, [1, 2, 3], 2).flat(), [0, 2.5e-3, 0, 5e-3, 1e-2, 1e-2]);
  });

  it('decays in steps where asked', () => {
    const stepDecay = {from: 1, epochs: 2, factor: 0.5, learningRate: 1};
    expectClose(ratesOf({...options, stepDecay}, [1, 2, 3, 4, 5, 6], 1).flat(), [1e-2, 1e-2, 1, 0.5, 0.5, 0.25]);
  });
});

describe('early stopping', () => {
  it('stops after the patience without a new best, but not before the minimum of epochs', () => {
    const epochsOf = (measures: number[], minimumEpochs: number) => {
      let state = startStopping;
      for (const [epoch, measure] of measures.entries()) {
        state = afterMeasure(state, measure);
        if (shouldStop(state, {epoch, patience: 2, minimumEpochs})) return epoch + 1;
      }
      return Infinity;
    };
    expect(epochsOf([1, 2, 1, 2, 1], 0)).toBe(4);
    expect(epochsOf([1, 2, 1, 3, 1], 0)).toBe(Infinity);
    expect(epochsOf([1, 0, 0, 0, 0, 0], 5)).toBe(5);
  });
});

describe('gradual release', () => {
  it('comes as late as in the released code where nothing improves: after 29 epochs at 1e-5, after 35 at 1e-4', () => {
    for (const {rate, minimumRate, epochs} of reference.phases) {
      const schedule = {...options, learningRate: rate, minimumLearningRate: 0, warmUp: 'released' as const};
      let state = {...startSchedule(schedule), best: 1};
      let epoch = 0;
      for (; state.rate >= minimumRate; epoch++)
        state = afterEpoch({...schedule, warmUpEpochs: 5}, state, {epoch, measure: 0});
      expect(epoch).toBe(epochs);
    }
  });

  it('releases a group each time the rate falls below the threshold and then finishes', () => {
    const at = {threshold: 1e-8, groupCount: 3};
    let state = afterReleaseEpoch(startRelease, {...at, rate: 1e-5});
    expect(state).toEqual({released: 1, finished: false});
    state = afterReleaseEpoch(afterReleaseEpoch(state, {...at, rate: 1e-9}), {...at, rate: 1e-9});
    expect(state).toEqual({released: 3, finished: false});
    expect(afterReleaseEpoch(state, {...at, rate: 1e-9})).toEqual({released: 3, finished: true});
  });

  it('starts a new warm-up for every phase', () => {
    const schedule = {...options, warmUp: 'released' as const, warmUpEpochs: 5};
    const state = startSchedule(schedule, 40);
    expect(learningRateAt(schedule, state, {epoch: 40, batch: 0, batchCount: 10})).toBe(0);
    expect(learningRateAt(schedule, state, {epoch: 45, batch: 0, batchCount: 10})).toBe(1e-2);
  });
});
