import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {beforeEach, describe, expect, it} from 'vitest';
import {loadExperiment} from '../../pipeline/experiment.js';
import {makePlan} from '../../pipeline/plan.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  for (const name of ['v', 'a', 't']) mkdirSync(path.join(folder, name));
  for (const clip of ['anna-1', 'anna-2', 'ben-1', 'cleo-1']) {
    writeFileSync(path.join(folder, 'v', `${clip}.mp4`), '');
    writeFileSync(path.join(folder, 'a', `${clip}.txt`), '');
  }
  writeFileSync(path.join(folder, 't', 'anna-1.vtt'), '');
});

const BASE = `
name: study
dataset: {videos: v, annotations: a, transcripts: t}
folds: {kind: subjects, count: 2}
systems: [visual, rcma]
`;

function load(text = BASE, overrides: string[] = []) {
  writeFileSync(path.join(folder, 'e.yaml'), text);
  return loadExperiment(path.join(folder, 'e.yaml'), overrides);
}

describe('an experiment', () => {
  it('hands every stage complete parameters and nothing of other stages', () => {
    const experiment = load();
    expect(experiment.params.get('demux')).toHaveProperty('sampleRateHz', 16000);
    expect(experiment.params.get('demux')).not.toHaveProperty('learningRate');
    expect(experiment.systems.map(({label}) => label)).toEqual(['visual', 'rcma']);
    expect(experiment.systems[1]!.params).toMatchObject({
      learningRate: 1e-4,
      batchSize: 12,
      windowFrames: 300,
      hopFrames: 200,
    });
  });

  it('gives shared architecture parameters to the systems that have them', () => {
    const experiment = load(`${BASE}stages: {fusion-training: {architecture: {recursions: 3, visualChannels: [8]}}}\n`);
    expect(experiment.systems[0]!.params['architecture']).not.toHaveProperty('recursions');
    expect(experiment.systems[0]!.params['architecture']).toHaveProperty('visualChannels', [8]);
    expect(experiment.systems[1]!.params['architecture']).toHaveProperty('recursions', 3);
  });

  it('lets a system have parameters and a label of its own', () => {
    const experiment = load(
      BASE.replace(
        '[visual, rcma]',
        '[rcma, {system: rcma, label: slow, learningRate: 1.0e-6, architecture: {recursions: 1}}]',
      ),
    );
    expect(experiment.systems[1]).toMatchObject({
      label: 'slow',
      params: {learningRate: 1e-6, architecture: {recursions: 1}},
    });
  });

  it('takes overrides by path, typed by the schema', () => {
    const experiment = load(BASE, ['fusion-training.learningRate=5e-4', 'folds.count=3', 'seeds=[4, 5]']);
    expect(experiment.systems[0]!.params['learningRate']).toBe(5e-4);
    expect(experiment.folds).toHaveLength(3);
    expect(experiment.seeds).toEqual([4, 5]);
  });

  it.each([
    ['an unknown key', `${BASE}seedz: [1]\n`, [], /unknown key 'seedz' \(did you mean 'seeds'\?\)/],
    ['an unknown stage', `${BASE}stages: {spectogram: {}}\n`, [], /no stage 'spectogram'/],
    [
      'an unknown parameter',
      `${BASE}stages: {demux: {sampleRate: 1}}\n`,
      [],
      /unknown key 'stages\.demux\.sampleRate' \(did you mean 'sampleRateHz'\?\)/,
    ],
    ['a wrong type', `${BASE}stages: {demux: {sampleRateHz: fast}}\n`, [], /stages\.demux\.sampleRateHz: .*number/],
    ['an unknown system', BASE.replace('rcma', 'rcna'), [], /unknown system 'rcna'. Did you mean 'rcma'/],
    [
      'an unknown parameter of a system',
      BASE.replace('rcma', '{system: rcma, architecture: {recursion: 1}}'),
      [],
      /no parameter 'recursion'. Did you mean 'recursions'/,
    ],
    [
      'a shared parameter that no system has',
      `${BASE}stages: {fusion-training: {architecture: {recursionz: 1}}}\n`,
      [],
      /no system .* has the parameter .*recursionz/,
    ],
    [
      'unknown keys like none, listing those there are once',
      `${BASE}stages: {text-embedding: {xxxxxx: 1, yyyyyy: 2}}\n`,
      [],
      /'stages\.text-embedding\.xxxxxx'; unknown key 'stages\.text-embedding\.yyyyyy' \(known: [^()]*\)$/,
    ],
    ['two systems of one label', BASE.replace('visual, rcma', 'rcma, rcma'), [], /two systems are labelled 'rcma'/],
    ['broken YAML', `${BASE}  wrong: [\n`, [], /e\.yaml: /],
    ['no systems', BASE.replace('[visual, rcma]', '[]'), [], /systems: /],
    ['an override without a value', BASE, ['seeds'], /expected path=value/],
    [
      'an override of nothing known',
      BASE,
      ['fusiontraining.learningRate=1'],
      /'fusiontraining' is neither a stage nor a key/,
    ],
    ['an override of a whole stage', BASE, ['demux=1'], /name a parameter of the stage/],
    ['a name that is no file name', BASE.replace('study', 'my study/1'), [], /name: letters, digits/],
  ])('refuses %s and says what to do', (_, text, overrides, message) => {
    expect(() => load(text, overrides)).toThrow(message);
  });

  it('wants face images and the parameter that reads them together', () => {
    const asked = `${BASE}stages: {face-alignment: {source: cropped-aligned}}\n`;
    expect(() => load(asked)).toThrow(/source is cropped-aligned, but dataset\.croppedAligned is absent/);
    mkdirSync(path.join(folder, 'c', 'anna-1'), {recursive: true});
    const given = (text: string) =>
      text.replace('videos: v', 'videos: v, croppedAligned: c').replace('[visual, rcma]', '[visual]');
    const without = '3 clips without folder of face images: anna-2, ben-1, cleo-1';
    expect(load(given(asked)).dataset.remarks).toEqual([without]);
    expect(load(given(BASE)).dataset.remarks).toEqual([
      without,
      'dataset.croppedAligned is not read; stages.face-alignment.source: cropped-aligned reads it',
    ]);
  });

  it('says that the videos are needed beside face images', () => {
    const text = BASE.replace('videos: v', 'croppedAligned: c');
    expect(() => load(text)).toThrow(/dataset\.videos: expected a folder; frames, their times and the sound come from/);
  });

  it('says which file is missing', () => {
    expect(() => loadExperiment(path.join(folder, 'none.yaml'))).toThrow(/no experiment file .*none\.yaml/);
  });
});

