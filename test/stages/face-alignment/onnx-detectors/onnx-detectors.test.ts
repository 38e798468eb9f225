import path from 'node:path';
import {describe, expect, test} from 'vitest';
import type {RgbImage} from '../../../../stages/face-alignment/image.js';
import {openOnnxDetector} from '../../../../stages/face-alignment/onnx-detectors/open-onnx-detector.js';
import {faceAlignment} from '../../../../stages/face-alignment.js';
import {runStage} from '../../../helpers/run-stage.js';
import {writeClip} from '../drawn-face.js';
import {temporaryFolder} from '../../../helpers/temporary-folder.js';
import {scrfdNetwork, yunetNetwork} from './detector-networks.js';

const folder = temporaryFolder();
let fileCount = 0;
const nextFile = () => path.join(folder, `${fileCount++}.onnx`);

function plain(colour: readonly [number, number, number], width = 320, height = 240): RgbImage {
  return {width, height, rgb: Uint8Array.from({length: width * height * 3}, (_, index) => colour[index % 3]!)};
}

const blue = plain([0, 0, 255]);
const red = plain([255, 0, 0]);

/** Eyes, nose and mouth against the cell, in strides. */
const points = [-2, -1.5, 2, -1.5, 0, 0, -1.5, 2, 1.5, 2];

/** Row 20, column 10 of the 80 × 80 cells of stride 8: middle (84, 162), 80 × 96 pixels of the square. */
const face = {
  stride: 8,
  index: 20 * 80 + 10,
  score: 0.81,
  box: [0.5, 0.25, Math.log(10), Math.log(12)],
  points,
} as const;

describe('yunet', () => {
  test('gives boxes, scores and points in pixels of the frame', async () => {
    const file = await yunetNetwork(nextFile(), [face]);
    await using detector = await openOnnxDetector('yunet', {path: file, size: 640, minScore: 0.6, threads: 1});
    const [found, ...rest] = await detector.detect(blue);
    expect(rest).toEqual([]);
    // Blue is the first plane that the network reads, so cls is 1 and the score √0.81; 320 pixels became 640.
    expect(found!.score).toBeCloseTo(0.9, 5);
    expect(found!.box.left).toBeCloseTo((84 - 40) / 2, 3);
    expect(found!.box.top).toBeCloseTo((162 - 48) / 2, 3);
    expect(found!.box.width).toBeCloseTo(40, 3);
    expect(found!.box.height).toBeCloseTo(48, 3);
    const expected = [32, 74, 48, 74, 40, 80, 34, 88, 46, 88];
    for (const [index, {x, y}] of found!.landmarks!.entries()) {
      expect(x).toBeCloseTo(expected[2 * index]!, 3);
      expect(y).toBeCloseTo(expected[2 * index + 1]!, 3);
    }
  });

  test('looks at blue, green and red from 0 to 255, and at black below the frame', async () => {
    // Row 70 of 80 lies below 240 · 2 = 480 pixels.
    const file = await yunetNetwork(nextFile(), [face, {...face, index: 70 * 80 + 10}]);
    await using detector = await openOnnxDetector('yunet', {path: file, size: 640, minScore: 0.3, threads: 1});
    expect(await detector.detect(red)).toEqual([]);
    expect(await detector.detect(blue)).toHaveLength(1);
    const [dim] = await detector.detect(plain([0, 0, 51]));
    expect(dim!.score).toBeCloseTo(Math.sqrt(0.2 * 0.81), 5);
  });

  test('drops a weaker box on the same face, of any stride, and keeps another face', async () => {
    const same = {
      stride: 16,
      index: 10 * 40 + 5,
      score: 0.64,
      box: [0.25, 0.125, Math.log(5), Math.log(6)],
      points,
    } as const;
    const other = {stride: 32, index: 8 * 20 + 15, score: 0.49, box: [0, 0, 1, 1], points} as const;
    const file = await yunetNetwork(nextFile(), [same, other, face]);
    await using detector = await openOnnxDetector('yunet', {path: file, size: 640, minScore: 0.6, threads: 1});
    const scores = (await detector.detect(blue)).map(({score}) => Math.round(score * 100) / 100);
    expect(scores).toEqual([0.9, 0.7]);
  });

  test('refuses a file without an output, and one for squares of another size', async () => {
    const lacking = await yunetNetwork(nextFile(), [], {without: 'cls_16'});
    const options = {size: 640, minScore: 0.6, threads: 1};
    await expect(openOnnxDetector('yunet', {...options, path: lacking})).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining("expected an output 'cls_16'") as unknown,
    });
    const fixed = await yunetNetwork(nextFile(), [], {size: 320});
    await expect(openOnnxDetector('yunet', {...options, path: fixed})).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('[1, 3, 640, 640]') as unknown,
    });
  });
});

