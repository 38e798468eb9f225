import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import {describe, expect, test} from 'vitest';
import {decodeCrop} from '../../../stages/face-alignment/crop-image.js';
import {faceAlignment} from '../../../stages/face-alignment.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {drawFaces} from './drawn-face.js';

/** A face drawn at a size, as the JPEG file that a data set would hold. */
async function jpeg(smile = 0, width = 112, height = width): Promise<Buffer> {
  const face = {middleX: width / 2, middleY: height / 2, height: height * 0.8, smile};
  const {rgb} = await drawFaces({width, height}, [face]);
  return sharp(rgb, {raw: {width, height, channels: 3}})
    .jpeg({quality: 90})
    .toBuffer();
}

async function folderOf(files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const folder = temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(folder, name), bytes);
  return folder;
}

async function facesOf(folder: string | undefined, frameCount: number) {
  const timeline = Array.from({length: frameCount}, (_, frameIndex) => ({frameIndex, timeSeconds: frameIndex / 25}));
  const params = {source: 'cropped-aligned'} as const;
  const {outputs, warnings, notes} = await runStage(faceAlignment, {
    inputs: {timeline, croppedAligned: folder},
    params,
  });
  return {rows: outputs.faces.all, warnings, notes};
}

const [first, second, third] = [await jpeg(-1), await jpeg(0), await jpeg(1)];
const upright = await jpeg(0, 96, 128);