describe('features of the user’s own', () => {
  const withFeatures = (stages: string) => {
    mkdirSync(path.join(folder, 'f'));
    return () => load(`${BASE.replace('transcripts: t', 'features: {acoustic: f}')}stages: {${stages}}\n`);
  };

  it('that would not be read, because nothing says so, are a mistake', () => {
    expect(withFeatures('')).toThrow(
      expect.objectContaining({
        code: 'bad-experiment',
        message: expect.stringMatching(
          /dataset\.features\.acoustic would not be read, because acoustic-embedding has its default backbone, mfcc$/,
        ) as unknown,
        remedy: expect.stringContaining('acoustic-embedding: {backbone: own}') as unknown,
      }),
    );
  });

  it('may stand by while another backbone is tried, which is remarked on', () => {
    expect(withFeatures('acoustic-embedding: {backbone: mfcc}')().dataset.remarks).toContain(
      'dataset.features.acoustic is not read: acoustic-embedding has backbone: mfcc',
    );
  });
});

describe('a network named by id', () => {
  const paramsOf = (stage: string, group: string, text: string) => {
    const value = load(`${BASE}stages: {${stage}: {${text}}}\n`).params.get(stage)![group];
    return value as Record<string, unknown>;
  };

  it('brings what it wants its input to be, and the user’s own words stand', () => {
    expect(paramsOf('visual-embedding', 'onnx', 'backbone: onnx, onnx: {model: res50_ir_0.887}')).toMatchObject({
      resizeTo: 48,
      inputSize: 40,
      mean: [127.5],
      normalise: 'l2',
    });
    const clip = paramsOf(
      'visual-embedding',
      'onnx',
      'backbone: onnx, onnx: {model: r2plus1d_18, clip: {dilation: 6}}',
    );
    expect(clip).toMatchObject({resizeTo: 112, normalise: 'none', clip: {frames: 8, dilation: 6, layout: 'ncthw'}});
    const sound = 'backbone: onnx-patches, patches: {model: resnet18_audio}';
    expect(paramsOf('acoustic-embedding', 'patches', sound)).toEqual({model: 'resnet18_audio', geometry: 'resnet18'});
    expect(paramsOf('visual-embedding', 'onnx', 'backbone: onnx, onnx: {model: mine.onnx}')).not.toHaveProperty(
      'inputSize',
    );
  });

  it('must be one for the stage', () => {
    expect(() => paramsOf('visual-embedding', 'onnx', 'backbone: onnx, onnx: {model: vggish}')).toThrow(
      expect.objectContaining({
        code: 'wrong-task',
        message:
          "visual-embedding.onnx.model: model 'vggish' is for audio-embedding, and face-embedding or facial-expression or clip-embedding is wanted",
        remedy: expect.stringContaining('Name one of w600k_r50, sface, ferplus-8') as unknown,
      }),
    );
  });
});

