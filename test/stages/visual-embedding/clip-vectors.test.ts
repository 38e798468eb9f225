import {readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {describe, expect, test} from 'vitest';
import type {z} from 'zod';
import {encodeCrop} from '../../../stages/face-alignment/crop-image.js';
import {encodeModel} from '../../../stages/learning/onnx/model.js';
import {nodeProto, valueInfo} from '../../../stages/learning/onnx/tensor.js';
import type {onnxParams} from '../../../stages/visual-embedding/open-backbone.js';
import {visualEmbedding} from '../../../stages/visual-embedding.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

const folder = temporaryFolder();

type Pixel = (x: number, y: number) => readonly [number, number, number];

/** Rows of face-alignment whose crops are square images of that size. */
async function facesOf(count: number, size: number, pixel: (frame: number) => Pixel) {
  const crop = (frame: number) => {
    const of = pixel(frame);
    const rgb = Uint8Array.from(
      {length: size * size * 3},
      (_, k) => of(Math.floor(k / 3) % size, Math.floor(k / 3 / size))[k % 3]! % 256,
    );
    return encodeCrop({width: size, height: size, rgb});
  };
  return Promise.all(
    Array.from({length: count}, async (_, frame) => ({
      frameIndex: frame,
      timeSeconds: frame / 30,
      found: true,
      score: 1,
      box: new Float32Array(4),
      landmarks: new Float32Array(10),
      transform: new Float32Array(6),
      image: await crop(frame),
    })),
  );
}

/** A network that hands out its input as one vector. */
async function networkOf(shape: readonly (number | string)[]): Promise<string> {
  const file = path.join(folder, `${shape.join('-')}.onnx`);
  const model = encodeModel({
    irVersion: 8,
    opsetImport: [{domain: '', version: 17}],
    graph: {
      name: 'graph',
      node: [nodeProto('Flatten', ['clip'], ['same'], {attributes: {axis: 1}})],
      input: [valueInfo('clip', 'float32', shape)],
      output: [valueInfo('same', 'float32', [shape[0]!, 'width'])],
    },
  });
  await writeFile(file, model);
  return file;
}

/** The 8 × 8 crop of frame k is red k, green 100 + k, blue 200, in every pixel. */
const flat =
  (frame: number): Pixel =>
  () => [frame, 100 + frame, 200];
type Given = z.input<typeof onnxParams>;
const plain = {resizeTo: 8, mean: [0], std: [1], normalise: 'none' as const};

async function embed(
  faces: Awaited<ReturnType<typeof facesOf>>,
  model: string,
  clip: Given['clip'],
  more: Partial<Given> = {},
) {
  const {outputs} = await runStage(visualEmbedding, {
    inputs: {faces},
    params: {backbone: 'onnx', onnx: {model, ...plain, clip, ...more}},
  });
  expect(outputs.visual.all.map(({frameIndex}) => frameIndex)).toEqual(faces.map(({frameIndex}) => frameIndex));
  return outputs.visual.all.map(({vector}) => vector);
}

/** What one value of each plane of 8 × 8 says, in the order of the network's axes. */
const planes = (vector: Float32Array) => [...vector].filter((_, k) => k % 64 === 0);

describe('a network is given the clip as it wants it', () => {
  test('channels first: all frames of red, then of green, then of blue', async () => {
    const faces = await facesOf(6, 8, flat);
    const vectors = await embed(faces, await networkOf(['N', 3, 3, 8, 8]), {frames: 3, dilation: 2});
    expect(planes(vectors[5]!)).toEqual([1, 3, 5, 101, 103, 105, 200, 200, 200]);
    expect(planes(vectors[0]!)).toEqual([0, 0, 0, 100, 100, 100, 200, 200, 200]);
  });

  test('time first: red, green and blue of each frame', async () => {
    const faces = await facesOf(6, 8, flat);
    const clip = {frames: 2, dilation: 2, layout: 'ntchw', frameAt: 'start'} as const;
    const vectors = await embed(faces, await networkOf(['N', 2, 3, 8, 8]), clip);
    expect(vectors.map(planes).map(([red, , , later]) => [red, later])).toEqual([
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 5],
      [4, 5],
      [5, 5],
    ]);
  });

  test('with black images before the first frame, which are normalised as all others', async () => {
    const faces = await facesOf(2, 8, flat);
    const clip = {frames: 2, dilation: 1, beyond: 'black'} as const;
    const vectors = await embed(faces, await networkOf(['N', 3, 2, 8, 8]), clip, {mean: [10, 20, 30], std: [1, 2, 5]});
    expect(planes(vectors[0]!)).toEqual([-10, -10, -10, 40, -6, 34]);
  });
});

