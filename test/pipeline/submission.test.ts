import {describe, expect, it} from 'vitest';
import {submissionText} from '../../pipeline/submission.js';

const clips = [
  {clip: 'video1', valence: Float32Array.of(0.25, -0.5, 2), arousal: Float32Array.of(0, 0.125, -3)},
  {clip: 'two people_left', valence: Float32Array.of(1), arousal: Float32Array.of(-1)},
];

describe('a submission', () => {
  it('has one row per frame, numbered from 1, with values between -1 and 1', () => {
    expect(submissionText(clips)).toBe(
      [
        'image_location,valence,arousal',
        'video1/00001.jpg,0.250000,0.000000',
        'video1/00002.jpg,-0.500000,0.125000',
        'video1/00003.jpg,1.000000,-1.000000',
        'two people_left/00001.jpg,1.000000,-1.000000',
        '',
      ].join('\n'),
    );
  });

  it('follows an official sample row by row: less frames than predicted, or more, which repeat the last', () => {
    const sample =
      '\uFEFFimage_location,valence,arousal\r\ntwo people_left/00002.jpg,-5,-5\r\nvideo1/00002.jpg,0,0\r\n';
    expect(submissionText(clips, sample).split('\n').slice(1, -1)).toEqual([
      'two people_left/00002.jpg,1.000000,-1.000000',
      'video1/00002.jpg,-0.500000,0.125000',
    ]);
    expect(submissionText(clips, 'video1/00001.jpg').split('\n')).toHaveLength(3);
  });

  it('refuses a sample of clips that were not predicted, and one that is none', () => {
    const empty = {clip: 'empty', valence: new Float32Array(0), arousal: new Float32Array(0)};
    expect(() => submissionText([...clips, empty], 'video9/00001.jpg\nempty/00001.jpg')).toThrow(
      'the sample has 2 clips without a prediction: video9, empty',
    );
    expect(() => submissionText(clips, 'image_location\nvideo1,0,0')).toThrow("line 2 of the sample is 'video1,0,0'");
    expect(() => submissionText(clips, 'video1/00000.jpg,0,0')).toThrow(/line 1/);
  });
});