describe('the plan of an experiment', () => {
  const stagesOf = (text: string) => [...new Set(makePlan(load(text)).tasks.map(({stage}) => stage))];

  it('reads features of the user’s own instead of making them', () => {
    mkdirSync(path.join(folder, 'f'));
    for (const clip of ['anna-1', 'anna-2', 'ben-1']) writeFileSync(path.join(folder, 'f', `${clip}.npy`), '');
    const text = BASE.replace('transcripts: t', 'features: {visual: f}').replace('[visual, rcma]', '[visual]');
    const {tasks} = makePlan(load(`${text}stages: {visual-embedding: {backbone: own}}\n`));
    expect(tasks.some(({stage}) => stage === 'face-alignment')).toBe(false);
    const inputs = tasks.filter(({stage}) => stage === 'visual-embedding').map((task) => task.inputs);
    expect(inputs.map((one) => Object.keys(one))).toEqual(Array(4).fill(['timeline', 'features']));
    expect(inputs.map(({features}) => features?.from).sort()).toEqual(['absent', 'file', 'file', 'file']);
  });

  it('reads sound for words only where they are recognised', () => {
    const {tasks} = makePlan(load());
    const words = tasks.find(({stage}) => stage === 'transcription');
    expect(Object.keys(words!.inputs)).toEqual(['transcript', 'timeline']);
  });

  it('holds only what some system reads', () => {
    expect(stagesOf(BASE.replace('visual, rcma', 'visual'))).toEqual([
      'demux',
      'face-alignment',
      'annotation',
      'visual-embedding',
      'fusion-training',
      'fold-evaluation',
    ]);
    expect(stagesOf(BASE.replace('visual, rcma', 'text'))).toEqual([
      'demux',
      'transcription',
      'annotation',
      'text-embedding',
      'fusion-training',
      'fold-evaluation',
    ]);
  });

  it('orders every task after what it reads, with one training per system, seed and fold', () => {
    const {tasks} = makePlan(load(`${BASE}seeds: [1, 2]\n`));
    const position = new Map(tasks.map((task, index) => [task.id, index]));
    for (const task of tasks) {
      for (const source of Object.values(task.inputs)) {
        const upstream =
          source.from === 'task'
            ? [source.task]
            : source.from === 'fold'
              ? [...source.train, ...source.validation]
              : [];
        for (const id of upstream) expect(position.get(id)).toBeLessThan(position.get(task.id)!);
      }
    }
    expect(tasks.filter(({stage}) => stage === 'fusion-training')).toHaveLength(2 * 2 * 2);
    expect(tasks.filter(({stage}) => stage === 'demux')).toHaveLength(4);
  });

  it('plans features only where clips are selected, and names a glob that matches nothing', () => {
    const {tasks} = makePlan(load(), {clips: 'anna-*'});
    expect(new Set(tasks.map(({subject}) => subject.clip))).toEqual(new Set(['anna-1', 'anna-2']));
    expect(tasks.some(({stage}) => stage === 'fusion-training')).toBe(false);
    expect(() => makePlan(load(), {clips: 'zoe-*'})).toThrow(/--clips zoe-\* matches none of 4 clips/);
  });

  it('keeps to the folds asked for', () => {
    expect(new Set(makePlan(load(), {folds: ['1']}).tasks.flatMap(({subject}) => subject.fold ?? []))).toEqual(
      new Set(['1']),
    );
    expect(() => makePlan(load(), {folds: ['9']})).toThrow(/no fold '9'/);
  });
});