describe('scrfd', () => {
  /** Second anchor of row 3, column 5 of stride 16: at (80, 48). */
  const anchor = {stride: 16, index: 2 * (3 * 40 + 5) + 1, score: 0.8, box: [2, 3, 4, 5], points} as const;

  test('gives boxes, scores and points in pixels of the frame', async () => {
    const file = await scrfdNetwork(nextFile(), [anchor]);
    await using detector = await openOnnxDetector('scrfd', {path: file, size: 640, minScore: 0.5, threads: 1});
    const [found, ...rest] = await detector.detect(red);
    expect(rest).toEqual([]);
    // Red is the first plane, and 255 becomes (255 − 127.5) / 128.
    expect(found!.score).toBeCloseTo((0.8 * 127.5) / 128, 5);
    expect(Object.values(found!.box).map((value) => Math.round(value * 1000) / 1000)).toEqual([24, 0, 48, 64]);
    const expected = [24, 12, 56, 12, 40, 24, 28, 40, 52, 40];
    for (const [index, {x, y}] of found!.landmarks!.entries()) {
      expect(x).toBeCloseTo(expected[2 * index]!, 3);
      expect(y).toBeCloseTo(expected[2 * index + 1]!, 3);
    }
    expect(await detector.detect(blue)).toEqual([]);
  });

  test('drops the weaker anchor of a cell, and keeps other strides', async () => {
    const weaker = {...anchor, index: anchor.index - 1, score: 0.7};
    const large = {stride: 32, index: 2 * (10 * 20 + 15), score: 0.6, box: [1, 1, 1, 1], points} as const;
    const small = {stride: 8, index: 2 * (50 * 80 + 10), score: 0.9, box: [1, 1, 1, 1], points} as const;
    const file = await scrfdNetwork(nextFile(), [anchor, weaker, large, small]);
    await using detector = await openOnnxDetector('scrfd', {path: file, size: 640, minScore: 0.5, threads: 1});
    expect((await detector.detect(red)).map(({box}) => Math.round(box.width * 10) / 10)).toEqual([8, 48, 32]);
  });

  test('reads squares of another size, where the file allows it', async () => {
    const file = await scrfdNetwork(nextFile(), [{...anchor, index: 2 * (3 * 20 + 5) + 1}], {size: 320});
    await using detector = await openOnnxDetector('scrfd', {path: file, size: 320, minScore: 0.5, threads: 1});
    expect((await detector.detect(red))[0]!.box.width).toBeCloseTo(96, 3);
  });

  test('refuses a file that finds no points, and says which to take', async () => {
    const file = await scrfdNetwork(nextFile(), [anchor], {withPoints: false});
    const options = {path: file, size: 640, minScore: 0.5, threads: 1};
    await expect(openOnnxDetector('scrfd', options)).rejects.toMatchObject({
      code: 'bad-model',
      remedy: expect.stringContaining('det_10g.onnx') as unknown,
    });
  });
});

test('face-alignment takes the points of such a detector as they are', async () => {
  const model = await yunetNetwork(nextFile(), [face]);
  const file = path.join(folder, 'blue.mp4');
  await writeClip(file, [blue, blue]);
  const timeline = [0, 1].map((frameIndex) => ({frameIndex, timeSeconds: frameIndex / 10}));
  const params = {detector: 'yunet', model} as const;
  const {outputs} = await runStage(faceAlignment, {inputs: {video: file, timeline}, params});
  expect(outputs.faces.all.map(({found}) => found)).toEqual([true, true]);
  expect([...outputs.faces.all[1]!.landmarks].map(Math.round)).toEqual([32, 74, 48, 74, 40, 80, 34, 88, 46, 88]);
  expect(faceAlignment.models!(faceAlignment.params.parse(params))).toEqual([{id: 'detector', path: model}]);
  expect(faceAlignment.params.safeParse({detector: 'scrfd'}).error!.issues[0]!.path).toEqual(['model']);
});
