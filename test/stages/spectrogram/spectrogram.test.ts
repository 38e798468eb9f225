import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {spectrogram} from '../../../stages/spectrogram.js';
import {runStage} from '../../helpers/run-stage.js';
import {audioRows, referenceSignal} from './signal.js';

interface Reference {
  readonly shape: [number, number];
  readonly mean: number;
  readonly every8: readonly (readonly number[])[];
}
const reference = JSON.parse(
  readFileSync(new URL('../../fixtures/reference/log-mel.json', import.meta.url), 'utf8'),
) as Record<'vggish' | 'tsav' | 'tsavShort', Reference>;

async function spectrum(samples: Float32Array, sampleRateHz: number, params: object) {
  const {outputs, warnings} = await runStage(spectrogram, {inputs: {audio: audioRows(samples, sampleRateHz)}, params});
  return {rows: outputs.logMel.all, warnings};
}

/** Largest difference, relative to the expected value where that is above 1. */
function worst(rows: readonly {bands: Float32Array}[], {shape, every8}: Reference): number {
  expect([rows.length, rows[0]?.bands.length]).toEqual(shape);
  const errors = every8.flatMap((expected, k) =>
    expected.map((value, band) => Math.abs(rows[8 * k]!.bands[band]! - value) / Math.max(1, Math.abs(value))),
  );
  return Math.max(...errors);
}

test('vggish agrees with the published front end', async () => {
  const {rows} = await spectrum(referenceSignal(16_000, 20_000), 16_000, {kind: 'vggish'});
  // Float32 holds seven digits; the issue asks for 1e-4.
  expect(worst(rows, reference.vggish)).toBeLessThan(1e-6);
  expect(rows.slice(0, 3).map(({timeSeconds}) => timeSeconds)).toEqual([0.0125, 0.0225, 0.0325]);
});

test('tsav agrees with librosa, the limit of 80 dB below the loudest included', async () => {
  const {rows} = await spectrum(referenceSignal(44_100, 52_000), 44_100, {kind: 'tsav'});
  expect(worst(rows, reference.tsav)).toBeLessThan(1e-6);
  expect(rows.slice(0, 3).map(({timeSeconds}) => timeSeconds)).toEqual([0, 0.01, 0.02]);
  const least = Math.min(...rows.flatMap(({bands}) => [...bands]));
  const most = Math.max(...rows.flatMap(({bands}) => [...bands]));
  expect(most - least).toBeCloseTo(80 / 19.895, 5);
});

test('a clip hardly longer than the reflection at its ends agrees too', async () => {
  const {rows} = await spectrum(referenceSignal(44_100, 700), 44_100, {kind: 'tsav'});
  expect(worst(rows, reference.tsavShort)).toBeLessThan(1e-6);
});

test('the defaults are those of vggish, and single values can be changed', async () => {
  const samples = referenceSignal(16_000, 16_000);
  expect(await spectrum(samples, 16_000, {})).toEqual(await spectrum(samples, 16_000, {kind: 'vggish'}));
  const {rows} = await spectrum(samples, 16_000, {hopSeconds: 0.02, bandCount: 40});
  expect([rows.length, rows[0]?.bands.length]).toEqual([49, 40]);
});

test('silence is the logarithm of the offset, or the floor of the decibels', async () => {
  const quiet = await spectrum(new Float32Array(16_000), 16_000, {});
  expect(quiet.rows).toHaveLength(98);
  expect(new Set(quiet.rows.flatMap(({bands}) => [...bands]))).toEqual(new Set([Math.fround(Math.log(0.01))]));
  const floor = await spectrum(new Float32Array(44_100), 44_100, {kind: 'tsav'});
  expect(new Set(floor.rows.flatMap(({bands}) => [...bands]))).toEqual(new Set([Math.fround((-100 + 14.8) / 19.895)]));
});

test('no audio gives no rows and no warning', async () => {
  expect(await spectrum(new Float32Array(0), 16_000, {})).toEqual({rows: [], warnings: []});
  expect(await spectrum(new Float32Array(0), 44_100, {kind: 'tsav'})).toEqual({rows: [], warnings: []});
});

test('audio shorter than one window gives no rows and says so; one sample is enough where windows are centred', async () => {
  expect(await spectrum(new Float32Array(399), 16_000, {})).toEqual({
    rows: [],
    warnings: ['the audio is shorter than one window of 400 samples; it counts as missing'],
  });
  expect((await spectrum(new Float32Array(400), 16_000, {})).rows).toHaveLength(1);
  const one = await spectrum(Float32Array.of(0.5), 44_100, {kind: 'tsav'});
  expect([one.rows.length, one.warnings]).toEqual([1, []]);
});

test('audio of another sample rate is refused with the remedy', async () => {
  await expect(spectrum(new Float32Array(16_000), 16_000, {kind: 'tsav'})).rejects.toMatchObject({
    code: 'wrong-sample-rate',
    message: 'the audio has 16000 samples per second, but the spectrogram is defined for 44100',
    remedy: 'Decode it at that rate: --set demux.sampleRateHz=44100',
  });
});

test('bands beyond half the sample rate are refused', () => {
  expect(() => spectrogram.params.parse({highestHz: 9000})).toThrow(/half the sample rate/);
  expect(() => spectrogram.params.parse({lowestHz: 7500})).toThrow(/below highestHz/);
});
