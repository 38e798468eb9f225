import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import {describe, expect, test} from 'vitest';
import {encodeCrop} from '../../../stages/face-alignment/crop-image.js';
import type {RgbImage} from '../../../stages/face-alignment/image.js';
import {encodeModel} from '../../../stages/learning/onnx/model.js';
import {nodeProto, valueInfo} from '../../../stages/learning/onnx/tensor.js';
import {visualEmbedding} from '../../../stages/visual-embedding.js';
import {openOnnxBackbone, type OnnxBackboneOptions} from '../../../stages/visual-embedding/onnx-backbone.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

const folder = temporaryFolder();
let fileCount = 0;

/** A network that hands out its input as vectors, its square under another name, and its sum. */
async function networkOf(
  shape: readonly (number | string)[],
  outputs: readonly ('same' | 'square' | 'sum')[] = ['same'],
): Promise<string> {
  const model = encodeModel({
    irVersion: 8,
    opsetImport: [{domain: '', version: 18}],
    graph: {
      name: 'graph',
      node: [
        nodeProto('Flatten', ['image'], ['same'], {attributes: {axis: 1}}),
        nodeProto('Mul', ['same', 'same'], ['square']),
        nodeProto('ReduceSum', ['image'], ['sum'], {attributes: {keepdims: 1}}),
      ],
      initializer: [],
      input: [valueInfo('image', 'float32', shape)],
      output: outputs.map((name) => valueInfo(name, 'float32', name === 'sum' ? [1, 1, 1, 1] : [shape[0]!, 'width'])),
    },
  });
  const file = path.join(folder, `${fileCount++}.onnx`);
  await writeFile(file, model);
  return file;
}

/** 8 × 8 pixels; red counts them from 0, green is 100 + red, blue is 200. */
const image: RgbImage = {
  width: 8,
  height: 8,
  rgb: Uint8Array.from(
    {length: 64 * 3},
    (_, index) => [Math.floor(index / 3), 100 + Math.floor(index / 3), 200][index % 3]!,
  ),
};

const plain = {resizeTo: 8, inputSize: 8, layout: 'nchw', channels: 'rgb', mean: [0, 0, 0], std: [1, 1, 1]} as const;
const optionsFor = (file: string, format: Partial<OnnxBackboneOptions['format']> = {}): OnnxBackboneOptions => ({
  path: file,
  format: {...plain, ...format},
  normalise: 'none',
  threads: 1,
});

async function vectorOf(options: OnnxBackboneOptions): Promise<number[]> {
  await using backbone = await openOnnxBackbone(options);
  return [...(await backbone.embed([image]))[0]!];
}

describe('a network is given the image as it wants it', () => {
  test('channels first: all of red, then green, then blue', async () => {
    const vector = await vectorOf(optionsFor(await networkOf(['N', 3, 8, 8])));
    expect(vector).toEqual([
      ...Array(64).keys(),
      ...Array.from({length: 64}, (_, index) => 100 + index),
      ...Array<number>(64).fill(200),
    ]);
  });

  test('channels last, blue first', async () => {
    const vector = await vectorOf(optionsFor(await networkOf(['N', 8, 8, 3]), {layout: 'nhwc', channels: 'bgr'}));
    expect(vector.slice(0, 6)).toEqual([200, 100, 0, 200, 101, 1]);
  });

  test('grey, by the weights of BT.601', async () => {
    const vector = await vectorOf(optionsFor(await networkOf(['N', 1, 8, 8]), {channels: 'grey'}));
    expect(vector[5]).toBeCloseTo(0.299 * 5 + 0.587 * 105 + 0.114 * 200, 4);
  });

  test('with mean and standard deviation per channel', async () => {
    const vector = await vectorOf(optionsFor(await networkOf(['N', 3, 8, 8]), {mean: [0, 100, 200], std: [1, 2, 4]}));
    expect([vector[10], vector[64 + 10], vector[128 + 10]]).toEqual([10, 5, 0]);
  });

  test('only the middle, where the network reads less than the crop', async () => {
    const vector = await vectorOf(optionsFor(await networkOf(['N', 3, 4, 4]), {inputSize: 4}));
    expect(vector.slice(0, 16)).toEqual([18, 19, 20, 21, 26, 27, 28, 29, 34, 35, 36, 37, 42, 43, 44, 45]);
  });

  test('scaled to the size it takes', async () => {
    const vector = await vectorOf(optionsFor(await networkOf(['N', 3, 16, 16]), {resizeTo: 16, inputSize: 16}));
    expect(vector).toHaveLength(3 * 256);
    // Red at (4, 6) of 16 is red at (1.75, 2.75) of 8, rounded to a level.
    expect(vector[6 * 16 + 4]).toBe(Math.round(1.75 + 8 * 2.75));
  });
});

