import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {lengthOf, OverlapAverage, windowsOf} from '../../../stages/fusion-training/windows.js';

const frames = {windowFrames: 300, hopFrames: 200, clipFrames: 1};
const clips = {windowFrames: 256, hopFrames: 200, clipFrames: 32};

describe('frame-level windows', () => {
  it('start every 200 frames, and once more at the end where frames are left', () => {
    const firsts = (frameCount: number) => windowsOf(0, frameCount, frames).map(({first}) => first);
    expect(firsts(0)).toEqual([]);
    expect(firsts(300)).toEqual([0]);
    expect(firsts(301)).toEqual([0, 1]);
    expect(firsts(500)).toEqual([0, 200]);
    expect(firsts(501)).toEqual([0, 200, 201]);
  });

  it('of a clip shorter than a window is one, of which only the real steps count', () => {
    expect(windowsOf(4, 299, frames)).toEqual([{clip: 4, first: 0, stride: 1, steps: 299}]);
  });
});

describe('clip-level windows', () => {
  it('have as many steps as clips of frames fit', () => {
    expect(lengthOf(clips)).toBe(8);
    expect(lengthOf({...clips, windowFrames: 512})).toBe(16);
  });

  it('end at every frame exactly once', () => {
    fc.assert(
      fc.property(fc.integer({min: 0, max: 900}), (frameCount) => {
        const ends = windowsOf(0, frameCount, clips).flatMap(({first, stride, steps}) =>
          Array.from({length: steps}, (_, step) => first + step * stride),
        );
        expect(ends.sort((a, b) => a - b)).toEqual(Array.from({length: frameCount}, (_, k) => k));
      }),
    );
  });

  it('can be thinned out for training', () => {
    expect(windowsOf(0, 256, clips)).toHaveLength(32);
    expect(windowsOf(0, 256, clips, 8).map(({first}) => first)).toEqual([0, 8, 16, 24]);
  });
});

describe('OverlapAverage', () => {
  it('averages what windows say about a frame and leaves padding out', () => {
    const average = new OverlapAverage(4, 2);
    average.add({clip: 0, first: 0, stride: 1, steps: 3}, Float32Array.of(1, 10, 2, 20, 3, 30, 99, 99));
    average.add({clip: 0, first: 2, stride: 1, steps: 2}, Float32Array.of(5, 50, 7, 70, 99, 99));
    expect(average.target(0)).toEqual(Float32Array.of(1, 2, 4, 7));
    expect(average.target(1)).toEqual(Float32Array.of(10, 20, 40, 70));
  });
});
