import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {describe, expect, test} from 'vitest';
import {acousticEmbedding} from '../../../stages/acoustic-embedding.js';
import {unitVariance} from '../../../stages/acoustic-embedding/network-vectors.js';
import {SampleSection} from '../../../stages/acoustic-embedding/sample-section.js';
import {nodeProto} from '../../../stages/learning/onnx/tensor.js';
import {spectrogram} from '../../../stages/spectrogram.js';
import {MemoryShard} from '../../helpers/memory-shard.js';
import {runStage} from '../../helpers/run-stage.js';
import {audio} from '../../../stages/schemas.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {flatten, writeNetwork, type SmallNetwork} from './small-networks.js';

const folder = temporaryFolder();

let fileCount = 0;
const written = (network: SmallNetwork) => writeNetwork(path.join(folder, `${fileCount++}.onnx`), network);
const frames = (times: readonly number[]) => times.map((timeSeconds, frameIndex) => ({frameIndex, timeSeconds}));

/** Rows of one second, as demux writes them. */
function audioRows(samples: Float32Array, sampleRateHz: number) {
  return Array.from({length: Math.ceil(samples.length / sampleRateHz)}, (_, second) => {
    const part = samples.subarray(second * sampleRateHz, (second + 1) * sampleRateHz);
    const whole = new Float32Array(sampleRateHz);
    whole.set(part);
    return {startSeconds: second, sampleRateHz, sampleCount: part.length, samples: whole};
  });
}

const ramp = (count: number) => Float32Array.from({length: count}, (_, k) => k + 1);

