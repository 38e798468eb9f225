/** Videos as people have them, through every stage that makes features: each gives one finite vector per frame and modality. */
import path from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import {acousticEmbedding} from '../../stages/acoustic-embedding.js';
import {demux} from '../../stages/demux.js';
import {faceAlignment} from '../../stages/face-alignment.js';
import {nodeProto} from '../../stages/learning/onnx/tensor.js';
import {spectrogram} from '../../stages/spectrogram.js';
import {textEmbedding} from '../../stages/text-embedding.js';
import {transcription} from '../../stages/transcription.js';
import {visualEmbedding} from '../../stages/visual-embedding.js';
import {runStage} from '../helpers/run-stage.js';
import {flatten, writeNetwork} from './acoustic-embedding/small-networks.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';
import {h264, makeClip, picture, tone} from './demux/clips.js';
import {writeTinyBert} from './text-embedding/tiny-bert.js';
import {writeTinyWhisper} from './transcription/tiny-whisper.js';

const folder = temporaryFolder();
const file = (name: string) => path.join(folder, name);

let networks: {clip: string; patches: string; waveform: string; whisper: string; bert: string};
beforeAll(async () => {
  const mean = {
    input: ['N', 3, 8, 16, 16],
    nodes: [
      nodeProto('ReduceMean', ['input'], ['means'], {attributes: {axes: [2, 3, 4], keepdims: 0}}),
      nodeProto('Identity', ['means'], ['same']),
    ],
    outputs: {same: ['N', 3]},
  };
  networks = {
    clip: await writeNetwork(file('clip.onnx'), mean),
    patches: await writeNetwork(file('patches.onnx'), flatten([1, 1, 96, 64])),
    waveform: await writeNetwork(file('waveform.onnx'), flatten(['N', 1600])),
    whisper: await writeTinyWhisper(file('whisper'), {says: [{word: '好', at: 0.1}], endSeconds: 0.3}),
    bert: await writeTinyBert(file('bert'), {outputs: {last_four_sum: [1, 2, 3, 4]}}),
  };
});

/** All features of a video, by networks of every kind; what was warned of, by stage. */
async function featuresOf(video: string) {
  const {outputs: source, warnings: demuxed} = await runStage(demux, {inputs: {video}});
  const {timeline, audio} = source;
  const {outputs: aligned, warnings: faceless} = await runStage(faceAlignment, {inputs: {video, timeline}});
  const clip = {model: networks.clip, resizeTo: 16, clip: {}};
  const visual = await runStage(visualEmbedding, {
    inputs: {faces: aligned.faces},
    params: {backbone: 'onnx', onnx: clip},
  });
  const {outputs: spectra} = await runStage(spectrogram, {inputs: {audio}});
  const sound = {audio, timeline, logMel: spectra.logMel};
  const patches = await runStage(acousticEmbedding, {
    inputs: sound,
    params: {backbone: 'onnx-patches', patches: {model: networks.patches}},
  });
  const waveform = await runStage(acousticEmbedding, {
    inputs: sound,
    params: {backbone: 'onnx-waveform', waveform: {model: networks.waveform, windowSeconds: 0.1}},
  });
  const cepstra = await runStage(acousticEmbedding, {inputs: sound});
  const heard = await runStage(transcription, {
    inputs: {audio, timeline},
    params: {source: 'whisper', whisper: {modelFolder: networks.whisper}},
  });
  const text = await runStage(textEmbedding, {
    inputs: {words: heard.outputs.words, timeline},
    params: {backbone: 'bert', bert: {modelFolder: networks.bert}},
  });
  const vectors = {
    visual: visual.outputs.visual.all,
    patches: patches.outputs.acoustic.all,
    waveform: waveform.outputs.acoustic.all,
    cepstra: cepstra.outputs.acoustic.all,
    text: text.outputs.linguistic.all,
  };
  const words = heard.outputs.words.all.map(({word}) => word);
  const warnings = {demuxed, faceless, sound: patches.warnings, words: heard.warnings};
  return {frames: timeline.all.length, vectors, words, warnings};
}

function expectVectors({frames, vectors}: Awaited<ReturnType<typeof featuresOf>>, frameCount: number): void {
  expect(frames).toBe(frameCount);
  for (const [kind, rows] of Object.entries(vectors)) {
    expect(
      rows.map(({frameIndex}) => frameIndex),
      kind,
    ).toEqual([...Array(frameCount).keys()]);
    expect(new Set(rows.map(({vector}) => vector.length)).size, kind).toBe(1);
    expect(
      rows.every(({vector}) => vector.length > 0 && vector.every(Number.isFinite)),
      kind,
    ).toBe(true);
  }
}

describe('all features are made of', () => {
  test('a video of one frame and 40 ms of sound', async () => {
    const video = await makeClip(file('frame.mkv'), ...picture(0.04), ...tone(0.04), ...h264, '-c:a', 'pcm_s16le');
    const made = await featuresOf(video);
    expectVectors(made, 1);
    expect(made.words).toEqual([]);
  });

  test('sound of 8 kHz in stereo, with a word in another script', async () => {
    const sound = ['-ac', '2', '-ar', '8000', '-c:a', 'pcm_s16le'];
    const made = await featuresOf(
      await makeClip(file('phone.mkv'), ...picture(0.4, 10), ...tone(0.4), ...h264, ...sound),
    );
    expectVectors(made, 4);
    expect(made.words).toEqual(['好']);
    expect(made.warnings.words).toEqual([]);
  });

  test('a video without a face, without sound and without words, and every lack is said', async () => {
    const made = await featuresOf(await makeClip(file('empty.mkv'), ...picture(0.4, 10), ...h264));
    expectVectors(made, 4);
    expect(made.warnings.faceless).toEqual([expect.stringMatching(/face/)]);
    expect(made.warnings.demuxed).toEqual([expect.stringMatching(/sound|audio/)]);
    expect(made.warnings.sound).toEqual(['The clip has no sound: every acoustic vector is zero.']);
    expect(made.warnings.words).toEqual(['The video has no sound: the clip has no words.']);
  });

  test('sound that is silence: nothing is said in it', async () => {
    const silence = ['-f', 'lavfi', '-i', 'anullsrc=r=16000:cl=mono', '-shortest'];
    const made = await featuresOf(await makeClip(file('silent.mkv'), ...picture(0.4, 10), ...silence, ...h264));
    expectVectors(made, 4);
    expect(made.warnings.words).toEqual(['The sound holds no words.']);
  });
});
