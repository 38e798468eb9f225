import {describe, expect, it} from 'vitest';
import {nearest, suggestion} from '../../stages/nearest.js';

describe('the nearest name', () => {
  it('is found across a typing mistake', () => {
    expect(nearest('learningrate', ['learningRate', 'batchSize'])).toBe('learningRate');
    expect(nearest('spectogram', ['demux', 'spectrogram'])).toBe('spectrogram');
  });

  it('is none where nothing is near, and then all are listed', () => {
    expect(nearest('banana', ['demux', 'spectrogram'])).toBeUndefined();
    expect(suggestion('banana', ['demux', 'spectrogram'])).toBe('Known: demux, spectrogram.');
  });
});
