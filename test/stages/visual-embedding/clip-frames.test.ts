import {describe, expect, test} from 'vitest';
import {clipFrames, type ClipGeometry} from '../../../stages/visual-embedding/clip-frames.js';

const geometry = (more: Partial<ClipGeometry> = {}): ClipGeometry => ({
  frames: 8,
  dilation: 4,
  frameAt: 'end',
  beyond: 'repeat',
  ...more,
});

describe('the clip of a frame', () => {
  test('ends at it: 8 of 32 frames in JCA and JMT, 8 of 48 in Kuhnke et al.', () => {
    expect(clipFrames(100, 1000, geometry())).toEqual([72, 76, 80, 84, 88, 92, 96, 100]);
    expect(clipFrames(100, 1000, geometry({dilation: 6}))).toEqual([58, 64, 70, 76, 82, 88, 94, 100]);
  });

  test('may begin at it, or have it in the middle', () => {
    expect(clipFrames(100, 1000, geometry({frameAt: 'start'}))).toEqual([100, 104, 108, 112, 116, 120, 124, 128]);
    expect(clipFrames(100, 1000, geometry({frameAt: 'centre', frames: 4}))).toEqual([92, 96, 100, 104]);
    expect(clipFrames(100, 1000, geometry({frameAt: 'centre', frames: 5, dilation: 1}))).toEqual([
      98, 99, 100, 101, 102,
    ]);
  });

  test('repeats the first and the last frame of the video, or has black ones', () => {
    expect(clipFrames(9, 1000, geometry())).toEqual([0, 0, 0, 0, 0, 1, 5, 9]);
    expect(clipFrames(990, 995, geometry({frameAt: 'start', frames: 4}))).toEqual([990, 994, 994, 994]);
    expect(clipFrames(9, 1000, geometry({frames: 4, beyond: 'black'}))).toEqual([undefined, 1, 5, 9]);
  });

  test('is denser at the start of the video in the released code of JMT: 4, 3, 2, 1 frames apart', () => {
    const denser = (available: number) => clipFrames(available - 1, 1000, geometry({beyond: 'denser'}));
    expect(denser(32)).toEqual([3, 7, 11, 15, 19, 23, 27, 31]);
    expect(denser(31)).toEqual([9, 12, 15, 18, 21, 24, 27, 30]);
    expect(denser(23)).toEqual([8, 10, 12, 14, 16, 18, 20, 22]);
    expect(denser(8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(denser(3)).toEqual([0, 1, 2, 2, 2, 2, 2, 2]);
  });

  test('of a video of one frame is that frame', () => {
    expect(clipFrames(0, 1, geometry())).toEqual(Array(8).fill(0));
    expect(clipFrames(0, 1, geometry({frameAt: 'centre'}))).toEqual(Array(8).fill(0));
  });
});
