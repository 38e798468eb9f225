import {describe, expect, it} from 'vitest';
import {fusionTraining} from '../../../stages/fusion-training.js';
import {systems} from '../../../stages/fusion-training/systems/index.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {evaluate, fold, clips, train} from './run-fold.js';
import {killedAfter} from '../../helpers/killed.js';
import {smallClip, smallFold} from './small-fold.js';

const training = {
  folder: import.meta.dirname,
  source: `
    import {train} from './run-fold.js';
    await train({params: {epochs: 6}, scratch: process.argv[2], onProgress: () => process.stdout.write('epoch\\n')});`,
};

describe('fusion-training', () => {
  it('learns on training clips, predicts every frame of the validation clips, and is scored as its curve says', async () => {
    const run = await train({params: {epochs: 12}});
    const {predictions, curve} = run.outputs;
    expect(await predictions.column('clipIndex')).toEqual(Int32Array.from({length: 95}, (_, k) => (k < 45 ? 0 : 1)));
    expect(await predictions.column('frameIndex')).toEqual(
      Int32Array.from({length: 95}, (_, k) => (k < 45 ? k : k - 45)),
    );

    const best = curve.all.filter((row) => row.best).at(-1)!;
    const scores = (await evaluate(run)).all;
    for (const [target, column] of [
      ['valence', 'validationValence'],
      ['arousal', 'validationArousal'],
    ] as const) {
      const score = scores.find((row) => row.target === target && row.variant === 'population')!;
      expect(score.ccc).toBeCloseTo(best[column], 6);
      expect(best[column]).toBeGreaterThan(0.6);
    }
    expect(run.notes['device']).toBe('cpu');
    expect(run.warnings).toEqual([]);
  });

  it('trains a model for each emotion where targets are separate', async () => {
    const {outputs, progress} = await train({params: {targets: 'separate', epochs: 2}});
    expect([...new Set(outputs.weights.all.map(({model}) => model))]).toEqual(['valence', 'arousal']);
    expect(outputs.curve.all.map(({model, validationArousal}) => [model, Number.isNaN(validationArousal)])).toEqual([
      ['valence', true],
      ['valence', true],
      ['arousal', false],
      ['arousal', false],
    ]);
    expect(progress).toEqual([1, 2, 3, 4].map((done) => [done, 4]));
  });

  it('gives equal bytes for equal seeds, and others for another seed', async () => {
    const [first, second, other] = [await train(), await train(), await train({seed: 2})];
    expect(second.digests).toEqual(first.digests);
    for (const [name, digest] of Object.entries(other.digests)) expect(digest).not.toBe(first.digests[name]);
  });

  it('continues after it was stopped, and ends with the bytes of a run that was not', async () => {
    const scratch = temporaryFolder();
    const params = {targets: 'separate', epochs: 3, reloadBest: true};
    await expect(train({params, scratch, abortAfter: 4})).rejects.toThrow('aborted');
    const resumed = await train({params, scratch});
    expect(resumed.progress).toEqual([5, 6].map((done) => [done, 6]));
    expect(resumed.digests).toEqual((await train({params})).digests);
  });

  it('continues after kill -9 in the middle of an epoch, and ends with the same bytes', async () => {
    const scratch = temporaryFolder();
    const epochs = await killedAfter(training, scratch, 3);
    expect(epochs).toBeGreaterThanOrEqual(3);
    const resumed = await train({params: {epochs: 6}, scratch});
    // The checkpoint of the last epoch may still have been on its way.
    expect(resumed.progress[0]![0]).toBeGreaterThanOrEqual(epochs);
    expect(resumed.digests).toEqual((await train({params: {epochs: 6}})).digests);
  });

  it('leaves out clips without a valid label, and says so', async () => {
    const unlabelled = {frameCount: 40, seed: 9, invalid: () => true};
    const run = await train({inputs: smallFold([...clips(3, 1), unlabelled], clips(1, 101)), params: {epochs: 1}});
    expect(run.warnings).toEqual(['1 of 4 training clips have no valid label and were left out.']);
    await expect(train({inputs: smallFold([unlabelled], clips(1, 101))})).rejects.toMatchObject({
      code: 'no-valid-labels',
    });
    await expect(train({inputs: smallFold(clips(1, 1), [unlabelled])})).rejects.toMatchObject({
      code: 'no-valid-labels',
    });
  });

  it('copes with clips shorter than a window and with clips without a frame', async () => {
    const inputs = smallFold(
      [...clips(3, 1), {frameCount: 7, seed: 5}, {frameCount: 0, seed: 6}],
      [{frameCount: 5, seed: 7}, ...clips(1, 101)],
    );
    const predictions = (await train({inputs, params: {epochs: 2}})).outputs.predictions.all;
    expect(predictions).toHaveLength(5 + 45);
    for (const {valence} of predictions) expect(Math.abs(valence)).toBeLessThanOrEqual(1);
  });

  it('refuses features that do not fit the labels', async () => {
    const inputs = fold();
    const short = clips(4, 1).map((clip) => smallClip({...clip, frameCount: 44}).visual);
    await expect(train({inputs: {...inputs, visual: {...inputs.visual, train: short}}})).rejects.toThrow(
      'visual features of train clip 0 have 44 frames, its labels 45.',
    );
  });

  it('stops with a remedy when the loss is no number any more', async () => {
    await expect(train({params: {optimiser: 'sgd', learningRate: 1e38}})).rejects.toMatchObject({
      code: 'not-finite',
      remedy: expect.stringContaining('learningRate') as string,
    });
  });
});

