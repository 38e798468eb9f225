import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {afterAll, describe, expect, it} from 'vitest';
import {makeExperiment} from '../../pipeline/experiment.js';
import {makePlan} from '../../pipeline/plan.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'affectflow-plan-'));
afterAll(() => rmSync(folder, {recursive: true, force: true}));

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