describe('vectors', () => {
  test('have length 1 with l2, and a vector of zeros stays', async () => {
    const file = await networkOf(['N', 3, 8, 8]);
    const unit = await vectorOf({...optionsFor(file), normalise: 'l2'});
    expect(Math.hypot(...unit)).toBeCloseTo(1, 6);
    const zero = await vectorOf({
      ...optionsFor(file, {mean: [0, 0, 0], std: [Infinity, Infinity, Infinity]}),
      normalise: 'l2',
    });
    expect(zero).toEqual(Array(192).fill(0));
  });

  test.each([
    {batch: 'N', batchSize: 8},
    {batch: 1, batchSize: 1},
    {batch: 5, batchSize: 5},
  ])('do not depend on the batch they come in: network of batch $batch', async ({batch, batchSize}) => {
    await using backbone = await openOnnxBackbone(optionsFor(await networkOf([batch, 3, 8, 8])));
    expect(backbone.batchSize).toBe(batchSize);
    const black = {...image, rgb: new Uint8Array(192)};
    const [alone] = await backbone.embed([image]);
    const together = await backbone.embed(
      Array.from({length: batchSize}, (_, index) => (index === batchSize - 1 ? image : black)),
    );
    expect(together).toHaveLength(batchSize);
    expect(together.at(-1)).toEqual(alone);
  });

  test('come from the output that is named', async () => {
    const file = await networkOf(['N', 3, 8, 8], ['same', 'square']);
    expect((await vectorOf({...optionsFor(file), output: 'square'})).slice(0, 4)).toEqual([0, 1, 4, 9]);
  });

  test('come from a tensor inside the network, where one is named that is no output', async () => {
    const file = await networkOf(['N', 3, 8, 8], ['same']);
    expect((await vectorOf({...optionsFor(file), output: 'square'})).slice(0, 4)).toEqual([0, 1, 4, 9]);
  });
});

test('the stage reads crops with the network that its parameters describe', async () => {
  const model = await networkOf([1, 3, 8, 8]);
  const row = {frameIndex: 0, timeSeconds: 0, found: true, score: 1, image: await encodeCrop(image)};
  const placed = {box: new Float32Array(4), landmarks: new Float32Array(10), transform: new Float32Array(6)};
  const {outputs} = await runStage(visualEmbedding, {
    inputs: {faces: [{...row, ...placed}]},
    params: {backbone: 'onnx', onnx: {model, resizeTo: 8, normalise: 'none'}},
  });
  const expected = await vectorOf(optionsFor(model, {mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5]}));
  expect(outputs.visual.all).toEqual([{frameIndex: 0, vector: Float32Array.from(expected)}]);
});

test('weights in a second file count with the network', async () => {
  const model = await networkOf(['N', 3, 8, 8]);
  await writeFile(`${model}.data`, 'weights');
  const params = visualEmbedding.params.parse({backbone: 'onnx', onnx: {model}});
  expect(visualEmbedding.models!(params)).toEqual([
    {id: 'onnx', path: model},
    {id: 'onnx.data', path: `${model}.data`},
  ]);
});

test.each([
  [{inputSize: 40, resizeTo: 32}, 'expected at most resizeTo pixels'],
  [{mean: [1, 2]}, 'expected one or three numbers'],
])('refuses %o', (onnx, message) => {
  const {error} = visualEmbedding.params.safeParse({backbone: 'onnx', onnx: {model: 'x.onnx', ...onnx}});
  expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
});

describe('a network that does not fit is refused when it is opened', () => {
  test('a file that is no network', async () => {
    const file = path.join(folder, 'text.onnx');
    await writeFile(file, 'no model');
    await expect(openOnnxBackbone(optionsFor(file))).rejects.toMatchObject({code: 'bad-model'});
  });

  test('another size, layout or number of channels: the message says what is expected and what was seen', async () => {
    const file = await networkOf(['N', 3, 40, 40]);
    await expect(openOnnxBackbone(optionsFor(file))).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining("input 'image' is float32 [N, 3, 40, 40], expected float32 [N, 3, 8, 8]"),
    });
    for (const shape of [
      ['N', 8, 8, 3],
      ['N', 1, 8, 8],
      ['N', 192],
    ]) {
      await expect(openOnnxBackbone(optionsFor(await networkOf(shape)))).rejects.toMatchObject({code: 'bad-model'});
    }
  });

  test('several outputs of which none is chosen, or a missing one', async () => {
    const file = await networkOf(['N', 3, 8, 8], ['same', 'square']);
    await expect(openOnnxBackbone(optionsFor(file))).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining("found 'same', 'square'"),
    });
    await expect(openOnnxBackbone({...optionsFor(file), output: 'cube'})).rejects.toMatchObject({
      message: expect.stringContaining("it has no tensor 'cube'. Its outputs are 'same', 'square'"),
    });
  });

  test('an output that is no vector per image', async () => {
    await using backbone = await openOnnxBackbone({
      ...optionsFor(await networkOf(['N', 3, 8, 8], ['sum'])),
      output: 'sum',
    });
    await expect(backbone.embed([image])).rejects.toMatchObject({code: 'wrong-shape'});
  });
});
