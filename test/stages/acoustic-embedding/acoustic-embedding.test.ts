import path from 'node:path';
import {expect, test} from 'vitest';
import {acousticEmbedding} from '../../../stages/acoustic-embedding.js';
import {meanAndSpread, poolAtFrames, type PoolOptions} from '../../../stages/acoustic-embedding/pool.js';
import {demux} from '../../../stages/demux.js';
import {spectrogram} from '../../../stages/spectrogram.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {h264, makeClip, picture, tone} from '../demux/clips.js';

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** Means of descriptors [k] at k / 10 s, k = 0 … count - 1, pooled at frames. */
async function pooled(count: number, times: readonly number[], options: Omit<PoolOptions, 'descriptorLength'>) {
  const descriptors = Array.from({length: count}, (_, k) => ({timeSeconds: k / 10, values: Float32Array.of(k)}));
  const frames = times.map((timeSeconds, frameIndex) => ({frameIndex, timeSeconds}));
  const means: number[] = [];
  for await (const {vector} of poolAtFrames(stream(descriptors), stream(frames), {...options, descriptorLength: 1})) {
    means.push(vector[0]!);
  }
  return means;
}

const frame = (timeSeconds: number, frameIndex: number) => ({frameIndex, timeSeconds});
const bandsRow = (k: number, level: number) => ({
  timeSeconds: 0.0125 + k / 100,
  bands: new Float32Array(64).fill(level),
});

test('the window follows presentation times, not frame numbers', async () => {
  const window = {windowSeconds: 0.3, frameAt: 'centre'} as const;
  expect(await pooled(20, [0, 0.5, 0.52, 1.5], window)).toEqual([0.5, 5, 5, 15]);
  expect(await pooled(20, [0.5], {windowSeconds: 0.3, frameAt: 'start'})).toEqual([6]);
  // The window is half open: it ends before the frame.
  expect(await pooled(20, [0.5], {windowSeconds: 0.3, frameAt: 'end'})).toEqual([3]);
});

test('frames after the sound repeat the last vector; a frame before it gets the first', async () => {
  const window = {windowSeconds: 0.3, frameAt: 'end'} as const;
  expect(await pooled(5, [0, 0.2, 0.7, 0.8, 100], window)).toEqual([0, 0.5, 4, 4, 4]);
});

test('mean and spread are those of the population', () => {
  const window = [1, 2, 3, 6].map((value) => ({timeSeconds: 0, values: Float32Array.of(value, 5)}));
  expect([...meanAndSpread(window)]).toEqual([3, 5, Math.fround(Math.sqrt(3.5)), 0]);
});

test('every frame has a vector of 6 × coefficients + 6 values', async () => {
  const logMel = Array.from({length: 100}, (_, k) => bandsRow(k, k < 50 ? -4 : 0));
  const timeline = [0.1, 0.5, 0.9].map(frame);
  const {outputs} = await runStage(acousticEmbedding, {
    inputs: {logMel, timeline},
    params: {coefficientCount: 13, windowSeconds: 0.2},
  });
  expect(outputs.acoustic.all.map(({frameIndex, vector}) => [frameIndex, vector.length])).toEqual([
    [0, 84],
    [1, 84],
    [2, 84],
  ]);
  // Value 39 is the mean loudness, value 42 + 39 its spread: quiet, the step, loud.
  const loudness = outputs.acoustic.all.map(({vector}) => [vector[39], vector[81]]);
  expect(loudness[0]).toEqual([-4, 0]);
  expect(loudness[1]![0]).toBeGreaterThan(-3);
  expect(loudness[1]![1]).toBeGreaterThan(1.9);
  expect(loudness[2]).toEqual([0, 0]);
});

test('a clip without sound gets zeros', async () => {
  const timeline = [0, 0.04].map(frame);
  const {outputs} = await runStage(acousticEmbedding, {inputs: {logMel: [], timeline}, params: {coefficientCount: 2}});
  expect(outputs.acoustic.all).toEqual([0, 1].map((frameIndex) => ({frameIndex, vector: new Float32Array(18)})));
});

const folder = temporaryFolder();

test('from a file with a variable frame rate to one vector per frame: the tone is where the frames are', async () => {
  const varying = "setpts='if(lt(N,25),N/25,1+(N-25)*0.2)/TB'";
  const late = ['-itsoffset', '1.5', ...tone(1.5, 16_000)];
  const encoded = ['-vf', varying, ...h264, '-vsync', 'passthrough', '-c:a', 'pcm_s16le'];
  const clip = await makeClip(path.join(folder, 'vfr.mkv'), ...picture(1.4), ...late, ...encoded);
  const {timeline, audio} = (await runStage(demux, {inputs: {video: clip}})).outputs;
  const {logMel} = (await runStage(spectrogram, {inputs: {audio}})).outputs;
  const {outputs} = await runStage(acousticEmbedding, {inputs: {logMel, timeline}, params: {windowSeconds: 0.1}});
  const times = [...(await timeline.column('timeSeconds'))];
  const loudness = outputs.acoustic.all.map(({vector}) => vector[60]!);
  expect(times).toHaveLength(35);
  expect(times.filter((_, k) => loudness[k]! > -4.5).map((time) => time.toFixed(1))).toEqual(
    times.filter((time) => time > 1.5).map((time) => time.toFixed(1)),
  );
});
