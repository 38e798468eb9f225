/** Short-time Fourier transform, mel bands, logarithm: samples in, one vector per hop out. */
import {Fft} from './fft.js';
import {melBands} from './mel-bands.js';
import type {SpectrogramForm, SpectrogramSettings} from './settings.js';
import {hann, reflected, slidingWindows} from './windows.js';

/** Added to a magnitude before the logarithm is taken (VGGish). */
const logOffset = 0.01;
/** Least power that is turned into decibels, and how far below the loudest a value may lie (torchaudio's defaults). */
const leastPower = 1e-10;
const dynamicRangeDecibels = 80;
/** Mean and spread of decibels in the training set of Kuhnke et al.: (x + 14.8) / 19.895. */
const meanDecibels = -14.8;
const spreadDecibels = 19.895;

export interface LogMelRow {
  /** Centre of the analysis window. */
  readonly timeSeconds: number;
  /** One value per band, lowest first. */
  readonly bands: Float32Array;
}

/** Samples in order, as often as asked for. */
export type SampleSource = () => AsyncIterable<Float32Array>;

/**
 * Streams one row per hop. Decibels are limited to 80 below the loudest value of the whole clip, so the source
 * is then read twice: once for the loudest, once for the rows.
 */
export async function* logMelRows(
  source: SampleSource,
  settings: SpectrogramSettings & SpectrogramForm,
): AsyncGenerator<LogMelRow, void, undefined> {
  const toScale = settings.scale === 'decibel' ? normalisedDecibels(await loudest(source, settings)) : offsetLogarithm;
  const {hopSamples, centreSamples} = lengths(settings);
  let hopIndex = 0;
  for await (const sums of bandSums(source(), settings)) {
    const timeSeconds = (hopIndex * hopSamples + centreSamples) / settings.sampleRateHz;
    yield {timeSeconds, bands: Float32Array.from(sums, toScale)};
    hopIndex += 1;
  }
}

/** How many samples a recording must have to give one row. */
export function leastSampleCount(settings: SpectrogramSettings & SpectrogramForm): number {
  return settings.centred ? 1 : lengths(settings).windowSamples;
}

async function loudest(source: SampleSource, settings: SpectrogramSettings & SpectrogramForm): Promise<number> {
  let most = 0;
  for await (const sums of bandSums(source(), settings)) for (const sum of sums) most = Math.max(most, sum);
  return most;
}

function offsetLogarithm(magnitude: number): number {
  return Math.log(magnitude + logOffset);
}

function normalisedDecibels(loudestPower: number): (power: number) => number {
  const decibels = (power: number) => 10 * Math.log10(Math.max(power, leastPower));
  const least = decibels(loudestPower) - dynamicRangeDecibels;
  return (power) => (Math.max(decibels(power), least) - meanDecibels) / spreadDecibels;
}

/** Streams the weighted sum of the spectrum in every band, one array per hop; the array is reused. */
async function* bandSums(
  samples: AsyncIterable<Float32Array>,
  settings: SpectrogramSettings & SpectrogramForm,
): AsyncGenerator<Float64Array, void, undefined> {
  const {windowSamples, hopSamples, fftLength, frameSamples} = lengths(settings);
  const window = hann(windowSamples, frameSamples);
  const bands = melBands({...settings, fftLength});
  const fft = new Fft(fftLength);
  const frame = new Float64Array(frameSamples);
  const spectrum = new Float64Array(fftLength / 2 + 1);
  const sums = new Float64Array(bands.length);
  const padded = settings.centred ? reflected(samples, fftLength / 2) : samples;
  for await (const slice of slidingWindows(padded, frameSamples, hopSamples)) {
    for (let n = 0; n < frameSamples; n++) frame[n] = slice[n]! * window[n]!;
    fft.powerSpectrum(frame, spectrum);
    if (!settings.power) for (let k = 0; k < spectrum.length; k++) spectrum[k] = Math.sqrt(spectrum[k]!);
    bands.forEach(({firstBin, weights}, band) => {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * spectrum[firstBin + k]!;
      sums[band] = sum;
    });
    yield sums;
  }
}

function lengths(settings: SpectrogramSettings & SpectrogramForm) {
  const {sampleRateHz, windowSeconds, hopSeconds, leastFftLength, centred} = settings;
  const windowSamples = Math.round(windowSeconds * sampleRateHz);
  const hopSamples = Math.round(hopSeconds * sampleRateHz);
  const fftLength = Math.max(leastFftLength, 2 ** Math.ceil(Math.log2(windowSamples)));
  // A centred window is padded with zeros on both sides to the transform's length, as PyTorch does.
  const frameSamples = centred ? fftLength : windowSamples;
  return {windowSamples, hopSamples, fftLength, frameSamples, centreSamples: centred ? 0 : windowSamples / 2};
}
