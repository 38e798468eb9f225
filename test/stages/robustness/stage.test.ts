import {beforeAll, describe, expect, it} from 'vitest';
import {robustness} from '../../../stages/robustness.js';
import {clips, corrupt, evaluate, train, type CorruptOptions, type Run} from '../fusion-training/run-fold.js';
import {smallFold} from '../fusion-training/small-fold.js';

const params = {targets: 'joint', epochs: 10} as const;
const none = {kind: 'none'};
const absent = {kind: 'absent', modality: 'visual'};
const noise = (signalToNoiseDecibels: number) => ({kind: 'noise', modality: 'visual', signalToNoiseDecibels});
const dropOut = (share: number) => ({kind: 'drop-out', modality: 'visual', share});

let run: Run;
beforeAll(async () => {
  run = await train({params});
});

const scores = async (options: CorruptOptions) => (await corrupt(run, {params, ...options})).rows;
const valences = async (corruptions: readonly unknown[]) =>
  (await scores({corruptions})).filter(({target}) => target === 'valence').map(({ccc}) => ccc);

describe('robustness', () => {
  it('scores clean features exactly as fold-evaluation scores the predictions of training', async () => {
    const rows = await scores({corruptions: [none]});
    const evaluation = (await evaluate(run)).all;
    const expected = (['valence', 'arousal'] as const).map((target) => {
      const {ccc, frameCount} = evaluation.find((row) => row.target === target && row.variant === 'population')!;
      return {corruption: 'none', modality: '', amount: 0, target, ccc, frameCount};
    });
    expect(rows).toEqual(expected);
  });

  it('finds valence, which only the face shows, harder the more of the face is lost', async () => {
    const [clean, little, half, all, gone] = (await valences([
      none,
      dropOut(0.1),
      dropOut(0.5),
      dropOut(1),
      absent,
    ])) as [number, number, number, number, number];
    expect(clean).toBeGreaterThan(little);
    expect(little).toBeGreaterThan(half);
    expect(half).toBeGreaterThan(gone);
    expect(all).toBe(gone);
    expect(clean - gone).toBeGreaterThan(0.2);
  });

  it('finds it harder the louder the noise, and cannot tell 200 dB from silence', async () => {
    const [clean, silent, faint, loud] = (await valences([none, noise(200), noise(0), noise(-20)])) as [
      number,
      number,
      number,
      number,
    ];
    expect(silent).toBeCloseTo(clean, 5);
    expect(faint).toBeLessThan(clean - 0.02);
    expect(loud).toBeLessThan(faint - 0.1);
  });

  it('gives equal bytes for equal seeds, and other noise for another seed', async () => {
    const options = {params, corruptions: [noise(0), dropOut(0.3)]};
    const [first, second, other] = [
      await corrupt(run, options),
      await corrupt(run, options),
      await corrupt(run, {...options, seed: 2}),
    ];
    expect(second.digest).toBe(first.digest);
    for (const [k, row] of other.rows.entries()) expect(row.ccc).not.toBe(first.rows[k]!.ccc);
  });

  it('evaluates the model of each emotion where they are separate, and reports how far it is', async () => {
    const params = {epochs: 2, targets: 'separate'} as const;
    const separate = await train({params});
    const {rows, progress} = await corrupt(separate, {params, corruptions: [none, absent]});
    expect(rows.map(({target, corruption}) => `${target} ${corruption}`)).toEqual([
      'valence none',
      'valence absent',
      'arousal none',
      'arousal absent',
    ]);
    expect(progress).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
  });

  it('corrupts clip-level systems and clips without a frame as well', async () => {
    const clipLevel = {
      system: 'jca',
      targets: 'joint',
      epochs: 1,
      windowFrames: 32,
      clipFrames: 8,
      shiftFrames: 4,
      architecture: {},
    } as const;
    const inputs = smallFold(clips(3, 1), [...clips(1, 101), {frameCount: 0, seed: 3}]);
    const trained = await train({inputs, params: clipLevel});
    const {rows} = await corrupt(trained, {
      inputs,
      params: clipLevel,
      corruptions: [none, absent, noise(0), dropOut(0.5)],
    });
    expect(new Set(rows.map(({ccc}) => ccc)).size).toBe(8);
    expect(rows.every(({ccc}) => Number.isFinite(ccc))).toBe(true);
  });

  it('refuses weights of another architecture, and stops when it is told to', async () => {
    const other = {
      ...params,
      architecture: {visualChannels: [4], acousticChannels: [4], linguisticChannels: [4], kernel: 3},
    };
    await expect(corrupt(run, {params: other, corruptions: [none]})).rejects.toMatchObject({
      name: 'StageError',
      code: 'wrong-shape',
    });
    await expect(corrupt(run, {params, corruptions: [none], signal: AbortSignal.abort()})).rejects.toThrow('aborted');
  });

  it('reads the modalities of its system and the weights, and nothing else', () => {
    const reads = (system: string) =>
      robustness.reads!(robustness.params.parse({training: {system}, corruptions: [none]}));
    expect(reads('audio')).toEqual(['weights', 'acoustic', 'labels']);
    expect(reads('rcma')).toEqual(['weights', 'visual', 'acoustic', 'linguistic', 'labels']);
  });
});
