/** What is done with trained systems, through the whole command: robustness, tests of differences, ensembles. */
import {appendFileSync, copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {beforeAll, describe, expect, it} from 'vitest';
import {makeDemoDataset} from '../../pipeline/datasets/demo/demo-dataset.js';
import {rankFolds, predictWithBestFolds} from '../../pipeline/ensemble.js';
import {loadExperiment} from '../../pipeline/experiment.js';
import {forecast} from '../../pipeline/forecast.js';
import {readClosures, readLock} from '../../pipeline/identity.js';
import {Inspector} from '../../pipeline/inspector.js';
import {makePlan} from '../../pipeline/plan.js';
import {readResults} from '../../pipeline/results.js';
import {openWorkspace, type Workspace} from '../../pipeline/workspace.js';
import type {Digest} from '../../cache/digest.js';
import type {Score} from '../../reports/score.js';
import {predictions as predictionsSchema} from '../../stages/schemas.js';
import {affectflow, producedByStage} from '../helpers/command.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

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

const folder = temporaryFolder();
beforeAll(async () => {
  await makeDemoDataset({folder, seed: 3, subjectCount: 4, clipsPerSubject: 1, secondsPerClip: 3, frameRateHz: 10});
  writeFileSync(path.join(folder, 'e.yaml'), EXPERIMENT);
}, 120_000);

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

describe('an ensemble of the best folds', () => {
  const experiment = () => loadExperiment(path.join(folder, 'e.yaml'));
  const inWorkspace = async <T>(use: (workspace: Workspace) => Promise<T>): Promise<T> => {
    const workspace = openWorkspace(path.join(folder, '.affectflow'), 'read');
    return use(workspace).finally(() => workspace.close());
  };

  /** Valence that a fold's training predicted for its validation clips, concatenated. */
  const recordedValence = async (workspace: Workspace, fold: string) => {
    const plan = makePlan(experiment(), {folds: [fold]});
    const forecasts = await forecast(new Inspector({plan, workspace, closures: readClosures(), lock: readLock()}));
    const one = forecasts.find(({task}) => task.stage === 'fusion-training' && task.subject.system === 'audio')!;
    if (one.will !== 'reuse') throw new Error(`expected ${one.task.id} to be there`);
    const digest = one.record.outputs.find(({name}) => name === 'predictions')!.digest as Digest;
    await using shard = await workspace.store.open(digest, predictionsSchema);
    return [...(await shard.column('valence'))];
  };

  it('of one fold predicts its validation clips as its training did, to the bit', async () => {
    await inWorkspace(async (workspace) => {
      const [best] = rankFolds((await readResults(experiment(), workspace)).scores, 'audio');
      const {validation} = experiment().folds.find(({name}) => name === best!.fold)!;
      const glob = validation[0]!.name;
      const options = {system: 'audio', best: 1, clips: glob, device: 'cpu', threads: 1} as const;
      const ensemble = await predictWithBestFolds(experiment(), workspace, options);
      expect(ensemble.folds).toEqual([best]);
      expect(ensemble.clips.map(({clip}) => clip)).toEqual([glob]);
      const {valence} = ensemble.clips[0]!;
      expect(valence.length).toBeGreaterThan(0);
      expect([...valence]).toEqual((await recordedValence(workspace, best!.fold)).slice(0, valence.length));
    });
  }, 60_000);

  it('refuses clips that a fold was trained on, more folds than there are, and systems that there are not', async () => {
    await inWorkspace(async (workspace) => {
      const ask = (change: object) =>
        predictWithBestFolds(experiment(), workspace, {
          system: 'audio',
          best: 1,
          clips: '*',
          device: 'cpu',
          threads: 1,
          ...change,
        });
      await expect(ask({})).rejects.toThrow(/is among the training clips of fold/);
      await expect(ask({best: 3})).rejects.toMatchObject({code: 'not-run-yet'});
      await expect(ask({system: 'adio'})).rejects.toMatchObject({code: 'unknown-system'});
    });
  }, 60_000);

  it('is written as one file per clip by the command', async () => {
    const best = await inWorkspace(
      async (workspace) => rankFolds((await readResults(experiment(), workspace)).scores, 'text')[0]!.fold,
    );
    const clip = experiment().folds.find(({name}) => name === best)!.validation[0]!.name;
    const result = affectflow(['predict', 'e.yaml', '--system', 'text', '--clips', clip, '--output', 'p'], folder);
    expect(result).toMatchObject({code: 0, err: ''});
    expect(readdirSync(path.join(folder, 'p'))).toEqual([`${clip}.txt`]);
    expect(readFileSync(path.join(folder, 'p', `${clip}.txt`), 'utf8')).toMatch(
      /^valence,arousal\n(-?\d\.\d{6},-?\d\.\d{6}\n)+$/,
    );
  }, 60_000);

  it('of clips of the test part, which have no annotation, is written in the form of the challenge', () => {
    const [known] = experiment().dataset.clips;
    copyFileSync(known!.video, path.join(folder, 'videos', 'secret.mp4'));
    writeFileSync(path.join(folder, 'test.txt'), 'secret\n');
    const withTest = EXPERIMENT.replace('subjects: subjects.csv', 'subjects: subjects.csv, test: test.txt');
    writeFileSync(path.join(folder, 'test.yaml'), withTest);
    expect(affectflow(['run', 'test.yaml'], folder).out).toMatch(/Nothing to do/);
    const ask = [
      'predict',
      'test.yaml',
      '--system',
      'audio',
      '--best',
      '2',
      '--output',
      'q',
      '--submission',
      'all.txt',
    ];
    writeFileSync(path.join(folder, 'sample.txt'), 'image_location\nsecret/00001.jpg\nsecret/00099.jpg\n');
    expect(affectflow([...ask, '--sample', 'sample.txt'], folder)).toMatchObject({code: 0, err: ''});
    expect(readdirSync(path.join(folder, 'q'))).toEqual(['secret.txt']);
    const lines = readFileSync(path.join(folder, 'q', 'secret.txt'), 'utf8')
      .trim()
      .split('\n');
    expect(readFileSync(path.join(folder, 'all.txt'), 'utf8')).toBe(
      `image_location,valence,arousal\nsecret/00001.jpg,${lines[1]}\nsecret/00099.jpg,${lines.at(-1)}\n`,
    );
    expect(affectflow(['predict', 'e.yaml', '--system', 'audio'], folder)).toMatchObject({code: 2});
    expect(affectflow([...ask, '--sample', 'none.txt'], folder).err).toMatch(/there is no such file/);
  }, 60_000);

  it('of a clip that cannot be read is left out where the experiment goes on without failed clips', () => {
    writeFileSync(path.join(folder, 'videos', 'broken.mp4'), 'no video');
    writeFileSync(path.join(folder, 'test.txt'), 'broken\nsecret\n');
    const ask = ['predict', 'test.yaml', '--system', 'audio', '--best', '2', '--output', 'r'];
    expect(affectflow(ask, folder)).toMatchObject({code: 1});
    expect(existsSync(path.join(folder, 'r'))).toBe(false);
    appendFileSync(path.join(folder, 'test.yaml'), 'onFailedClip: exclude\n');
    const {code, out} = affectflow(ask, folder);
    expect(code).toBe(1);
    expect(out).toMatch(/^1 clip predicted in r/m);
    expect(out).toMatch(/^Not predicted: broken, because .*broken\.mp4/m);
    expect(readdirSync(path.join(folder, 'r'))).toEqual(['secret.txt']);
    expect(affectflow([...ask, '--clips', 'broken'], folder).out).toMatch(/^0 clips predicted in r/m);
  }, 60_000);

  it('ranks folds by the mean of both emotions over seeds, by whole folds and the headline metric only', () => {
    const score = (fold: string, seed: number, ccc: number, other: object = {}) =>
      ({label: 'a', fold, seed, ccc, target: 'valence', variant: 'population', ...other}) as Score;
    const scores = [
      score('0', 1, 0.2),
      score('0', 1, 0.4, {target: 'arousal'}),
      score('0', 2, 0.6),
      score('1', 1, 0.9),
      score('1', 1, 0.1, {target: 'arousal'}),
      score('2', 1, NaN),
      score('0', 1, 1, {clip: 'x'}),
      score('0', 1, 1, {variant: 'released-s'}),
      score('0', 1, 1, {label: 'b'}),
    ];
    expect(rankFolds(scores, 'a').map(({fold, ccc}) => [fold, Number(ccc.toFixed(6))])).toEqual([
      ['1', 0.5],
      ['0', 0.4],
    ]);
  });
});
