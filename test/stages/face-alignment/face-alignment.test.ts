import path from 'node:path';
import {describe, expect, test} from 'vitest';
import type {z} from 'zod';
import {decodeCrop} from '../../../stages/face-alignment/crop-image.js';
import type {RgbImage} from '../../../stages/face-alignment/image.js';
import {apply, type Transform} from '../../../stages/face-alignment/similarity.js';
import {template} from '../../../stages/face-alignment/template.js';
import {warp} from '../../../stages/face-alignment/warp.js';
import {faceAlignment} from '../../../stages/face-alignment.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {drawFaces, writeClip, type DrawnFace, type Size} from './drawn-face.js';

const small = {width: 320, height: 240};
const folder = temporaryFolder();
let clipCount = 0;

/** Writes a clip of ten frames per second; each entry draws one frame. */
async function clipOf(frames: readonly (readonly DrawnFace[])[], size: Size = small): Promise<string> {
  const file = path.join(folder, `${clipCount++}.mp4`);
  const images: RgbImage[] = [];
  for (const faces of frames) images.push(await drawFaces(size, faces));
  await writeClip(file, images);
  return file;
}

const timelineOf = (frameCount: number) =>
  Array.from({length: frameCount}, (_, frameIndex) => ({frameIndex, timeSeconds: frameIndex / 10}));

async function alignClip(video: string, frameCount: number, params: z.input<typeof faceAlignment.params> = {}) {
  const {outputs, warnings, notes} = await runStage(faceAlignment, {
    inputs: {video, timeline: timelineOf(frameCount)},
    params,
  });
  return {rows: outputs.faces.all, warnings, notes};
}

const middle: DrawnFace = {middleX: 160, middleY: 120, height: 140};

