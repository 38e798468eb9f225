import {describe, expect, it} from 'vitest';
import {aligned, duration, lineOf, size} from '../../../pipeline/logging/words.js';

describe('events in words', () => {
  it('tell what was produced, how long it took, and why it ran', () => {
    const line = lineOf({
      kind: 'produced',
      task: 'spectrogram s01',
      stage: 'spectrogram',
      fingerprint: 'f',
      reason: 'kind "vggish" → "tsav"',
      seconds: 3.21,
      bytes: 1_800_000,
      notes: {},
    });
    expect(line).toBe('produced  spectrogram s01  in 3.2 s, 1.8 MB  because kind "vggish" → "tsav"');
  });

  it('give a failed task its remedy, and a stack only to defects', () => {
    const failed = {
      kind: 'failed',
      task: 'demux x',
      stage: 'demux',
      code: 'no-frames',
      message: 'x.mp4 has no frames',
    } as const;
    expect(lineOf({...failed, remedy: 'Record it again.'})).toBe(
      'FAILED    demux x: x.mp4 has no frames\n          Record it again.',
    );
    expect(lineOf({...failed, stack: 'Error\n  at y'})).toContain('defect of Affectflow');
  });

  it('end a run with a table and one sentence', () => {
    const stages = [{stage: 'demux', reused: 2, produced: 0, failed: 0, skipped: 0, seconds: 0}];
    const text = lineOf({kind: 'run-ended', status: 'ok', seconds: 0.2, stages})!;
    expect(text).toContain('Nothing to do: all 2 tasks are up to date (checked in 200 ms).');
    expect(lineOf({kind: 'run-ended', status: 'interrupted', seconds: 61, stages})).toContain(
      'Run the same command again to go on.',
    );
    expect(
      lineOf({kind: 'run-ended', status: 'failed', seconds: 1, stages: [{...stages[0]!, failed: 1, skipped: 3}]}),
    ).toContain('1 tasks failed and 3 were skipped');
  });
});

describe('numbers in words', () => {
  it('have units that fit', () => {
    expect([0, 0.0042, 3.21, 125, 9000].map(duration)).toEqual(['0 s', '4 ms', '3.2 s', '2 min 5 s', '2.5 h']);
    expect([12, 1234, 5.6e6, 7.8e9].map(size)).toEqual(['12 B', '1.2 kB', '5.6 MB', '7.80 GB']);
  });

  it('stand in columns', () => {
    expect(
      aligned([
        ['stage', 'n'],
        ['a', '10'],
        ['bcd', '5'],
      ]),
    ).toEqual(['stage   n', 'a      10', 'bcd     5']);
  });
});
