import {describe, expect, it} from 'vitest';
import {featureArrays, labelArrays} from '../../../stages/fusion-training/batches.js';
import {openFeatures} from '../../../stages/fusion-training/features.js';
import {openFold} from '../../../stages/fusion-training/fold-data.js';
import {normalisationOf} from '../../../stages/fusion-training/normalisation.js';
import {publishedTraining} from '../../../stages/fusion-training/training-params.js';
import {inputsOf} from './run-fold.js';
import {smallClip, smallDims, smallFold} from './small-fold.js';

const readers = [3, 50, 0, 20].map((frameCount, seed) => smallClip({frameCount, seed}).visual);
const all = Promise.all(readers.map((reader) => reader.column('vector')));

describe('openFeatures', () => {
  it('gives the same rows whether clips are kept in memory or read at random', async () => {
    const [kept, random] = [openFeatures('visual', readers), openFeatures('visual', readers, 0)];
    for (const [clip, start, end] of [
      [1, 10, 42],
      [3, 0, 20],
      [1, 49, 50],
      [0, 1, 1],
    ] as const) {
      const rows = (await all)[clip]!.slice(5 * start, 5 * end);
      expect(await kept.read(clip, start, end)).toEqual(rows);
      expect(await random.read(clip, start, end)).toEqual(rows);
    }
    expect(kept.frameCounts).toEqual([3, 50, 0, 20]);
  });

  it('refuses vectors of different lengths', () => {
    const other = smallClip({frameCount: 4, seed: 1}).acoustic as unknown as (typeof readers)[number];
    expect(() => openFeatures('visual', [readers[0]!, other])).toThrow('visual vectors have 5 and 4 values');
  });
});

describe('normalisationOf', () => {
  const features = openFeatures('visual', readers);

  it('gives each feature mean 0 and deviation 1 over all training frames', async () => {
    const {mean, scale} = await normalisationOf(features, 'standard');
    const values = (await all).flatMap((clip) => [...clip]);
    for (let column = 0; column < 5; column++) {
      const normalised = values.filter((_, i) => i % 5 === column).map((v) => (v - mean[column]!) * scale[column]!);
      expect(normalised.reduce((sum, v) => sum + v, 0) / 73).toBeCloseTo(0, 5);
      expect(normalised.reduce((sum, v) => sum + v * v, 0) / 73).toBeCloseTo(1, 5);
    }
  });

  it('takes one mean and deviation for all features where asked, and none where asked', async () => {
    const {mean, scale} = await normalisationOf(features, 'scalar');
    expect(new Set(mean).size + new Set(scale).size).toBe(2);
    const values = (await all).flatMap((clip) => [...clip]);
    expect(mean[0]).toBeCloseTo(values.reduce((sum, v) => sum + v, 0) / values.length, 5);
    expect(await normalisationOf(features, 'none')).toEqual({
      mean: new Float32Array(5),
      scale: new Float32Array(5).fill(1),
    });
  });

  it('leaves vectors of face and sound networks as they are where the released code does, but not those of text', async () => {
    const fold = smallFold([{frameCount: 20, seed: 1}], [{frameCount: 5, seed: 2}]);
    const training = {...publishedTraining, windowFrames: 8, normalisation: 'released' as const};
    const inputs = inputsOf(fold, ['visual', 'acoustic', 'linguistic']);
    const {normalisation} = await openFold(inputs, training, () => undefined);
    for (const modality of ['visual', 'acoustic'] as const)
      expect(normalisation.get(modality)).toEqual({
        mean: new Float32Array(smallDims[modality]),
        scale: new Float32Array(smallDims[modality]).fill(1),
      });
    const {mean, scale} = normalisation.get('linguistic')!;
    expect([new Set(mean).size, new Set(scale).size]).toEqual([1, 1]);
    expect(scale[0]).not.toBe(1);
  });

  it('only centres a feature that never changes', async () => {
    const constant = {width: 1, frameCounts: [4], read: () => Promise.resolve(new Float32Array(4).fill(7))};
    expect(await normalisationOf(constant, 'standard')).toEqual({mean: Float32Array.of(7), scale: Float32Array.of(1)});
  });
});

describe('batches', () => {
  const training = {...publishedTraining, windowFrames: 8, hopFrames: 5, normalisation: 'none' as const};
  const open = (params: Partial<typeof training>) =>
    openFold(
      inputsOf(smallFold([{frameCount: 20, seed: 1, invalid: (k) => k === 3}], [{frameCount: 5, seed: 2}]), ['visual']),
      {...training, ...params},
      () => undefined,
    );

  it('hold the frames of their windows and zeros where a window is padded', async () => {
    const data = await open({});
    expect(data.train.windows.map(({first}) => first)).toEqual([0, 5, 10, 12]);
    const shape = {batchSize: 2, length: 8, clipFrames: 1};
    const arrays = await featureArrays(data, data.validation, data.validation.windows, shape);
    const values = arrays['inputs/visual']!.values as Float32Array;
    expect([...arrays['real']!.values]).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(values.subarray(0, 25)).toEqual(await data.validation.features.get('visual')!.read(0, 0, 5));
    expect(values.subarray(25).every((v) => v === 0)).toBe(true);
  });

  it('mark labels that are not valid, in the targets asked for', async () => {
    const data = await open({});
    const {labels, valid} = labelArrays(data.train, data.train.windows.slice(0, 1), {batchSize: 1, length: 8}, [
      'arousal',
      'valence',
    ]);
    expect([...valid!.values]).toEqual([1, 1, 1, 0, 1, 1, 1, 1]);
    const clip = data.train.labels[0]!;
    expect([...labels!.values.slice(0, 4)]).toEqual([
      clip.arousal[0],
      clip.valence[0],
      clip.arousal[1],
      clip.valence[1],
    ]);
  });

  it('average the frames that end at a step of a clip-level window, fewer at the start of the clip', async () => {
    const data = await open({windowFrames: 8, clipFrames: 4});
    const window = data.train.windows.find(({first}) => first === 2)!;
    const arrays = await featureArrays(data, data.train, [window], {batchSize: 1, length: 2, clipFrames: 4});
    const values = arrays['inputs/visual']!.values as Float32Array;
    const rows = await data.train.features.get('visual')!.read(0, 0, 20);
    const mean = (start: number, end: number) => {
      const frames = Array.from({length: end - start}, (_, k) => rows[5 * (start + k)]!);
      return frames.reduce((sum, v) => sum + v, 0) / frames.length;
    };
    expect(values).toHaveLength(2 * smallDims.visual);
    expect(values[0]).toBeCloseTo(mean(0, 3), 6);
    expect(values[5]).toBeCloseTo(mean(3, 7), 6);
  });

  it('take the last frame of a step alone, where its vector stands for the whole clip', async () => {
    const data = await open({windowFrames: 8, clipFrames: 4, clipPooling: 'last'});
    const window = data.train.windows.find(({first}) => first === 2)!;
    const shape = {batchSize: 1, length: 2, clipFrames: 4, clipPooling: 'last' as const};
    const values = (await featureArrays(data, data.train, [window], shape))['inputs/visual']!.values as Float32Array;
    const rows = await data.train.features.get('visual')!.read(0, 0, 20);
    expect([values[0], values[5]]).toEqual([rows[5 * 2], rows[5 * 6]]);
  });
});
