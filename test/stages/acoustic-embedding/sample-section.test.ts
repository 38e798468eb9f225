import {expect, test} from 'vitest';
import {SampleSection, type AudioRow} from '../../../stages/acoustic-embedding/sample-section.js';

/** Sample n of the recording is n modulo a prime, so that every place sounds differently. */
const sampleAt = (n: number) => (n < 0 ? 0 : n % 99_991);

/** Rows of one second that are made when they are asked for; one array serves them all. */
async function* hours(
  seconds: number,
  sampleRateHz: number,
  onRow: (second: number) => void,
): AsyncGenerator<AudioRow> {
  const samples = new Float32Array(sampleRateHz);
  for (let second = 0; second < seconds; second++) {
    for (let n = 0; n < sampleRateHz; n++) samples[n] = sampleAt(second * sampleRateHz + n);
    onRow(second);
    yield await Promise.resolve({sampleRateHz, sampleCount: sampleRateHz, samples});
  }
}

test('two hours of sound pass through a few windows of memory, and no further ahead than a window reaches', async () => {
  const [seconds, rate, window, step] = [7200, 16_000, 30, 20];
  let read = 0;
  const section = new SampleSection(hours(seconds, rate, (second) => void (read = second + 1)));
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  for (let start = 0; start < seconds; start += step) {
    const samples = await section.window(start, window * rate, rate);
    const last = Math.min(seconds * rate, (start + window) * rate) - 1;
    expect([samples[0], samples[last - start * rate]]).toEqual([sampleAt(start * rate), sampleAt(last)]);
    expect(read).toBeLessThanOrEqual(start + window);
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
  }
  expect(read).toBe(seconds);
  // All of it would be 461 MB, a window is 1.9 MB; what is between them is windows not collected yet.
  expect(peak / 1e6).toBeLessThan(230);
});

test('windows may overlap, step back within what is held, and lie beyond the ends', async () => {
  const section = new SampleSection(hours(10, 100, () => undefined));
  const window = async (startSeconds: number, count: number) => [...(await section.window(startSeconds, count, 100))];
  const expected = (first: number, count: number) =>
    Array.from({length: count}, (_, k) => (first + k < 1000 ? sampleAt(first + k) : 0));
  for (const [start, count] of [
    [-0.03, 5],
    [0, 250],
    [0.5, 250],
    [1.25, 250],
    [4, 250],
    [4, 250],
    [8.99, 250],
    [12, 3],
  ] as const) {
    expect(await window(start, count)).toEqual(expected(Math.round(start * 100), count));
  }
});
