import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {describe, expect, it} from 'vitest';
import {makeExperiment} from '../../pipeline/experiment.js';
import {makePlan} from '../../pipeline/plan.js';
import {unusedSettings} from '../../pipeline/unused-settings.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

const folder = temporaryFolder();

function write(...files: string[]): void {
  for (const file of files) {
    mkdirSync(path.dirname(path.join(folder, file)), {recursive: true});
    writeFileSync(path.join(folder, file), '');
  }
}

describe('a plan', () => {
  it('asks for the face on the side that the annotation is of', () => {
    write('v/x.mp4', 'v/y.mp4', 'v/w.mp4', 'a/x_left.txt', 'a/x_right.txt', 'a/y.txt', 'a/w_left.txt');
    const raw = {name: 'e', dataset: {videos: 'v', annotations: 'a'}, systems: ['rcma']};
    const {tasks} = makePlan(makeExperiment(raw, path.join(folder, 'e.yaml')), {clips: '*'});
    const ofFaces = tasks.filter(({stage}) => stage === 'face-alignment');
    expect(ofFaces.map(({subject, params}) => [subject.clip, params['subject']])).toEqual([
      ['w_left', 'left'],
      ['x_left', 'left'],
      ['x_right', 'right'],
      ['y', 'largest'],
    ]);
    // Equal parameters are one object, so that their digest is taken once.
    expect(ofFaces[0]!.params).toBe(ofFaces[1]!.params);
    const video = tasks.filter(({stage}) => stage === 'demux').map(({inputs}) => inputs['video']);
    expect(video.slice(1, 3)).toEqual([video[1], video[1]]);
  });

  it('reads published face images instead of the video where asked to', () => {
    write('videos/x.mp4', 'videos/y.mp4', 'labels/x.txt', 'labels/y.txt', 'c/x/00001.jpg', 'c/y/00001.jpg');
    const raw = {
      name: 'e',
      dataset: {videos: 'videos', annotations: 'labels', croppedAligned: 'c'},
      systems: ['visual'],
      stages: {'face-alignment': {source: 'cropped-aligned'}},
    };
    const {tasks} = makePlan(makeExperiment(raw, path.join(folder, 'e.yaml')), {clips: '*'});
    const inputs = tasks.filter(({stage}) => stage === 'face-alignment').map((task) => task.inputs);
    expect(inputs).toEqual(
      ['x', 'y'].map((clip) => ({
        timeline: {from: 'task', task: `demux ${clip}`, output: 'timeline'},
        croppedAligned: {from: 'file', path: path.join(folder, 'c', clip)},
      })),
    );
  });
});