describe('published face images', () => {
  test('give file k to the k-th frame, byte for byte, and a black image to a frame without one', async () => {
    const folder = await folderOf({
      '00001.jpg': first,
      '00002.JPG': second,
      '00004.jpeg': third,
      'Thumbs.db': 'no image',
    });
    const {rows, warnings, notes} = await facesOf(folder, 5);
    expect(rows.map(({frameIndex, timeSeconds, found}) => [frameIndex, timeSeconds, found])).toEqual([
      [0, 0, true],
      [1, 1 / 25, true],
      [2, 2 / 25, false],
      [3, 3 / 25, true],
      [4, 4 / 25, false],
    ]);
    expect([rows[0], rows[1], rows[3]].map((row) => Buffer.from(row!.image))).toEqual([first, second, third]);
    expect((await decodeCrop(rows[2]!.image)).rgb.every((value) => value === 0)).toBe(true);
    expect(rows[2]!.image).toEqual(rows[4]!.image);
    expect(warnings).toEqual(['no face in 2 of 5 frames']);
    expect(notes).toEqual({framesWithFace: 3});
  });

  test('have no score, and no box, landmarks and transform', async () => {
    const {rows} = await facesOf(await folderOf({'00001.jpg': first}), 2);
    const known = rows.map(({score, box, landmarks, transform}) => [score, ...box, ...landmarks, ...transform]);
    const nowhere = Array<number>(20).fill(0);
    expect(known).toEqual([
      [NaN, ...nowhere],
      [0, ...nowhere],
    ]);
  });

  test('are scaled where they have another size, shrinking by area', async () => {
    const large = await jpeg(0, 448);
    const {rows} = await facesOf(await folderOf({'00001.jpg': large, '00002.jpg': await jpeg(0, 56)}), 2);
    const [shrunk, grown] = [await decodeCrop(rows[0]!.image), await decodeCrop(rows[1]!.image)];
    expect([shrunk.width, shrunk.height, grown.width, grown.height]).toEqual([112, 112, 112, 112]);
    // Every pixel is the mean of the 4 × 4 pixels that it covers.
    const whole = await decodeCrop(large);
    const mean = (x: number, y: number, channel: number) => {
      let sum = 0;
      for (let v = 0; v < 4; v++)
        for (let u = 0; u < 4; u++) sum += whole.rgb[((4 * y + v) * 448 + 4 * x + u) * 3 + channel]!;
      return Math.round(sum / 16);
    };
    for (const [x, y] of [
      [0, 0],
      [50, 40],
      [111, 111],
      [30, 77],
    ] as const) {
      expect([0, 1, 2].map((channel) => shrunk.rgb[(y * 112 + x) * 3 + channel])).toEqual(
        [0, 1, 2].map((channel) => mean(x, y, channel)),
      );
    }
  });

  test('may be grey or lossless', async () => {
    const grey = await sharp(second).greyscale().jpeg().toBuffer();
    const {rows, warnings} = await facesOf(
      await folderOf({'00001.jpg': grey, '00002.png': await sharp(second).png().toBuffer()}),
      2,
    );
    expect(rows.map(({found}) => found)).toEqual([true, true]);
    const {rgb} = await decodeCrop(rows[0]!.image);
    expect([rgb[3000], rgb[3001]]).toEqual([rgb[3002], rgb[3002]]);
    expect(rows[1]!.image).toEqual(new Uint8Array(await sharp(second).png().toBuffer()));
    expect(warnings).toEqual([]);
  });

  test('that are cut off or no images count as frames without a face, and are reported', async () => {
    const folder = await folderOf({
      '00001.jpg': first,
      '00002.jpg': second.subarray(0, second.length / 2),
      '00003.jpg': '',
      '00004.jpg': third,
    });
    const {rows, warnings} = await facesOf(folder, 4);
    expect(rows.map(({found}) => found)).toEqual([true, false, false, true]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^2 of 4 images cannot be decoded, first 00002\.jpg \(.+\); they count as frames without a face$/,
      ),
      'no face in 2 of 4 frames',
    ]);
  });

  test('beyond the frames of the video are left out with a warning', async () => {
    const folder = await folderOf({'00001.jpg': first, '00003.jpg': second, '00007.jpg': third});
    const {rows, warnings} = await facesOf(folder, 2);
    expect(rows.map(({found}) => found)).toEqual([true, false]);
    expect(warnings[0]).toBe(
      `2 images of ${folder} are numbered beyond the 2 frames of the video, up to 7, and are left out; were they made at another frame rate, faces and frames do not belong together`,
    );
  });

  test.each([
    {name: 'that are missing for the clip', files: undefined, message: /no folder of face images/},
    {name: 'of which there are none', files: {'readme.txt': 'hello'}, message: /holds no images called 00001\.jpg/},
    {
      name: 'that are numbered from 0',
      files: {'00000.jpg': first, '00001.jpg': second},
      message: /numbered from 0 \(00000\.jpg\)/,
    },
    {
      name: 'of which two are of one frame',
      files: {'1.jpg': first, '00001.jpg': second},
      message: /00001\.jpg and 1\.jpg are of the same frame/,
    },
    {
      name: 'that are not square',
      files: {'00001.jpg': upright},
      message: /96 x 128 pixels, where aligned faces are square/,
    },
    {
      name: 'none of which can be decoded',
      files: {'00001.jpg': 'x', '00002.jpg': 'y'},
      message: /2 of 2 images cannot be decoded/,
    },
  ])('$name are an error that says what to do', async ({files, message}) => {
    const folder = files && (await folderOf(files));
    const failure: unknown = await facesOf(folder, 3).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'StageError',
      code: 'bad-images',
      message: expect.stringMatching(message) as string,
    });
    expect((failure as {remedy: string}).remedy).toMatch(/\.$/);
  });

  test('give the same bytes when they are read again', async () => {
    const folder = await folderOf({'00001.jpg': first, '00002.jpg': await jpeg(0, 200)});
    const [once, again] = [await facesOf(folder, 3), await facesOf(folder, 3)];
    expect(once).toEqual(again);
  });
});

test('published images need neither the video nor a network, which so are not in the fingerprint', () => {
  const params = faceAlignment.params.parse({source: 'cropped-aligned'});
  expect(faceAlignment.reads!(params)).toEqual(['timeline', 'croppedAligned']);
  expect(faceAlignment.models!(params)).toEqual([]);
  const found = faceAlignment.params.parse({});
  expect(faceAlignment.reads!(found)).toEqual(['video', 'timeline']);
  expect('source' in found).toBe(false);
});
