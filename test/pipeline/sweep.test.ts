import {describe, expect, it} from 'vitest';
import {multiplySystems, parseAxis} from '../../pipeline/sweep.js';

describe('a grid', () => {
  it('multiplies every system by every point and labels it by what varies', () => {
    const axes = ['fusion-training.learningRate=1e-4,5e-4', 'fusion-training.architecture.recursions=1,2'].map(
      parseAxis,
    );
    const {systems} = multiplySystems(
      {systems: ['rcma', {system: 'rcma', label: 'all', architecture: {joint: 'all'}}]},
      axes,
    ) as {
      systems: object[];
    };
    expect(systems).toHaveLength(8);
    expect(systems[0]).toEqual({
      system: 'rcma',
      label: 'rcma learningRate=0.0001 recursions=1',
      learningRate: 1e-4,
      architecture: {recursions: 1},
    });
    expect(systems[7]).toEqual({
      system: 'rcma',
      label: 'all learningRate=0.0005 recursions=2',
      learningRate: 5e-4,
      architecture: {joint: 'all', recursions: 2},
    });
  });

  it('leaves robustness to the experiment itself, and all else as it is', () => {
    const config = {name: 'x', systems: ['rcma'], robustness: {}};
    expect(multiplySystems(config, [parseAxis('fusion-training.batchSize=2')])).toEqual({
      name: 'x',
      systems: [{system: 'rcma', label: 'rcma batchSize=2', batchSize: 2}],
    });
  });

  it.each(['fusion-training.learningRate', 'fusion-training=1', 'demux.sampleRateHz=1,2', 'fusion-training.epochs='])(
    'refuses %s',
    (text) => {
      expect(() => parseAxis(text)).toThrow(/--grid/);
    },
  );
});