describe('robustness in an experiment', () => {
  const ASKED = `${BASE}robustness: {signalToNoiseDecibels: [10], dropOutShares: [0.5]}\n`;
  const robustnessTasks = (text: string, overrides: string[] = []) =>
    makePlan(load(text, overrides)).tasks.filter(({stage}) => stage === 'robustness');

  it('is not planned unless it is asked for', () => {
    expect(robustnessTasks(BASE)).toEqual([]);
    expect(robustnessTasks(`${BASE}robustness: {}\n`)).toHaveLength(2 * 2);
  });

  it('corrupts each modality that a system uses, and reads the weights of its training', () => {
    const tasks = robustnessTasks(ASKED);
    const visual = tasks.find(({subject}) => subject.system === 'visual' && subject.fold === '0')!;
    expect(visual.params['corruptions']).toEqual([
      {kind: 'none'},
      {kind: 'noise', modality: 'visual', signalToNoiseDecibels: 10},
      {kind: 'drop-out', modality: 'visual', share: 0.5},
      {kind: 'absent', modality: 'visual'},
    ]);
    expect(visual.params).toMatchObject({stretchFrames: 30, training: {system: 'visual', learningRate: 1e-4}});
    expect(visual.inputs['weights']).toEqual({
      from: 'task',
      task: 'fusion-training visual fold 0 seed 0',
      output: 'weights',
    });
    expect(Object.keys(visual.inputs).sort()).toEqual(['labels', 'visual', 'weights']);
    expect(tasks.find(({subject}) => subject.system === 'rcma')!.params['corruptions']).toHaveLength(1 + 3 * 3);
  });

  it('leaves all other tasks as they are without it', () => {
    const others = makePlan(load(ASKED)).tasks.filter(({stage}) => stage !== 'robustness');
    expect(others).toEqual(makePlan(load(BASE)).tasks);
  });

  it('takes overrides, and is refused among the stages and with keys it does not have', () => {
    expect(robustnessTasks(ASKED, ['robustness.absent=false', 'robustness.stretchFrames=5'])[0]!.params).toMatchObject({
      stretchFrames: 5,
      corruptions: [{kind: 'none'}, {kind: 'noise'}, {kind: 'drop-out'}],
    });
    expect(() => load(`${BASE}stages: {robustness: {stretchFrames: 3}}\n`)).toThrow(
      /made from the section 'robustness'/,
    );
    expect(() => load(`${BASE}robustness: {snrs: [1]}\n`)).toThrow(/unknown key 'robustness\.snrs'/);
    expect(() => load(`${BASE}robustness: {dropOutShares: [1.5]}\n`)).toThrow(/robustness\.dropOutShares/);
  });
});
