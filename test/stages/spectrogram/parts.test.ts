import {expect, test} from 'vitest';
import {Fft} from '../../../stages/spectrogram/fft.js';
import {melBands, toHertz, toMel} from '../../../stages/spectrogram/mel-bands.js';
import {hann, reflected, slidingWindows} from '../../../stages/spectrogram/windows.js';
import {referenceSignal} from './signal.js';

async function* chunks(...lengths: number[]) {
  let next = 0;
  for (const length of lengths) yield await Promise.resolve(Float32Array.from({length}, () => next++));
}

async function all(arrays: AsyncIterable<Float32Array>): Promise<number[][]> {
  const copies: number[][] = [];
  for await (const array of arrays) copies.push([...array]);
  return copies;
}

test('the transform equals the definition', () => {
  const frame = Float64Array.from(referenceSignal(1000, 32));
  const power = new Float64Array(17);
  new Fft(32).powerSpectrum(frame, power);
  power.forEach((value, k) => {
    const turned = (f: (x: number) => number) =>
      frame.reduce((sum, x, n) => sum + x * f((2 * Math.PI * k * n) / 32), 0);
    expect(value).toBeCloseTo(turned(Math.cos) ** 2 + turned(Math.sin) ** 2, 12);
  });
});

test('the transform keeps energy (Parseval)', () => {
  const frame = Float64Array.from(referenceSignal(8000, 1024));
  const power = new Float64Array(513);
  new Fft(1024).powerSpectrum(frame, power);
  const energy = frame.reduce((sum, x) => sum + x * x, 0);
  const twoSided = power.reduce((sum, value, k) => sum + value * (k === 0 || k === 512 ? 1 : 2), 0);
  expect(twoSided / 1024).toBeCloseTo(energy, 10);
});

test('a short frame is followed by zeros', () => {
  const [short, padded] = [new Float64Array(9), new Float64Array(9)];
  new Fft(16).powerSpectrum(Float64Array.of(1, 2, 3), short);
  new Fft(16).powerSpectrum(
    Float64Array.from({length: 16}, (_, n) => (n < 3 ? n + 1 : 0)),
    padded,
  );
  expect(short).toEqual(padded);
});

test('lengths that are no power of two are refused', () => {
  expect(() => new Fft(1000)).toThrow('Expected `length` to be a power of two from 2, got `1000`');
});

test('mel and hertz are each other’s inverse, and 1000 Hz is 1000 mel', () => {
  expect(toHertz(toMel(440))).toBeCloseTo(440, 9);
  expect(toMel(1000)).toBeCloseTo(1000, 1);
});

test('neighbouring triangles add up to one between their peaks, on either axis', () => {
  for (const straightIn of ['hertz', 'mel'] as const) {
    const bands = melBands({
      sampleRateHz: 16_000,
      fftLength: 1024,
      bandCount: 20,
      lowestHz: 0,
      highestHz: 8000,
      straightIn,
    });
    const total = new Float64Array(513);
    for (const {firstBin, weights} of bands) weights.forEach((weight, k) => (total[firstBin + k]! += weight));
    const [firstPeak, lastPeak] = [1, 20].map((k) => Math.round((toHertz((toMel(8000) * k) / 21) * 1024) / 16_000));
    total.subarray(firstPeak! + 1, lastPeak!).forEach((sum) => expect(sum).toBeCloseTo(1, 12));
  }
});

test('a band narrower than the spacing of the bins may be empty', () => {
  const bands = melBands({
    sampleRateHz: 44_100,
    fftLength: 256,
    bandCount: 64,
    lowestHz: 0,
    highestHz: 22_050,
    straightIn: 'hertz',
  });
  expect(bands.some(({weights}) => weights.length === 0)).toBe(true);
});

test('windows do not depend on how the stream is cut', async () => {
  const whole = await all(slidingWindows(chunks(23), 6, 4));
  expect(whole).toEqual([0, 4, 8, 12, 16].map((start) => Array.from({length: 6}, (_, k) => start + k)));
  expect(await all(slidingWindows(chunks(1, 1, 0, 9, 2, 10), 6, 4))).toEqual(whole);
});

test('a hop longer than the window skips samples, also over chunks', async () => {
  expect(await all(slidingWindows(chunks(2, 1, 3, 1, 1, 6), 2, 5))).toEqual([
    [0, 1],
    [5, 6],
    [10, 11],
  ]);
});

test('reflection repeats neither end, and does not depend on how the stream is cut', async () => {
  const whole = (await all(reflected(chunks(6), 3))).flat();
  expect(whole).toEqual([3, 2, 1, 0, 1, 2, 3, 4, 5, 4, 3, 2]);
  expect((await all(reflected(chunks(1, 2, 1, 1, 1), 3))).flat()).toEqual(whole);
});

test('reflection longer than the signal goes back and forth', async () => {
  expect((await all(reflected(chunks(3), 5))).flat()).toEqual([1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
  expect((await all(reflected(chunks(1), 2))).flat()).toEqual([0, 0, 0, 0, 0]);
  expect(await all(reflected(chunks(), 2))).toEqual([]);
});

test('the window is periodic: shifted by half its length it adds up to one', () => {
  const window = hann(400);
  window.subarray(0, 200).forEach((value, n) => expect(value + window[n + 200]!).toBeCloseTo(1, 12));
  expect([...hann(4, 8)].map((value) => Number(value.toFixed(9)))).toEqual([0, 0, 0, 0.5, 1, 0.5, 0, 0]);
});
