import type * as tf from '@tensorflow/tfjs';
import {expect, test} from 'vitest';
import {encodeCrop} from '../../../stages/face-alignment/crop-image.js';
import {blackImage, type RgbImage} from '../../../stages/face-alignment/image.js';
import {warp} from '../../../stages/face-alignment/warp.js';
import {visualEmbedding} from '../../../stages/visual-embedding.js';
import {runStage} from '../../helpers/run-stage.js';
import {drawFaces, type DrawnFace} from '../face-alignment/drawn-face.js';
import {openFaceApi, tensorOf} from '../face-alignment/face-api-reference.js';

/** A crop of a drawn face, as face-alignment would cut it. */
async function cropOf(face: Partial<DrawnFace>): Promise<RgbImage> {
  const frame = await drawFaces({width: 320, height: 240}, [{middleX: 160, middleY: 120, height: 140, ...face}]);
  return warp(frame, [0.75, 0, -64, 0, 0.75, -30], 112);
}

async function rowOf(frameIndex: number, crop: RgbImage | undefined) {
  return {
    frameIndex,
    timeSeconds: frameIndex / 10,
    found: crop !== undefined,
    score: crop ? 1 : 0,
    box: new Float32Array(4),
    landmarks: new Float32Array(10),
    transform: new Float32Array(6),
    image: await encodeCrop(crop ?? blackImage(112)),
  };
}

async function embed(...crops: (RgbImage | undefined)[]): Promise<Float32Array[]> {
  const faces = await Promise.all(crops.map((crop, index) => rowOf(index, crop)));
  const {outputs} = await runStage(visualEmbedding, {inputs: {faces}});
  expect(outputs.visual.all.map(({frameIndex}) => frameIndex)).toEqual(crops.map((_, index) => index));
  return outputs.visual.all.map(({vector}) => vector);
}

const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, index) => value - b[index]!));

test("the default vector is what face-api's expression network computes before its last layer", async () => {
  const crop = await cropOf({smile: 0.8});
  const [vector] = await embed(crop);
  const {nets, toNetInput} = await openFaceApi();
  const input = (await toNetInput(tensorOf(crop) as never)) as never;
  const expected = nets.faceExpressionNet.faceFeatureExtractor.forwardInput(input) as unknown as tf.Tensor;
  expect(vector).toHaveLength(256);
  // Features reach 6; single precision in another order of summation.
  expect(distance(vector!, Float32Array.from(expected.dataSync()))).toBeLessThan(1e-3);
});

test('a frame without a face has the vector of a black image, wherever it stands', async () => {
  const crop = await cropOf({});
  const [first, , last] = await embed(undefined, crop, undefined);
  expect(first).toEqual(last);
  expect(first).toEqual((await embed(blackImage(112)))[0]);
});

test('expression moves the vector more than a small change of place does', async () => {
  const [neutral, shifted, smiling, surprised] = await embed(
    await cropOf({}),
    await cropOf({middleX: 161}),
    await cropOf({smile: 1}),
    await cropOf({open: 1}),
  );
  expect(distance(neutral!, smiling!)).toBeGreaterThan(3 * distance(neutral!, shifted!));
  expect(distance(neutral!, surprised!)).toBeGreaterThan(3 * distance(neutral!, shifted!));
});

test('equal crops give equal bytes, run after run', async () => {
  const crops = [await cropOf({smile: 1}), await cropOf({open: 0.5})];
  expect(await embed(...crops)).toEqual(await embed(...crops));
});

test('a clip without frames has no vectors', async () => {
  expect(await embed()).toEqual([]);
});

test('a damaged image is reported, with what to do', async () => {
  const faces = [{...(await rowOf(0, undefined)), image: Uint8Array.of(1, 2, 3)}];
  await expect(runStage(visualEmbedding, {inputs: {faces}})).rejects.toMatchObject({code: 'unreadable-file'});
});

test('backbone: onnx needs the path of a network', () => {
  const {error} = visualEmbedding.params.safeParse({backbone: 'onnx'});
  expect(error?.issues).toMatchObject([{path: ['onnx'], message: 'backbone: onnx needs onnx.model'}]);
});
