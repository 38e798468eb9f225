import {readFile, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type * as FaceApi from '@vladmandic/face-api';
import sharp from 'sharp';
import {beforeAll, describe, expect, test} from 'vitest';
import {
  openDetector,
  openLandmarkFinder,
  type DetectorName,
} from '../../../stages/face-alignment/face-api/face-finders.js';
import {landmarks68} from '../../../stages/face-alignment/face-api/landmarks.js';
import {openNetwork} from '../../../stages/face-alignment/face-api/network.js';
import {tinyFaceDetector} from '../../../stages/face-alignment/face-api/tiny-face-detector.js';
import {readWeights} from '../../../stages/face-alignment/face-api/weights.js';
import type {Box, RgbImage} from '../../../stages/face-alignment/image.js';
import {letterbox} from '../../../stages/face-alignment/letterbox.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {drawFaces} from './drawn-face.js';
import {openFaceApi, pathsOf, tensorOf} from './face-api-reference.js';

const models = pathsOf('tiny_face_detector', 'ssd_mobilenetv1', 'face_landmark_68');
const surroundings = {models, threads: 1};
let faceApi: typeof FaceApi;
/** Both are 4 : 3, so that scaled sides are whole numbers and no rounding of face-api's enters the comparison. */
let drawn: RgbImage;
let photograph: RgbImage;

/** A photograph of four people that lies in the package itself, and is read where it is. */
async function readPhotograph(width: number, height: number): Promise<RgbImage> {
  const folder = path.dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json'));
  const pipeline = sharp(path.join(folder, 'demo/sample6.jpg')).extract({
    left: 200,
    top: 250,
    width: 1536,
    height: 1152,
  });
  return {width, height, rgb: await pipeline.resize(width, height).removeAlpha().raw().toBuffer()};
}

beforeAll(async () => {
  faceApi = await openFaceApi();
  drawn = await drawFaces({width: 320, height: 240}, [
    {middleX: 150, middleY: 120, height: 140, rollDegrees: 6, smile: 0.6},
  ]);
  photograph = await readPhotograph(640, 480);
});

const whole = ({width, height}: RgbImage): Box => ({left: 0, top: 0, width, height});
const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, index) => Math.abs(value - b[index]!)));

describe('the compiled networks give what face-api gives', () => {
  test('tiny face detector: every output', async () => {
    const weights = await readWeights('tiny_face_detector', models);
    const network = await openNetwork({
      weights,
      forward: (own, images) => ({codes: tinyFaceDetector(own, images)}),
      size: 416,
      surroundings,
    });
    const {pixels} = letterbox({image: photograph, region: whole(photograph), size: 416, placement: 'corner'});
    const {codes} = await network.run(pixels);
    const expected = (await faceApi.nets.tinyFaceDetector.forward(tensorOf(photograph), 416)) as unknown as tf.Tensor;
    expect(codes.shape).toEqual(expected.shape);
    // Outputs reach ± 15; single precision in another order of summation.
    expect(largestDifference(codes.values, expected.dataSync())).toBeLessThan(1e-3);
    await network.release();
  });

  test('landmarks: all 68 points of a face in a photograph', async () => {
    const region = {left: 160, top: 20, width: 90, height: 118};
    const weights = await readWeights('face_landmark_68', models);
    const network = await openNetwork({
      weights,
      forward: (own, images) => ({points: landmarks68(own, images)}),
      size: 112,
      surroundings,
    });
    const {pixels} = letterbox({image: photograph, region, size: 112, placement: 'centre'});
    const {points} = await network.run(pixels);
    const crop = tf.slice3d(tensorOf(photograph), [20, 160, 0], [118, 90, 3]);
    const expected = faceApi.nets.faceLandmark68Net.runNet(
      (await faceApi.toNetInput(crop as never)) as never,
    ) as unknown as tf.Tensor;
    // In units of the image's side.
    expect(largestDifference(points.values, expected.dataSync())).toBeLessThan(1e-4);
    await network.release();
  });

  test.each([
    ['face-api-tiny', 'drawn'],
    ['face-api-tiny', 'photograph'],
    ['face-api-ssd', 'drawn'],
    ['face-api-ssd', 'photograph'],
  ] as const)('%s: boxes and scores in the %s image', async (detector: DetectorName, which) => {
    const image = which === 'drawn' ? drawn : photograph;
    await using finder = await openDetector({detector, inputSize: 416, minScore: 0.5}, surroundings);
    const options =
      detector === 'face-api-tiny'
        ? new faceApi.TinyFaceDetectorOptions({inputSize: 416, scoreThreshold: 0.5})
        : new faceApi.SsdMobilenetv1Options({minConfidence: 0.5});
    const expected = await faceApi.detectAllFaces(tensorOf(image) as never, options);
    const found = await finder.detect(image);
    expect(found).toHaveLength(which === 'drawn' ? 1 : expected.length);
    expect(expected.length).toBeGreaterThan(0);
    for (const [index, {score, box}] of expected.toSorted((a, b) => b.score - a.score).entries()) {
      expect(found[index]!.score).toBeCloseTo(score, 3);
      // face-api's SSD cuts boxes at the border; none of these touch it.
      expect(found[index]!.box.left).toBeCloseTo(box.x, 1);
      expect(found[index]!.box.top).toBeCloseTo(box.y, 1);
      expect(found[index]!.box.width).toBeCloseTo(box.width, 1);
      expect(found[index]!.box.height).toBeCloseTo(box.height, 1);
    }
  });
});

test('the five points lie on eyes, nose and mouth of a drawn face, also when it is turned', async () => {
  await using detector = await openDetector({detector: 'face-api-tiny', inputSize: 224, minScore: 0.5}, surroundings);
  await using finder = await openLandmarkFinder(surroundings);
  for (const rollDegrees of [-12, 0, 12]) {
    const image = await drawFaces({width: 320, height: 240}, [{middleX: 160, middleY: 120, height: 140, rollDegrees}]);
    const [face] = await detector.detect(image);
    const points = await finder.find(image, face!.box);
    const [c, s] = [70 * Math.cos((rollDegrees * Math.PI) / 180), 70 * Math.sin((rollDegrees * Math.PI) / 180)];
    const onFace = (x: number, y: number) => ({x: 160 + c * x - s * y, y: 120 + s * x + c * y});
    const truth = [onFace(-0.33, -0.16), onFace(0.33, -0.16), onFace(0, 0.2), onFace(-0.3, 0.52), onFace(0.3, 0.52)];
    // A tenth of the face's half height is about the width of its nostrils.
    for (const [index, {x, y}] of truth.entries())
      expect(Math.hypot(points[index]!.x - x, points[index]!.y - y)).toBeLessThan(9);
  }
});

describe('readWeights', () => {
  test('refuses a file that ends early, and says where', async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'short.bin');
    await writeFile(file, (await readFile(models['face_landmark_68']!)).subarray(0, 100));
    await expect(readWeights('face_landmark_68', {...models, face_landmark_68: file})).rejects.toMatchObject({
      code: 'bad-model',
      message: `The face-api network face_landmark_68 cannot be read from ${file}: it ends inside dense0/conv0/filters, after 100 bytes`,
    });
  });
});
