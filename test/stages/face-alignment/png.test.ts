import {readFileSync} from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import {expect, test} from 'vitest';
import {decodeCrop, encodeCrop} from '../../../stages/face-alignment/crop-image.js';
import {blackImage, type RgbImage} from '../../../stages/face-alignment/image.js';
import {decodePng, encodePng} from '../../../stages/face-alignment/png.js';

const photographs = path.resolve(import.meta.dirname, '../../../node_modules/@vladmandic/face-api/demo');

async function photograph(): Promise<RgbImage> {
  const region = {left: 200, top: 150, width: 224, height: 224};
  const rgb = await sharp(readFileSync(path.join(photographs, 'sample1.jpg')))
    .extract(region)
    .resize(112, 112)
    .removeAlpha()
    .raw()
    .toBuffer();
  return {width: 112, height: 112, rgb: new Uint8Array(rgb)};
}

const images = fc
  .record({width: fc.integer({min: 1, max: 9}), height: fc.integer({min: 1, max: 9})})
  .chain(({width, height}) =>
    fc
      .uint8Array({minLength: width * height * 3, maxLength: width * height * 3})
      .map((rgb): RgbImage => ({width, height, rgb})),
  );

test('any image comes back as it was, here and in another program', async () => {
  await fc.assert(
    fc.asyncProperty(images, async (image) => {
      const file = encodePng(image);
      expect(decodePng(file)).toEqual(image);
      const {data, info} = await sharp(file).raw().toBuffer({resolveWithObject: true});
      expect([info.width, info.height, info.channels, [...data]]).toEqual([
        image.width,
        image.height,
        3,
        [...image.rgb],
      ]);
    }),
    {numRuns: 60, seed: 1},
  );
});

test('a crop of a photograph takes little more than half of its bytes, and a black one nearly none', async () => {
  const image = await photograph();
  const file = await encodeCrop(image);
  expect(await decodeCrop(file)).toEqual(image);
  expect(file.length).toBeLessThan(image.rgb.length * 0.6);
  expect((await encodeCrop(blackImage(112))).length).toBeLessThan(400);
});

test('files of other programs and formats are read all the same', async () => {
  const image = await photograph();
  const made = sharp(image.rgb, {raw: {width: 112, height: 112, channels: 3}});
  const lossless = [
    await made.clone().png().toBuffer(),
    await made.clone().png({adaptiveFiltering: true}).toBuffer(),
    await made.clone().png({progressive: true}).toBuffer(),
    await made.clone().webp({lossless: true}).toBuffer(),
  ];
  for (const file of lossless) {
    expect(decodePng(file)).toBeUndefined();
    expect({...(await decodeCrop(file))}).toMatchObject({width: 112, height: 112});
    expect(new Uint8Array((await decodeCrop(file)).rgb)).toEqual(image.rgb);
  }
});

test('a damaged file is refused with the reason', async () => {
  const file = await encodeCrop(await photograph());
  const flipped = Uint8Array.from(file);
  flipped[file.length >> 1]! ^= 0xff;
  for (const damaged of [file.subarray(0, file.length >> 1), file.subarray(0, 20), new Uint8Array(0), flipped]) {
    await expect(decodeCrop(damaged)).rejects.toMatchObject({code: 'unreadable-file'});
  }
});