test('vectors do not depend on the batch, and every n-th frame is enough where that is wanted', async () => {
  const faces = await facesOf(21, 8, flat);
  const [free, single] = await Promise.all(
    ['N', 1].map(async (batch) =>
      embed(faces, await networkOf([batch, 3, 4, 8, 8]), {frames: 4, dilation: 1, frameAt: 'centre'}),
    ),
  );
  expect(free).toEqual(single);
  const clip = {frames: 4, dilation: 1, everyFrames: 8};
  const held = await embed(faces, await networkOf(['N', 3, 4, 8, 8]), clip);
  expect(held.map((vector) => planes(vector)[3])).toEqual(faces.map(({frameIndex}) => Math.floor(frameIndex / 8) * 8));
});

test('a video of one frame has one vector, and one without frames none', async () => {
  const model = await networkOf(['N', 3, 2, 8, 8]);
  expect(await embed(await facesOf(1, 8, flat), model, {frames: 2})).toHaveLength(1);
  expect(await embed([], model, {frames: 2})).toEqual([]);
});

test('vectors are those of torchvision’s R(2+1)D, computed by PyTorch', async () => {
  const fixture = path.resolve(import.meta.dirname, '../../fixtures/tiny-r2plus1d');
  const reference = JSON.parse(await readFile(path.join(fixture, 'vectors.json'), 'utf8')) as Record<string, number[]>;
  const video =
    (k: number): Pixel =>
    (x, y) => [7 * x + 5 * k, 3 * y + 11 * k, x * y + k * k];
  const vectors = await embed(
    await facesOf(40, 32, video),
    path.join(fixture, 'model.onnx'),
    {frames: 8},
    {
      resizeTo: 32,
      mean: [0.43216, 0.394666, 0.37645].map((value) => 255 * value),
      std: [0.22803, 0.22145, 0.216989].map((value) => 255 * value),
    },
  );
  expect(Object.keys(reference)).toHaveLength(4);
  for (const [frame, expected] of Object.entries(reference)) {
    const largest = Math.max(...expected);
    // ONNX Runtime and PyTorch sum in other orders.
    const off = expected.map((value, k) => Math.abs(value - vectors[Number(frame)]![k]!) / largest);
    expect(Math.max(...off)).toBeLessThan(1e-5);
  }
});

describe('what does not fit is refused', () => {
  test('a network that reads clips, where single images were meant, by what to write', async () => {
    const model = await networkOf(['N', 3, 8, 8, 8]);
    const params = {backbone: 'onnx' as const, onnx: {model, ...plain}};
    const run = runStage(visualEmbedding, {inputs: {faces: await facesOf(1, 8, flat)}, params});
    await expect(run).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('reads clips of several frames') as string,
      remedy: expect.stringContaining('visual-embedding.onnx.clip: {frames: 8') as string,
    });
  });

  test('a network of another number of frames, or of single images', async () => {
    const faces = await facesOf(1, 8, flat);
    await expect(embed(faces, await networkOf(['N', 3, 16, 8, 8]), {frames: 8})).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('float32 [N, 3, 16, 8, 8], expected float32 [N, 3, 8, 8, 8]') as string,
    });
    await expect(embed(faces, await networkOf(['N', 3, 8, 8]), {frames: 8})).rejects.toMatchObject({
      code: 'bad-model',
    });
  });

  test.each([
    [{clip: {beyond: 'denser', frameAt: 'centre'}}, 'denser needs frameAt: end'],
    [{clip: {}, layout: 'nhwc'}, 'the order of the axes of a clip is that of clip.layout'],
  ])('parameters that contradict each other: %o', (onnx, message) => {
    const {error} = visualEmbedding.params.safeParse({backbone: 'onnx', onnx: {model: 'x.onnx', ...onnx}});
    expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});