describe('face-alignment', () => {
  test('aligns a face that moves, grows and turns, so that its eyes and mouth stay where the template has them', async () => {
    const path = Array.from({length: 6}, (_, index) => ({
      middleX: 120 + 15 * index,
      middleY: 110 + 4 * index,
      height: 120 + 8 * index,
      rollDegrees: 4 * index - 10,
    }));
    const {rows, warnings, notes} = await alignClip(await clipOf(path.map((face) => [face])), 6);
    expect(rows.map(({found}) => found)).toEqual(path.map(() => true));
    expect(warnings).toEqual([]);
    expect(notes).toEqual({framesWithFace: 6});
    for (const [index, row] of rows.entries()) {
      expect(row.frameIndex).toBe(index);
      expect(row.timeSeconds).toBe(index / 10);
      const {middleX, middleY, height, rollDegrees} = path[index]!;
      const unit = height / 2;
      const [c, s] = [unit * Math.cos((rollDegrees * Math.PI) / 180), unit * Math.sin((rollDegrees * Math.PI) / 180)];
      const eye = apply([...row.transform] as unknown as Transform, {
        x: middleX - 0.33 * c + 0.16 * s,
        y: middleY - 0.33 * s - 0.16 * c,
      });
      // Drawn proportions differ from the template's, so a few pixels remain; what counts is that they are the same in all frames.
      expect(Math.hypot(eye.x - template[0]!.x, eye.y - template[0]!.y)).toBeLessThan(8);
      expect(await decodeCrop(row.image)).toMatchObject({width: 112, height: 112});
    }
  });

  test('writes the same bytes when it runs again', async () => {
    const video = await clipOf([[middle], [{...middle, smile: 1}], []]);
    expect(await alignClip(video, 3)).toEqual(await alignClip(video, 3));
  });

  test('gives black images and a warning for a video without a face', async () => {
    const {rows, warnings, notes} = await alignClip(await clipOf([[], [], []]), 3);
    expect(rows.map(({found, score}) => [found, score])).toEqual([
      [false, 0],
      [false, 0],
      [false, 0],
    ]);
    expect((await decodeCrop(rows[0]!.image)).rgb.every((value) => value === 0)).toBe(true);
    expect(rows[2]!.image).toEqual(rows[0]!.image);
    expect(warnings).toEqual(['no face in 3 of 3 frames']);
    expect(notes).toEqual({framesWithFace: 0});
  });

  test('follows a face that leaves the frame and comes back', async () => {
    const positions = [160, 160, 700, 700, 170, 170];
    const {rows} = await alignClip(await clipOf(positions.map((middleX) => [{...middle, middleX}])), 6);
    expect(rows.map(({found}) => found)).toEqual([true, true, false, false, true, true]);
  });

  test('takes the person that is asked for where two are in view', async () => {
    const two = [
      {...middle, middleX: 80, height: 110},
      {...middle, middleX: 235, height: 130},
    ];
    const video = await clipOf([two, two.toReversed()]);
    const middleXs = async (subject: 'largest' | 'left' | 'right') =>
      (await alignClip(video, 2, {subject})).rows.map(({box}) => Math.round((box[0]! + box[2]! / 2) / 80));
    expect(await middleXs('left')).toEqual([1, 1]);
    expect(await middleXs('right')).toEqual([3, 3]);
    expect(await middleXs('largest')).toEqual([3, 3]);
  });

  test('looking at every third frame gives nearly the same crops', async () => {
    const faces = Array.from({length: 7}, (_, index) => [{...middle, middleX: 130 + 6 * index}]);
    const video = await clipOf(faces);
    const [every, third] = [await alignClip(video, 7), await alignClip(video, 7, {detectEvery: 3})];
    for (const [index, {landmarks}] of every.rows.entries()) {
      const distances = landmarks.map((value, position) => Math.abs(value - third.rows[index]!.landmarks[position]!));
      expect(Math.max(...distances)).toBeLessThan(5);
    }
  });

  test.each([
    {name: 'one frame', size: small, frames: 1, found: true},
    {name: 'a portrait of odd sides', size: {width: 214, height: 382}, frames: 2, found: true},
    {name: 'a tiny video', size: {width: 32, height: 32}, frames: 2, found: false},
  ])('handles $name', async ({size, frames, found}) => {
    const face = {
      middleX: size.width / 2,
      middleY: size.height / 2,
      height: Math.min(size.width * 0.65, size.height * 0.6),
    };
    const {rows} = await alignClip(
      await clipOf(
        Array.from({length: frames}, () => (found ? [face] : [])),
        size,
      ),
      frames,
    );
    expect(rows.map((row) => row.found)).toEqual(Array.from({length: frames}, () => found));
  });

  test('finds a face in a huge frame and shrinks it without aliasing', async () => {
    const size = {width: 2560, height: 1440};
    const face = {middleX: 1250, middleY: 730, height: 860};
    const {rows} = await alignClip(await clipOf([[face]], size), 1);
    expect(rows[0]!.found).toBe(true);
    // The frame, drawn again without compression and cut by the stored transform, is what was stored.
    const again = warp(await drawFaces(size, [face]), [...rows[0]!.transform] as unknown as Transform, 112);
    const stored = await decodeCrop(rows[0]!.image);
    const mean =
      stored.rgb.reduce((sum, value, index) => sum + Math.abs(value - again.rgb[index]!), 0) / stored.rgb.length;
    expect(mean).toBeLessThan(4);
  });

  test('counts frames that the video lacks as frames without a face, and leaves out those beyond the timeline', async () => {
    const video = await clipOf([[middle], [middle], [middle]]);
    const longer = await alignClip(video, 5);
    expect(longer.rows.map(({found}) => found)).toEqual([true, true, true, false, false]);
    expect(longer.warnings).toEqual([
      'decoded 3 of 5 frames; the rest count as frames without a face',
      'no face in 2 of 5 frames',
    ]);
    const shorter = await alignClip(video, 2);
    expect(shorter.rows).toHaveLength(2);
    expect(shorter.warnings).toEqual([]);
  });

  test('fails with the reason where the video cannot be read', async () => {
    await expect(alignClip(path.join(folder, 'absent.mp4'), 1)).rejects.toMatchObject({code: 'unreadable-file'});
  });
});

test('model files of the chosen detector enter the fingerprint, with their scales', () => {
  const ids = (detector: 'face-api-tiny' | 'face-api-ssd') =>
    faceAlignment.models!(faceAlignment.params.parse({detector})).map(({id}) => id);
  expect(ids('face-api-tiny')).toEqual([
    'tiny_face_detector',
    'tiny_face_detector.manifest',
    'face_landmark_68',
    'face_landmark_68.manifest',
  ]);
  expect(ids('face-api-ssd')).toEqual([
    'ssd_mobilenetv1',
    'ssd_mobilenetv1.manifest',
    'face_landmark_68',
    'face_landmark_68.manifest',
  ]);
});
