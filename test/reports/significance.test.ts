import {describe, expect, test} from 'vitest';
import {momentsOf, pooledCcc} from '../../reports/moments.js';
import type {MomentRecord, ReportInput} from '../../reports/score.js';
import {significanceTable} from '../../reports/significance.js';
import {random} from '../../stages/learning/random.js';
import {complete} from './sample.js';

const options = {random: random(1), resampleCount: 200};
const clipA = momentsOf('a', [0, 1], [0, 1]);
const clipB = momentsOf('b', [0, 0.5], [0.1, 0.5]);
const worseA = momentsOf('a', [0, 0.5], [0, 1]);
const record = (label: string, more: Partial<MomentRecord> = {}): MomentRecord => ({
  label,
  fold: 'f0',
  seed: 1,
  target: 'valence',
  clips: [clipA, clipB],
  ...more,
});
const withMoments = (moments: readonly MomentRecord[]): ReportInput => ({...complete(), moments, reference: 'RCMA'});

describe('the table of differences', () => {
  test('tests every system against the first fusion system', () => {
    const table = significanceTable(complete(), options)!;
    expect(table.title).toBe('Differences to RCMA');
    expect(table.rows.map(({cells}) => (cells[0]!.kind === 'text' ? cells[0]!.text : ''))).toEqual([
      'GRJCA',
      'audio',
      'visual',
      'text',
    ]);
  });

  test('compares on the clips that both systems scored', () => {
    const table = significanceTable(withMoments([record('RCMA'), record('JMT', {clips: [worseA]})]), options)!;
    const difference = table.rows[0]!.cells[1]!;
    expect(difference.kind === 'number' && difference.value).toBeCloseTo(pooledCcc([worseA])! - 1, 12);
    expect(table.rows[0]!.cells[2]).toEqual({kind: 'missing', notes: ['No fold has two clips.']});
  });

  test('shows a dash where the systems share no fold', () => {
    const table = significanceTable(withMoments([record('RCMA'), record('JMT', {fold: 'f1'})]), options)!;
    expect(table.rows[0]!.cells.slice(1, 4).map((cell) => cell.kind)).toEqual(['missing', 'missing', 'missing']);
  });

  test('refuses two systems of one label', () => {
    const run = () => significanceTable(withMoments([record('RCMA'), record('JMT'), record('JMT')]), options);
    expect(run).toThrow('JMT, fold f0, seed 1, valence: moments of two systems for one cell.');
  });

  test('warns where clips are too few for an interval', () => {
    const table = significanceTable(complete(), options)!;
    expect(table.caption.at(-1)).toBe('With 6 clips, intervals are too narrow and p too small to rely on.');
  });

  test('does not exist for one system', () => {
    expect(significanceTable(withMoments([record('RCMA')]), options)).toBeUndefined();
  });
});
