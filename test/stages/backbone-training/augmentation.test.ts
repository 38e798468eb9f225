import {describe, expect, it} from 'vitest';
import {drawViews, middleView} from '../../../stages/backbone-training/augmentation.js';
import {writeView} from '../../../stages/backbone-training/crops.js';
import {networks} from '../../../stages/backbone-training/networks/index.js';
import type {CropFormat} from '../../../stages/backbone-training/networks/network.js';
import {random} from '../../../stages/learning/random.js';

const network = networks['ir50']!;
const both = {randomCrop: true, randomFlip: true};
const draw = (seed: number, step: number, augmentation = both, count = 400) =>
  drawViews(count, {network, augmentation, random: random(seed), step});

describe('augmentation', () => {
  it('draws each place of a 40-pixel part in a 48-pixel crop, and mirrors every second window', () => {
    const views = draw(1, 1, both, 4000);
    for (const side of ['left', 'top'] as const)
      expect([...new Set(views.map((view) => view[side]))].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const share = views.filter(({mirrored}) => mirrored).length / views.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.03);
  });

  it('is decided by seed and step alone', () => {
    expect(draw(1, 7)).toEqual(draw(1, 7));
    expect(draw(1, 7)).not.toEqual(draw(2, 7));
    expect(draw(1, 7)).not.toEqual(draw(1, 8));
  });

  it('is the middle where it is switched off, and in evaluation', () => {
    const off = draw(1, 1, {randomCrop: false, randomFlip: false}, 3);
    expect(off).toEqual(Array(3).fill(middleView(network)));
    expect(middleView(network)).toEqual({left: 4, top: 4, mirrored: false});
    expect(draw(1, 1, {randomCrop: false, randomFlip: true}).every(({left, top}) => left === 4 && top === 4)).toBe(
      true,
    );
  });
});

describe('a view', () => {
  const format: CropFormat = {kind: 'crop', resizeTo: 3, size: 2, mean: [0, 10, 20], std: [1, 2, 4]};
  // Red counts pixels, green is 10 throughout, blue 24.
  const pixels = Uint8Array.from({length: 27}, (_, i) => [Math.floor(i / 3), 10, 24][i % 3]!);
  const reds = (view: Parameters<typeof writeView>[3]) => {
    const out = new Float32Array(12);
    writeView(out, pixels, format, view);
    expect([...out].filter((_, i) => i % 3 > 0)).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    return [...out].filter((_, i) => i % 3 === 0);
  };

  it('cuts its part out of the crop, and mirrors it', () => {
    expect(reds({left: 0, top: 0, mirrored: false})).toEqual([0, 1, 3, 4]);
    expect(reds({left: 1, top: 1, mirrored: false})).toEqual([4, 5, 7, 8]);
    expect(reds({left: 1, top: 1, mirrored: true})).toEqual([5, 4, 8, 7]);
  });
});
