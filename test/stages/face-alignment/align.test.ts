import {describe, expect, test} from 'vitest';
import {mapAhead} from '../../../stages/face-alignment/ahead.js';
import {alignment, findSubject, type FindOptions, type Frame} from '../../../stages/face-alignment/align.js';
import {firstThatFinds, type Detection} from '../../../stages/face-alignment/detector.js';
import {apply, estimateSimilarity, type Transform} from '../../../stages/face-alignment/similarity.js';
import {template} from '../../../stages/face-alignment/template.js';

const frameIndexOf = ({rgb}: {readonly rgb: Uint8Array}) => rgb[0]!;

/** Frames of 10 per second whose first byte tells their position. */
async function* framesOf(count: number): AsyncGenerator<Frame> {
  for (let index = 0; index < count; index++) {
    yield await Promise.resolve({width: 400, height: 300, rgb: Uint8Array.of(index), timeSeconds: index / 10});
  }
}

/** A face that moves 2 pixels to the right per frame and is there in the frames `seen` says. */
function walkingFace(seen: (index: number) => boolean) {
  const looks: number[] = [];
  const detection = (index: number): Detection => ({
    box: {left: 100 + 2 * index, top: 80, width: 60, height: 70},
    score: 0.9,
  });
  const options: FindOptions = {
    detector: {
      detect: (image) => {
        looks.push(frameIndexOf(image));
        return Promise.resolve(seen(frameIndexOf(image)) ? [detection(frameIndexOf(image))] : []);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    landmarkFinder: {
      find: (_, {left, top}) => Promise.resolve(template.map(({x, y}) => ({x: left + x, y: top + y}))),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    subject: 'largest',
    detectEvery: 1,
    searchEvery: 1,
    smoothing: 0,
  };
  return {looks, options};
}

async function leftsOf(count: number, options: FindOptions): Promise<(number | undefined)[]> {
  const lefts: (number | undefined)[] = [];
  for await (const {face} of findSubject(framesOf(count), options)) lefts.push(face?.box.left);
  return lefts;
}

describe('findSubject', () => {
  test('looks at every frame, and says where there is no face', async () => {
    const {looks, options} = walkingFace((index) => index !== 2);
    expect(await leftsOf(5, options)).toEqual([100, 102, undefined, 106, 108]);
    expect(looks).toEqual([0, 1, 2, 3, 4]);
  });

  test('looks at every n-th frame after a second without a face, and goes back to where it appeared', async () => {
    const {looks, options} = walkingFace((index) => index === 2 || index >= 21);
    const every = await leftsOf(26, options);
    looks.length = 0;
    expect(await leftsOf(26, {...options, searchEvery: 5})).toEqual(every);
    // Last seen at 0.2 s, so that every frame up to 1.2 s is looked at; then groups of five end at 17 and 22.
    expect(looks).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 17, 22, 18, 19, 20, 21, 23, 24, 25]);
  });

  test('looking at every third frame gives the same boxes of a face in even motion, with a third of the looks', async () => {
    const {looks, options} = walkingFace(() => true);
    const every = await leftsOf(12, options);
    looks.length = 0;
    expect(await leftsOf(12, {...options, detectEvery: 3})).toEqual(every);
    // Before the first look nothing is known, so its two frames are looked at as well.
    expect(looks).toEqual([2, 0, 1, 5, 8, 11]);
  });

  test('looking at every third frame finds exactly the frame in which the face disappears and appears', async () => {
    const {options} = walkingFace((index) => index < 4 || index > 9);
    expect(await leftsOf(14, {...options, detectEvery: 3})).toEqual(await leftsOf(14, options));
  });

  test('handles a clip that ends between two looks, or has one frame', async () => {
    const {options} = walkingFace(() => true);
    expect(await leftsOf(8, {...options, detectEvery: 5})).toEqual(await leftsOf(8, options));
    expect(await leftsOf(1, {...options, detectEvery: 5})).toEqual([100]);
    expect(await leftsOf(0, options)).toEqual([]);
  });

  test('smoothing mixes in the landmarks of the frame before, and begins anew after a gap', async () => {
    const {options} = walkingFace((index) => index !== 2);
    const noses: (number | undefined)[] = [];
    for await (const {face} of findSubject(framesOf(4), {...options, smoothing: 0.5}))
      noses.push(face?.landmarks[2]?.x);
    const nose = template[2]!.x;
    expect(noses).toEqual([100 + nose, 101 + nose, undefined, 106 + nose]);
  });
});

test('a second detector is asked only where the first finds nothing', async () => {
  const first = walkingFace((index) => index !== 1);
  const second = walkingFace(() => true);
  const detector = firstThatFinds([first.options.detector, second.options.detector]);
  expect(await leftsOf(3, {...first.options, detector})).toEqual([100, 102, 104]);
  expect([first.looks, second.looks]).toEqual([[0, 1, 2], [1]]);
});

describe('alignment', () => {
  test('puts the landmarks of a turned, scaled face onto the template', () => {
    const away: Transform = [1.2, -0.5, 40, 0.5, 1.2, -10];
    const landmarks = template.map((point) => apply(away, point));
    const transform = alignment({box: {left: 0, top: 0, width: 1, height: 1}, score: 1, landmarks})!;
    expect(transform).toEqual(estimateSimilarity(landmarks, template));
    for (const [index, point] of landmarks.entries())
      expect(apply(transform, point).x).toBeCloseTo(template[index]!.x, 9);
  });

  test('does not exist where all landmarks coincide', () => {
    const landmarks = template.map(() => ({x: 3, y: 3}));
    expect(alignment({box: {left: 0, top: 0, width: 1, height: 1}, score: 1, landmarks})).toBeUndefined();
  });
});

describe('mapAhead', () => {
  async function* numbers(count: number): AsyncGenerator<number> {
    for (let index = 0; index < count; index++) yield await Promise.resolve(index);
  }

  test('keeps the order, whichever result is ready first', async () => {
    const results: number[] = [];
    const map = (item: number) => new Promise<number>((resolve) => setTimeout(() => resolve(item * 10), 10 - item));
    for await (const result of mapAhead(numbers(6), 3, map)) results.push(result);
    expect(results).toEqual([0, 10, 20, 30, 40, 50]);
  });

  test('fails where the failed result would have come, after those before it', async () => {
    const results: number[] = [];
    const map = (item: number) => (item === 2 ? Promise.reject(new Error('third')) : Promise.resolve(item));
    const run = async () => {
      for await (const result of mapAhead(numbers(9), 3, map)) results.push(result);
    };
    await expect(run()).rejects.toThrow('third');
    expect(results).toEqual([0, 1]);
  });
});
