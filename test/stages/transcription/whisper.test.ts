import {unlink} from 'node:fs/promises';
import path from 'node:path';
import {describe, expect, test} from 'vitest';
import {transcription} from '../../../stages/transcription.js';
import {chunksOf, inOrder, joinChunk} from '../../../stages/transcription/chunks.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {writeTinyWhisper, type TinyWhisper} from './tiny-whisper.js';

const written = (whisper: TinyWhisper) => writeTinyWhisper(temporaryFolder(), whisper);
const hello: TinyWhisper = {
  says: [
    {word: 'Hello', at: 1},
    {word: 'wörld', at: 2},
    {word: '好', at: 3.5},
  ],
  endSeconds: 4,
};

/** A tone of that length, as demux writes it: rows of one second. */
function sound(seconds: number, sampleRateHz = 16_000, loudness = 0.5) {
  return Array.from({length: Math.ceil(seconds)}, (_, second) => ({
    startSeconds: second,
    sampleRateHz,
    sampleCount: Math.round(Math.min(1, seconds - second) * sampleRateHz),
    samples: Float32Array.from(
      {length: sampleRateHz},
      (_, n) => loudness * Math.sin((2 * Math.PI * 300 * n) / sampleRateHz),
    ),
  }));
}

async function hear(modelFolder: string, audio: ReturnType<typeof sound>, seconds: number, more: object = {}) {
  const timeline = Array.from({length: seconds * 2}, (_, frameIndex) => ({frameIndex, timeSeconds: frameIndex / 2}));
  const params = {source: 'whisper' as const, whisper: {modelFolder, ...more}};
  const {outputs, warnings} = await runStage(transcription, {inputs: {audio, timeline}, params});
  const words = outputs.words.all.map(({word, startSeconds, endSeconds}) => [
    word,
    round(startSeconds),
    round(endSeconds),
  ]);
  return {words, warnings};
}

const round = (seconds: number) => Math.round(seconds * 100) / 100;

describe('Whisper in a local folder', () => {
  test('gives words with times, whatever their script', async () => {
    expect(await hear(await written(hello), sound(6), 6)).toEqual({
      words: [
        ['Hello', 1, 2],
        ['wörld', 2, 3.5],
        ['好', 3.5, 4],
      ],
      warnings: [],
    });
  });

  test('of which the decoder keeps keys and values, as merged ones do, gives the same', async () => {
    const {words} = await hear(await written({...hello, cache: true}), sound(6), 6);
    expect(words).toEqual([
      ['Hello', 1, 2],
      ['wörld', 2, 3.5],
      ['好', 3.5, 4],
    ]);
  });

  test.each([8000, 44_100])('hears sound of %i samples per second', async (rate) => {
    expect((await hear(await written(hello), sound(6, rate), 6, {language: 'de'})).words).toHaveLength(3);
  });

  test('hears long sound in chunks that overlap, and takes each word once', async () => {
    // Chunks of 10 s begin every 6 s; the tiny Whisper says its words in each: those in the overlap are left out.
    const {words} = await hear(await written(hello), sound(22), 22, {chunkSeconds: 10, strideSeconds: 2});
    expect(words).toEqual([
      ['Hello', 1, 2],
      ['wörld', 2, 3.5],
      ['好', 3.5, 4],
      ['wörld', 8, 9.5],
      ['好', 9.5, 10],
      ['wörld', 14, 15.5],
      ['好', 15.5, 16],
    ]);
  });

  test('words behind the end of the sound are made up and left out', async () => {
    expect((await hear(await written(hello), sound(2.5), 4)).words).toEqual([
      ['Hello', 1, 2],
      ['wörld', 2, 3.5],
    ]);
  });

  test('silence has no words, and says so', async () => {
    expect(await hear(await written(hello), sound(4, 16_000, 0), 4)).toEqual({
      words: [],
      warnings: ['The sound holds no words.'],
    });
  });

  test('a video without sound has no words, and says so', async () => {
    expect(await hear(await written(hello), [], 4)).toEqual({
      words: [],
      warnings: ['The video has no sound: the clip has no words.'],
    });
  });
});

describe('folders that cannot be used are refused', () => {
  test.each([
    [{...hello, alignmentHeads: false}, 'has no alignment_heads'],
    [{...hello, attentions: false}, 'cannot be used'],
  ])('without times of words', async (whisper, message) => {
    await expect(hear(await written(whisper), sound(2), 2)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining(message),
      remedy: expect.stringContaining('_timestamped'),
    });
  });

  test('without the network of the chosen weights, by its name', async () => {
    const folder = await written(hello);
    await expect(hear(folder, sound(2), 2, {weights: 'q8'})).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining(
        'lacks onnx/encoder_model_quantized.onnx, onnx/decoder_model_merged_quantized.onnx',
      ),
    });
    await unlink(path.join(folder, 'generation_config.json'));
    await expect(hear(folder, sound(2), 2)).rejects.toMatchObject({
      message: expect.stringContaining('lacks generation_config.json'),
    });
  });
});

test('only what is needed is read, and every file of the folder is declared', async () => {
  const {reads, models, params} = transcription;
  const whisper = params.parse({source: 'whisper', whisper: {modelFolder: await written(hello)}});
  expect([params.parse({}), whisper].map((one) => [reads!(one), models!(one).length])).toEqual([
    [['transcript', 'timeline'], 0],
    [['timeline', 'audio'], 7],
  ]);
  expect(params.safeParse({source: 'whisper'}).success).toBe(false);
});

describe('chunks', () => {
  test('cover hours of sound; their own parts touch and do not overlap', () => {
    const chunks = chunksOf(7200, {chunkSeconds: 30, strideSeconds: 5});
    expect(chunks.slice(0, 2)).toEqual([
      {startSeconds: 0, endSeconds: 30, ownStartSeconds: 0, ownEndSeconds: 25},
      {startSeconds: 20, endSeconds: 50, ownStartSeconds: 25, ownEndSeconds: 45},
    ]);
    expect(chunks.slice(1).every((chunk, index) => chunk.ownStartSeconds === chunks[index]!.ownEndSeconds)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({endSeconds: 7200, ownEndSeconds: Infinity});
    expect([
      chunksOf(0, {chunkSeconds: 30, strideSeconds: 5}),
      chunksOf(12, {chunkSeconds: 30, strideSeconds: 5}),
    ]).toEqual([[], [{startSeconds: 0, endSeconds: 12, ownStartSeconds: 0, ownEndSeconds: Infinity}]]);
  });

  test('a word that both sides of a seam heard counts once', () => {
    const word = (text: string, startSeconds: number) => ({word: text, startSeconds, endSeconds: startSeconds + 0.3});
    const chunk = {startSeconds: 20, endSeconds: 50, ownStartSeconds: 25, ownEndSeconds: 45};
    expect(
      joinChunk([word('yes,', 24.7)], [word('Yes', 24.9), word('yes', 25.6)], chunk).map(
        ({startSeconds}) => startSeconds,
      ),
    ).toEqual([24.7, 25.6]);
  });

  test('times rise, and no word reaches into the next', () => {
    const words = [
      {word: 'b', startSeconds: 2, endSeconds: 9},
      {word: 'a', startSeconds: 1, endSeconds: 3},
      {word: 'c', startSeconds: 2.5, endSeconds: 2.4},
    ];
    expect(inOrder(words).map(({word, startSeconds, endSeconds}) => [word, startSeconds, endSeconds])).toEqual([
      ['a', 1, 2],
      ['b', 2, 2.5],
      ['c', 2.5, 2.5],
    ]);
  });
});
