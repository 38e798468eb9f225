import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {
  apply,
  compose,
  estimateSimilarity,
  identity,
  invert,
  rescale,
  scaleOf,
  type Transform,
} from '../../../stages/face-alignment/similarity.js';
import {template} from '../../../stages/face-alignment/template.js';

const reference = JSON.parse(
  readFileSync(new URL('../../fixtures/reference/similarity.json', import.meta.url), 'utf8'),
) as {
  template: [number, number][];
  cases: {points: [number, number][]; transform: number[]}[];
};
const points = (pairs: [number, number][]) => pairs.map(([x, y]) => ({x, y}));

describe('estimateSimilarity', () => {
  test('uses the template of InsightFace and OpenCV Zoo', () => {
    expect(template).toEqual(points(reference.template));
  });

  test.each(reference.cases.map((item, index) => ({...item, index})))(
    'agrees with scikit-image, case $index',
    ({points: from, transform}) => {
      const estimated = estimateSimilarity(points(from), template);
      // Both work in double precision; coordinates reach 1000.
      for (const [index, value] of transform.entries()) expect(estimated[index]).toBeCloseTo(value, 9);
    },
  );

  test('recovers any similarity exactly from its own images', () => {
    const numbers = fc.double({min: -500, max: 500, noNaN: true});
    fc.assert(
      fc.property(
        fc.double({min: -3.1, max: 3.1, noNaN: true}),
        fc.double({min: 0.05, max: 20, noNaN: true}),
        numbers,
        numbers,
        (angle, scale, x, y) => {
          const [c, s] = [scale * Math.cos(angle), scale * Math.sin(angle)];
          const truth: Transform = [c, -s, x, s, c, y];
          const estimated = estimateSimilarity(
            template,
            template.map((point) => apply(truth, point)),
          );
          for (const index of truth.keys()) expect(estimated[index]).toBeCloseTo(truth[index]!, 6);
          expect(scaleOf(estimated)).toBeCloseTo(scale, 6);
        },
      ),
    );
  });

  test('of the template to itself is the identity', () => {
    const estimated = estimateSimilarity(template, template);
    for (const index of identity.keys()) expect(estimated[index]).toBeCloseTo(identity[index]!, 12);
  });

  test('refuses points that all coincide', () => {
    expect(() =>
      estimateSimilarity(
        template.map(() => ({x: 4, y: 4})),
        template,
      ),
    ).toThrow(RangeError);
  });
});

test('a transform and its inverse cancel', () => {
  const transform: Transform = [0.4, -0.3, 12, 0.3, 0.4, -7];
  const back = apply(invert(transform), apply(transform, {x: 31, y: -8}));
  expect(back.x).toBeCloseTo(31, 12);
  expect(back.y).toBeCloseTo(-8, 12);
});

test('a composition does its second transform first', () => {
  const [turn, shift]: Transform[] = [
    [0, -2, 0, 2, 0, 0],
    [1, 0, 5, 0, 1, 3],
  ];
  expect(apply(compose(turn!, shift!), {x: 1, y: 1})).toEqual(apply(turn!, apply(shift!, {x: 1, y: 1})));
  expect(compose(turn!, identity)).toEqual(turn);
});

test('rescaling keeps the edges of the crop where they are', () => {
  const half = rescale(identity, 48 / 112);
  expect(apply(half, {x: -0.5, y: -0.5})).toEqual({x: -0.5, y: -0.5});
  expect(apply(half, {x: 111.5, y: 111.5}).x).toBeCloseTo(47.5, 12);
});