describe('the plan of an experiment that fine-tunes', () => {
  const planOf = (raw: object) => {
    write('f/a.mp4', 'f/b.mp4', 'g/a.txt', 'g/b.txt');
    writeFileSync(path.join(folder, 'subjects.csv'), 'clip,subject\na,a\nb,b\n');
    const dataset = {videos: 'f', annotations: 'g', subjects: 'subjects.csv'};
    const whole = {name: 'e', dataset, folds: {kind: 'subjects', count: 2}, seeds: [1, 2], ...raw};
    return makePlan(makeExperiment(whole, path.join(folder, 'e.yaml')));
  };
  const planned = (raw: object) => planOf(raw).tasks;

  it('has one backbone-training per fold and seed, which all systems that ask for it read', () => {
    const tasks = planned({
      systems: ['audio', 'visual', 'rcma', {system: 'rcma', label: 'frozen', visual: 'frozen'}],
      stages: {'fusion-training': {visual: 'fine-tuned'}},
      robustness: {},
    });
    expect(tasks.filter(({stage}) => stage === 'backbone-training').map(({id}) => id)).toEqual([
      'backbone-training fold 0 seed 1',
      'backbone-training fold 0 seed 2',
      'backbone-training fold 1 seed 1',
      'backbone-training fold 1 seed 2',
    ]);
    const visualOf = (stage: string) =>
      Object.fromEntries(
        tasks
          .filter((task) => task.stage === stage && task.subject.fold === '0' && task.subject.seed === '1')
          .map(({subject, inputs}) => [subject.system, Object.keys(inputs).filter((name) => /visual/i.test(name))]),
      );
    const expected = {audio: [], visual: ['tunedVisual'], rcma: ['tunedVisual'], frozen: ['visual']};
    expect(visualOf('fusion-training')).toEqual(expected);
    expect(visualOf('robustness')).toEqual(expected);
    const {inputs} = tasks.find(({id}) => id === 'fusion-training rcma fold 1 seed 2')!;
    expect(inputs['tunedVisual']).toEqual({from: 'task', task: 'backbone-training fold 1 seed 2', output: 'tuned'});
  });

  it('tunes the acoustic network in a stage of its own', () => {
    const tasks = planned({systems: [{system: 'rcma', visual: 'fine-tuned', acoustic: 'fine-tuned'}]});
    const {inputs} = tasks.find(({id}) => id === 'fusion-training rcma fold 0 seed 1')!;
    expect(Object.keys(inputs)).toEqual(['tunedVisual', 'tunedAcoustic', 'linguistic', 'labels']);
    expect(inputs['tunedAcoustic']).toMatchObject({task: 'acoustic-backbone-training fold 0 seed 1'});
    expect(tasks.some(({stage}) => stage === 'acoustic-embedding')).toBe(false);
  });

  it('has none where everything is frozen, and leaves out visual-embedding where nothing reads it', () => {
    const stagesOf = (raw: object) => new Set(planned(raw).map(({stage}) => stage));
    expect(stagesOf({systems: ['rcma']})).not.toContain('backbone-training');
    const tuned = stagesOf({systems: [{system: 'visual', visual: 'fine-tuned'}]});
    expect(tuned).toContain('backbone-training');
    expect(tuned).not.toContain('visual-embedding');
  });

  it('leaves the parameters of tasks that are frozen, or have no face, as they were', () => {
    const raw = (visual?: string) => ({
      systems: ['audio', 'visual'],
      stages: visual === undefined ? {} : {'fusion-training': {visual}},
    });
    const paramsOf = (tasks: ReturnType<typeof planned>, system: string) =>
      tasks.find(({stage, subject}) => stage === 'fusion-training' && subject.system === system)!.params;
    const before = planned(raw());
    for (const visual of ['frozen', 'fine-tuned']) {
      const after = planned(raw(visual));
      expect(paramsOf(after, 'audio')).toEqual(paramsOf(before, 'audio'));
      expect(paramsOf(after, 'visual')).toEqual({
        ...paramsOf(before, 'visual'),
        ...(visual === 'frozen' ? {} : {visual}),
      });
    }
    expect('visual' in paramsOf(before, 'visual')).toBe(false);
  });

  it('waits for all features of its clips where failed ones are excluded, so that positions mean the same to all', () => {
    const raw = {systems: ['audio', {system: 'visual', visual: 'fine-tuned'}]};
    const tuning = (onFailedClip: string) =>
      planned({...raw, onFailedClip}).find(({stage}) => stage === 'backbone-training')!;
    expect(tuning('stop').beside).toBeUndefined();
    expect(tuning('exclude').beside).toEqual(
      expect.arrayContaining(['acoustic-embedding a', 'acoustic-embedding b', 'face-alignment a', 'annotation b']),
    );
    expect(Object.keys(tuning('exclude').inputs)).toEqual(['faces', 'labels']);
  });

  it('makes every system wait for the features of all, where failed clips are excluded, so that they share their clips', () => {
    const raw = {systems: ['audio', 'visual'], onFailedClip: 'exclude'};
    const training = planned(raw).find(({id}) => id.startsWith('fusion-training audio'))!;
    expect(training.beside).toEqual(expect.arrayContaining(['acoustic-embedding a', 'visual-embedding b']));
    expect(Object.keys(training.inputs)).toEqual(['acoustic', 'labels']);
  });

  it('names the stages that have settings which nothing reads, and what to write', () => {
    const remarks = (raw: object) => unusedSettings(planOf(raw));
    const tuning = {'backbone-training': {epochs: 1}, 'acoustic-backbone-training': {epochs: 1}};
    expect(remarks({systems: [{system: 'rcma', visual: 'fine-tuned'}], stages: tuning})).toEqual([
      'stages.acoustic-backbone-training is not used: no system asks for it; write fusion-training: {acoustic: fine-tuned} under stages, or acoustic: fine-tuned at a system that has this modality',
    ]);
    const embedding = {'visual-embedding': {}, 'text-embedding': {}, 'fusion-training': {visual: 'fine-tuned'}};
    expect(remarks({systems: ['visual'], stages: embedding})).toEqual([
      'stages.visual-embedding is not used: every system fine-tunes its visual backbone; write visual: frozen at those that should not',
      'stages.text-embedding is not used: no system reads what it makes; name one under systems that does, or take stages.text-embedding away',
    ]);
    expect(remarks({systems: ['rcma'], stages: {'visual-embedding': {}}})).toEqual([]);
  });
});