describe('patches of VGGish', () => {
  const input = ['N', 1, 96, 64];

  test('are those of torchvggish’s formula, at real time stamps', async () => {
    const fixture = path.resolve(import.meta.dirname, '../../fixtures/reference/vggish-patches.json');
    const reference = JSON.parse(await readFile(fixture, 'utf8')) as {
      times: number[];
      picks: [number, number][];
      values: number[][];
      sums: number[];
    };
    const sound = Float32Array.from({length: 24_000}, (_, n) => {
      const t = n / 16_000;
      return n === 23_999 ? 0 : 0.4 * Math.sin(2 * Math.PI * (300 * t + 900 * t * t));
    });
    const {outputs: spectra} = await runStage(spectrogram, {inputs: {audio: audioRows(sound, 16_000)}});
    const {outputs} = await runStage(acousticEmbedding, {
      inputs: {logMel: spectra.logMel, timeline: frames(reference.times)},
      params: {backbone: 'onnx-patches', patches: {model: await written(flatten(input))}},
    });
    const patches = outputs.acoustic.all.map(({vector}) => vector);
    for (const [index, patch] of patches.entries()) {
      const late = reference.times[index]! + 0.96 > 1.475;
      const tolerance = late ? 0.06 : 2e-4;
      // Rows that straddle the end of the sound are silence here; the padded ones hold up to 15 ms of it.
      for (const [pick, [row, band]] of reference.picks.entries()) {
        const time = reference.times[index]! + row / 100;
        if (time > 1.47 && time < 1.51) continue;
        expect(Math.abs(patch[row * 64 + band]! - reference.values[index]![pick]!)).toBeLessThan(tolerance);
      }
      if (!late) expect(patch.reduce((sum, value) => sum + value, 0)).toBeCloseTo(reference.sums[index]!, 0);
    }
    expect(patches.map((patch) => patch.length)).toEqual(Array(6).fill(96 * 64));
  });

  test('do not depend on the batch: any number, one, or five at a time', async () => {
    const logMel = Array.from({length: 300}, (_, k) => ({
      timeSeconds: 0.0125 + k / 100,
      bands: new Float32Array(64).fill(k),
    }));
    const timeline = frames(Array.from({length: 13}, (_, index) => index / 7));
    const firsts = [];
    for (const batch of ['N', 1, 5]) {
      const {outputs} = await runStage(acousticEmbedding, {
        inputs: {logMel, timeline},
        params: {backbone: 'onnx-patches', patches: {model: await written(flatten([batch, 1, 96, 64]))}},
      });
      firsts.push(outputs.acoustic.all.map(({vector}) => vector[0]));
    }
    expect(firsts[0]).toEqual(timeline.map(({timeSeconds}) => Math.round(timeSeconds * 100)));
    expect(firsts[1]).toEqual(firsts[0]);
    expect(firsts[2]).toEqual(firsts[0]);
  });

  test('may be read at a tensor inside the network', async () => {
    const logMel = [0, 1].map((k) => ({timeSeconds: 0.0125 + k / 100, bands: new Float32Array(64).fill(2)}));
    const network: SmallNetwork = {
      input,
      nodes: [
        nodeProto('Flatten', ['input'], ['same'], {attributes: {axis: 1}}),
        nodeProto('Neg', ['same'], ['inner']),
        nodeProto('Neg', ['inner'], ['last']),
      ],
      outputs: {last: ['N', 'width']},
    };
    const model = await written(network);
    const {outputs} = await runStage(acousticEmbedding, {
      inputs: {logMel, timeline: frames([0])},
      params: {backbone: 'onnx-patches', patches: {model, output: 'inner'}},
    });
    expect(outputs.acoustic.all[0]!.vector[0]).toBe(-2);
  });

  test('of a clip without sound become zeros, as wide as the network’s vectors', async () => {
    const {outputs, warnings} = await runStage(acousticEmbedding, {
      inputs: {timeline: frames([0, 1])},
      params: {backbone: 'onnx-patches', patches: {model: await written(flatten(input))}},
    });
    expect(outputs.acoustic.all.map(({vector}) => [vector.length, vector.every((value) => value === 0)])).toEqual([
      [6144, true],
      [6144, true],
    ]);
    expect(warnings).toEqual(['The clip has no sound: every acoustic vector is zero.']);
  });

  test.each([
    {kind: 'tsav' as const, first: 0, bands: 64, code: 'wrong-shape', seen: "is of the kind 'tsav'"},
    {kind: 'vggish' as const, first: 0.0125, bands: 40, code: 'wrong-shape', seen: 'has 40 bands'},
  ])('refuse a spectrogram of another kind: $seen', async ({first, bands, code, seen}) => {
    const logMel = [0, 1].map((k) => ({timeSeconds: first + k / 100, bands: new Float32Array(bands)}));
    const model = await written(flatten(input));
    const run = runStage(acousticEmbedding, {
      inputs: {logMel, timeline: frames([0])},
      params: {backbone: 'onnx-patches', patches: {model}},
    });
    await expect(run).rejects.toMatchObject({code, message: expect.stringContaining(seen)});
  });

  test('refuse a network of another shape, by what it wants', async () => {
    const logMel = [{timeSeconds: 0.0125, bands: new Float32Array(64)}];
    const model = await written(flatten(['N', 1, 64, 107]));
    const run = runStage(acousticEmbedding, {
      inputs: {logMel, timeline: frames([0])},
      params: {backbone: 'onnx-patches', patches: {model}},
    });
    await expect(run).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining("input 'input' is float32 [N, 1, 64, 107], expected float32 [N, 1, 96, 64]"),
    });
  });
});

describe('patches of ResNet-18', () => {
  test('hold 32 frames of which the frame is the last, bands first; silence lies 80 dB below the loudest', async () => {
    const logMel = Array.from({length: 400}, (_, k) => ({
      timeSeconds: k / 100,
      bands: Float32Array.from({length: 64}, (_, band) => (k === 399 && band === 0 ? 1000 : k + band / 64)),
    }));
    const model = await written(flatten(['N', 1, 64, 107]));
    const {outputs} = await runStage(acousticEmbedding, {
      inputs: {logMel, timeline: frames([0, 2])},
      params: {backbone: 'onnx-patches', patches: {model, geometry: 'resnet18'}},
    });
    const [early, middle] = outputs.acoustic.all.map(({vector}) => vector);
    // The last of 32 frames begins 31/30 s after the first; at 2 s the patch begins at 0.9667 s: row 97.
    expect([middle![0], middle![106], middle![107], middle![63 * 107]]).toEqual([97, 203, 97 + 1 / 64, 97 + 63 / 64]);
    const floor = Math.fround(1000 - 80 / 19.895);
    expect([early![0], early![102], early![103], early![106]]).toEqual([floor, floor, 0, 3]);
  });
});

