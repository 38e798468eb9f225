/** Published face images through the whole command: only what they decide runs again when one changes. */
import {mkdirSync, readdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import {beforeAll, expect, it} from 'vitest';
import {makeDemoDataset} from '../../pipeline/datasets/demo/demo-dataset.js';
import {affectflow, producedByStage} from '../helpers/command.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

const EXPERIMENT = `
name: crops
dataset: {videos: videos, annotations: annotations, croppedAligned: [crops]}
stages: {face-alignment: {source: cropped-aligned}}
systems: [visual]
`;
const FRAMES = 20;

const folder = temporaryFolder();
beforeAll(async () => {
  await makeDemoDataset({folder, seed: 5, subjectCount: 2, clipsPerSubject: 1, secondsPerClip: 2, frameRateHz: 10});
  writeFileSync(path.join(folder, 'e.yaml'), EXPERIMENT);
  for (const clip of clips()) {
    mkdirSync(path.join(folder, 'crops', clip), {recursive: true});
    for (let number = 1; number <= FRAMES; number++) writeFileSync(imageOf(clip, number), await grey(number));
  }
}, 60_000);

const clips = () => readdirSync(path.join(folder, 'videos')).map((name) => path.parse(name).name);
const imageOf = (clip: string, number: number) =>
  path.join(folder, 'crops', clip, `${String(number).padStart(5, '0')}.jpg`);
const grey = (level: number) =>
  sharp({create: {width: 112, height: 112, channels: 3, background: {r: level, g: level, b: level}}})
    .jpeg()
    .toBuffer();
const run = () => affectflow(['run', 'e.yaml', '--clips', '*', '--json'], folder);

it('an image that is replaced changes the faces of its clip and of no other', async () => {
  const first = run();
  expect(first.err).toBe('');
  expect(producedByStage(first)).toEqual({demux: 2, 'face-alignment': 2, annotation: 2, 'visual-embedding': 2});
  expect(producedByStage(run())).toEqual({});
  writeFileSync(imageOf(clips()[1]!, 3), await grey(200));
  const again = run();
  expect(producedByStage(again)).toEqual({'face-alignment': 1, 'visual-embedding': 1});
  expect(again.out).toContain('croppedAligned changed');
  const {out} = affectflow(['lineage', 'downstream', path.join('crops', clips()[0]!)], folder);
  expect(out).toContain('face-alignment');
});