describe('every system', () => {
  const frame = {visualChannels: [8], acousticChannels: [8], linguisticChannels: [8], kernel: 3};
  const own = {units: 8, fcUnits: 8, attentionUnits: 4};
  const clipLevel = {windowFrames: 32, clipFrames: 8, shiftFrames: 4, optimiser: 'adam', learningRate: 1e-2};

  for (const [name, system] of Object.entries(systems)) {
    it(`${name} trains on the engine, in both presets, and predicts every frame`, async () => {
      const known = Object.entries({...frame, ...own}).filter(([key]) => key in system.architecture.shape);
      const geometry = system.presets.published.training?.clipFrames === undefined ? {} : clipLevel;
      for (const preset of ['published', 'released']) {
        const params = {
          system: name,
          preset,
          architecture: Object.fromEntries(known),
          targets: 'joint',
          epochs: 2,
          ...geometry,
        };
        const {predictions, curve} = (await train({params})).outputs;
        expect(predictions.rowCount).toBe(95);
        expect(predictions.all.every(({valence}) => Number.isFinite(valence))).toBe(true);
        expect(curve.rowCount).toBe(2);
      }
    });
  }

  it('has a paper, a title and defaults that can be parsed', () => {
    for (const system of Object.values(systems)) {
      expect(system.paper.length).toBeGreaterThan(0);
      expect(system.title.length).toBeGreaterThan(0);
      for (const preset of ['published', 'released']) fusionTraining.params.parse({system: system.name, preset});
    }
  });
});

describe('the parameters of fusion-training', () => {
  const parse = (params: Record<string, unknown>) => fusionTraining.params.parse(params);
  const issueOf = (params: Record<string, unknown>) =>
    fusionTraining.params.safeParse(params).error!.issues[0]!.message;

  it('are the published settings of RCMA by default', () => {
    expect(parse({})).toMatchObject({
      system: 'rcma',
      architecture: {joint: 'others', recursions: 2, form: 'paper', attendedDropout: 0.5},
      targets: 'separate',
      windowFrames: 300,
      hopFrames: 200,
      learningRate: 1e-4,
      batchSize: 12,
      weightDecay: 5e-4,
      epochs: 100,
    });
  });

  it('take the defaults of a preset, but explicit values win, and parsing twice changes nothing', () => {
    const released = parse({preset: 'released', weightDecay: 0.5, architecture: {recursions: 3}});
    expect(released).toMatchObject({
      learningRate: 1e-5,
      weightDecay: 0.5,
      warmUp: 'released',
      architecture: {form: 'released', recursions: 3, headUnits: 0},
    });
    expect(parse(released)).toEqual(released);
  });

  it('name the nearest system or parameter for one that does not exist', () => {
    expect(issueOf({system: 'rcna'})).toContain("unknown system 'rcna'. Did you mean 'rcma'?");
    expect(issueOf({architecture: {recursion: 2}})).toContain(
      "system 'rcma' has no parameter 'recursion'. Did you mean 'recursions'?",
    );
    expect(issueOf({architecture: {recursions: 9}})).toContain('4');
  });

  it('decide which inputs a task reads', () => {
    const reads = (system: string) => fusionTraining.reads!(parse({system}));
    expect(reads('audio')).toEqual(['acoustic', 'labels']);
    expect(reads('rcma')).toEqual(['visual', 'acoustic', 'linguistic', 'labels']);
  });
});