describe('samples around every frame', () => {
  const of = async (
    params: object,
    samples: Float32Array,
    rate: number,
    times: readonly number[],
    network: SmallNetwork,
  ) => {
    const model = await written(network);
    const {outputs} = await runStage(acousticEmbedding, {
      inputs: {audio: audioRows(samples, rate), timeline: frames(times)},
      params: {
        backbone: 'onnx-waveform',
        waveform: {model, sampleRateHz: 100, windowSeconds: 0.05, normalise: 'none', ...params},
      },
    });
    return outputs.acoustic.all.map(({vector}) => [...vector]);
  };

  test('are cut by time, with zeros beyond the ends', async () => {
    const times = [0, 0.5, 1.0, 2.48];
    expect(await of({frameAt: 'start'}, ramp(250), 100, times, flatten(['N', 5]))).toEqual([
      [1, 2, 3, 4, 5],
      [51, 52, 53, 54, 55],
      [101, 102, 103, 104, 105],
      [249, 250, 0, 0, 0],
    ]);
    expect(
      (await of({frameAt: 'end', layout: 'nct'}, ramp(250), 100, [0, 0.02], flatten(['N', 1, 5]))).map((row) => row),
    ).toEqual([
      [0, 0, 0, 0, 0],
      [0, 0, 0, 1, 2],
    ]);
  });

  test('every second frame only, where that is wanted', async () => {
    const rows = await of({frameAt: 'start', everyFrames: 2}, ramp(250), 100, [0, 0.1, 0.2, 0.3, 0.4], flatten([1, 5]));
    expect(rows.map(([first]) => first)).toEqual([1, 1, 21, 21, 41]);
  });

  test('outputs per step are averaged over the steps', async () => {
    const network: SmallNetwork = {
      input: ['N', 6],
      nodes: [
        nodeProto('Constant', [], ['shape'], {attributes: {value_ints: [-1, 3, 2]}}),
        nodeProto('Reshape', ['input', 'shape'], ['steps']),
      ],
      outputs: {steps: ['N', 3, 2]},
    };
    expect(await of({frameAt: 'start', windowSeconds: 0.06}, ramp(100), 100, [0], network)).toEqual([[3, 4]]);
  });

  test('at the rate the network reads: a tone keeps its form when resampled', async () => {
    const tone = (rate: number, count: number) =>
      Float32Array.from({length: count}, (_, n) => Math.sin((2 * Math.PI * 440 * n) / rate));
    for (const rate of [8000, 44_100, 48_000]) {
      const section = new SampleSection(new MemoryShard(audio, audioRows(tone(rate, 2 * rate), rate)).rows());
      const seen = await section.window(0.5, 8000, 16_000);
      const expected = tone(16_000, 16_000).subarray(8000);
      expect(Math.max(...seen.map((value, n) => Math.abs(value - expected[n]!)))).toBeLessThan(2e-3);
    }
  });

  test('what lies above half the new rate does not fold back', async () => {
    const high = Float32Array.from({length: 96_000}, (_, n) => Math.sin((2 * Math.PI * 11_000 * n) / 48_000));
    const section = new SampleSection(new MemoryShard(audio, audioRows(high, 48_000)).rows());
    const seen = await section.window(0.5, 8000, 16_000);
    expect(Math.max(...seen.map(Math.abs))).toBeLessThan(2e-3);
  });

  test('mean 0 and variance 1, and silence stays', () => {
    expect([...unitVariance(Float32Array.of(1, 3))].map((value) => Math.round(value * 1e4))).toEqual([-1e4, 1e4]);
    expect([...unitVariance(new Float32Array(3))]).toEqual([0, 0, 0]);
  });
});

test('the network’s file is declared, and only what is needed is read', () => {
  const {models, reads, params} = acousticEmbedding;
  const patches = params.parse({backbone: 'onnx-patches', patches: {model: 'vggish.onnx'}});
  expect(models!(patches)).toEqual([{id: 'network', path: path.resolve('vggish.onnx')}]);
  expect([params.parse({}), patches].map((one) => [reads!(one), models!(one).length])).toEqual([
    [['logMel', 'timeline'], 0],
    [['logMel', 'timeline'], 1],
  ]);
  expect(params.safeParse({backbone: 'onnx-waveform'}).error?.issues.map(({message}) => message)).toEqual([
    'backbone: onnx-waveform needs waveform.model',
  ]);
});
