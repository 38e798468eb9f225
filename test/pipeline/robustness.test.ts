/** Robustness and significance through the whole command: what runs, what is reused, and what the report shows. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {makeDemoDataset} from '../../pipeline/datasets/demo/demo-dataset.js';
import {affectflow, producedByStage} from '../helpers/command.js';

const EXPERIMENT = `
name: small
dataset: {videos: videos, annotations: annotations, transcripts: transcripts, subjects: subjects.csv}
folds: {kind: subjects, count: 2}
stages:
  fusion-training:
    targets: joint
    windowFrames: 20
    hopFrames: 10
    learningRate: 5.0e-3
    warmUp: none
    epochs: 2
    minimumEpochs: 1
    architecture: {acousticChannels: [8], linguisticChannels: [8]}
systems: [audio, text]
robustness: {signalToNoiseDecibels: [0], dropOutShares: [], stretchFrames: 5}
`;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'affectflow-'));
  await makeDemoDataset({folder, seed: 3, subjectCount: 4, clipsPerSubject: 1, secondsPerClip: 3, frameRateHz: 10});
  writeFileSync(path.join(folder, 'e.yaml'), EXPERIMENT);
}, 120_000);
afterAll(() => rmSync(folder, {recursive: true, force: true}));

const run = (...args: string[]) => affectflow(['run', 'e.yaml', '--json', ...args], folder);

describe('an experiment with robustness', () => {
  it('evaluates each trained system once, and reuses it', () => {
    const first = run();
    expect(first.err).toBe('');
    expect(producedByStage(first)).toMatchObject({'fusion-training': 4, 'fold-evaluation': 4, robustness: 4});
    expect(producedByStage(run())).toEqual({});
  }, 120_000);

  it('runs nothing but robustness where only the corruptions change', () => {
    expect(producedByStage(run('--set', 'robustness.stretchFrames=4'))).toEqual({robustness: 4});
    expect(producedByStage(run('--set', 'robustness.signalToNoiseDecibels=[0]'))).toEqual({});
  }, 120_000);

  it('shows CCC against corruption for every system, and tests differences between systems over clips', () => {
    const {out, code} = affectflow(['report', 'e.yaml', '--format', 'md'], folder);
    expect(code).toBe(0);
    expect(out).toContain('CCC under corruption, average');
    for (const row of ['clean', 'audio noise, SNR 0 dB', 'audio absent', 'text noise, SNR 0 dB', 'text absent'])
      expect(out).toContain(row);
    expect(out).not.toContain('visual noise');
    expect(out).toMatch(/Differences to audio[\s\S]*2000 resamples/);
    expect(affectflow(['report', 'e.yaml', '--format', 'md'], folder).out).toBe(out);
  }, 120_000);
});
