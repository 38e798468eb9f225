/** The experiment files that come with the package: each is loaded and planned on a small copy of its data layout. */
import {mkdirSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {beforeAll, describe, expect, it} from 'vitest';
import {loadExperiment} from '../../pipeline/experiment.js';
import {packageRoot} from '../../pipeline/package-root.js';
import {makePlan} from '../../pipeline/plan.js';
import {systems} from '../../stages/fusion-training/systems/index.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

const folderOfFiles = path.join(packageRoot, 'pipeline/experiments');
const files = readdirSync(folderOfFiles).sort();
const published = ['affwild2-grjca.yaml', 'affwild2-jca.yaml', 'affwild2-jmt.yaml', 'affwild2-rcma.yaml'];

const folder = temporaryFolder();
beforeAll(() => {
  const write = (...parts: string[]) => {
    const file = path.join(folder, ...parts);
    mkdirSync(path.dirname(file), {recursive: true});
    writeFileSync(file, '');
  };
  for (const clip of ['a', 'b', 'c']) {
    write('videos', `${clip}.mp4`);
    write('annotations', `${clip}.txt`);
    write('transcripts', `${clip}.vtt`);
  }
  writeFileSync(path.join(folder, 'subjects.csv'), 'clip,subject\na,a\nb,b\nc,c\n');
  for (const [k, clip] of ['t0', 't1', 't2', 't3', 't4', 'v0', 'test'].entries()) {
    write('Aff-Wild2/videos', k < 3 ? 'batch1' : 'batch2', `${clip}.mp4`);
    write('Aff-Wild2/r2plus1d', `${clip}.npy`);
    write('Aff-Wild2/i3d', `${clip}.npy`);
    if (clip !== 'test')
      write('Aff-Wild2/annotations', clip.startsWith('t') ? 'Train_Set' : 'Validation_Set', `${clip}.txt`);
  }
  for (const file of files) writeFileSync(path.join(folder, file), readFileSync(path.join(folderOfFiles, file)));
});

const load = (file: string) => loadExperiment(path.join(folder, file));

describe('the experiment files of the package', () => {
  it.each(files)('%s can be loaded and planned, and is named like its file', (file) => {
    const experiment = load(file);
    expect(experiment.name).toBe(path.basename(file, '.yaml'));
    expect(makePlan(experiment).tasks.filter(({stage}) => stage === 'fold-evaluation')).toHaveLength(
      experiment.systems.length * experiment.folds.length * experiment.seeds.length,
    );
  });

  it('compare all systems in one of them, with robustness', () => {
    const {systems: runs} = load('all-systems.yaml');
    expect(runs.map(({params}) => params['system']).sort()).toEqual(Object.keys(systems).sort());
    expect(runs.every(({robustness}) => robustness !== undefined)).toBe(true);
  });

  it.each(published)(
    '%s keeps to the published training, leaves out the test part and uses the folds of its paper',
    (file) => {
      const {systems: runs, folds, dataset} = load(file);
      const name = path.basename(file, '.yaml').replace('affwild2-', '');
      const own = runs.find(({label}) => label === name)!;
      expect(own.params).toMatchObject({
        preset: 'published',
        learningRate: {rcma: 1e-4, grjca: 1e-4, jmt: 5e-4, jca: 1e-3}[name],
        batchSize: {rcma: 12, grjca: 12, jmt: 2, jca: 96}[name],
      });
      expect(folds).toHaveLength(name === 'jca' ? 1 : 6);
      expect(folds[0]!.validation.map((clip) => clip.name)).toEqual(['v0']);
      expect(dataset.clips.map((clip) => clip.name)).not.toContain('test');
    },
  );

  it.each(['affwild2-rcma.yaml', 'affwild2-grjca.yaml'])(
    '%s tunes both networks once its comments are taken out',
    (file) => {
      const text = readFileSync(path.join(folderOfFiles, file), 'utf8');
      const uncommented = text.replace(/^ {2}# ((?:acoustic-)?backbone-training|fusion-training):/gm, '  $1:');
      writeFileSync(path.join(folder, file), uncommented);
      const {tasks, experiment} = makePlan(load(file));
      writeFileSync(path.join(folder, file), text);
      const tuned = tasks.filter(({stage}) => stage === 'backbone-training');
      expect(tuned).toHaveLength(experiment.folds.length);
      expect(tuned[0]!.params).toMatchObject({network: 'ir50', learningRate: 1e-4, releaseGroups: 3, batchSize: 12});
      expect(tasks.some(({stage}) => ['visual-embedding', 'acoustic-embedding'].includes(stage))).toBe(false);
    },
  );

  it('read no modality of a published system from the embedded default, save words', () => {
    for (const file of published) {
      const {params} = load(file);
      expect(params.get('visual-embedding')!['backbone']).not.toBe('face-api-expression');
      expect(params.get('acoustic-embedding')!['backbone']).not.toBe('mfcc');
    }
  });
});
