import {describe, expect, test} from 'vitest';
import {robustnessTables} from '../../reports/robustness.js';
import type {RobustnessScore} from '../../reports/robustness.js';
import type {Cell} from '../../reports/table.js';
import {allRobustness} from './sample.js';

const record = (more: Partial<RobustnessScore>): RobustnessScore => ({
  label: 'RCMA',
  corruption: {kind: 'none'},
  fold: 'f0',
  seed: 1,
  target: 'valence',
  ccc: 0.5,
  fingerprint: 'a'.repeat(32),
  ...more,
});
const absent = {kind: 'absent', modality: 'audio'} as const;
const valueOf = (cell: Cell | undefined): number | string | undefined =>
  cell?.kind === 'number' ? cell.value : cell?.kind;

describe('robustness tables', () => {
  test('order corruptions from clean and mild to severe, one row each', () => {
    const [table] = robustnessTables([...allRobustness()].reverse());
    expect(table!.rows.map(({cells}) => (cells[0]!.kind === 'text' ? cells[0]!.text : ''))).toEqual([
      'clean',
      'audio absent',
      'visual noise, SNR 20 dB',
      'visual noise, SNR 0 dB',
      'visual drop-outs, 25 % of frames',
      'text absent',
    ]);
  });

  test('average seeds within a fold, then folds', () => {
    const scores = [
      record({corruption: absent, ccc: 0.2}),
      record({corruption: absent, seed: 2, ccc: 0.4}),
      record({corruption: absent, fold: 'f1', ccc: 0.6}),
    ];
    const [valence, arousal] = robustnessTables(scores);
    expect(valueOf(valence!.rows[0]!.cells[1])).toBeCloseTo((0.3 + 0.6) / 2, 12);
    expect(valence!.rows[0]!.cells[1]).toMatchObject({
      notes: ['1 of 4 folds and seeds have no score.'],
      isPartial: true,
    });
    expect(valueOf(arousal!.rows[0]!.cells[1])).toBe('missing');
  });

  test('leave a cell empty where a system was not evaluated so, and mark the best of a row', () => {
    const [table] = robustnessTables(allRobustness());
    const bestOf = (row: number) =>
      table!.rows[row]!.cells.map((cell) => cell.kind === 'number' && cell.isBest === true);
    expect(bestOf(0)).toEqual([false, true, false]);
    expect(table!.rows.at(-1)!.cells[2]).toEqual({kind: 'empty'});
  });

  test('do not exist where nothing was corrupted', () => {
    expect(robustnessTables([record({})])).toEqual([]);
  });

  test('refuse two scores for one cell', () => {
    expect(() => robustnessTables([record({corruption: absent}), record({corruption: absent, ccc: 0.1})])).toThrow(
      'RCMA, audio absent, fold f0, seed 1, valence: two scores for one cell.',
    );
  });
});
