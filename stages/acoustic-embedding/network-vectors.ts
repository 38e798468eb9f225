/** One vector per video frame from an ONNX network that reads spectrogram patches or samples around the frame. */
import {StageError} from '../errors.js';
import type {LogMelRow} from './mfcc.js';
import {completeGeometry, type PatchGeometry, type PatchParams, type WaveformParams} from './network-params.js';
import {patchesAtFrames} from './patches.js';
import {SampleSection, type AudioRow} from './sample-section.js';
import {embedded, openVectorNetwork, type FrameVector, type Item, type VectorNetwork} from './vector-network.js';

interface Frame {
  readonly frameIndex: number;
  readonly timeSeconds: number;
}

interface Rows<Row> {
  readonly rowCount: number;
  rows(): AsyncIterable<Row>;
}

interface Surroundings {
  readonly models: Readonly<Record<string, string>>;
  readonly threads: number;
  warn(message: string): void;
}

/**
 * Patches of the log-mel spectrogram, cut by presentation time. A clip without sound has vectors of zeros.
 *
 * @throws StageError 'bad-model' or 'wrong-shape' where network, spectrogram and geometry do not fit each other.
 */
export async function* patchVectors(
  logMel: Rows<LogMelRow>,
  timeline: Rows<Frame>,
  {params, context}: {params: PatchParams; context: Surroundings},
): AsyncGenerator<FrameVector, void, undefined> {
  const geometry = completeGeometry(params);
  const {rowCount, bandCount, layout, startSeconds} = geometry;
  const itemShape = layout === 'time-band' ? [1, rowCount, bandCount] : [1, bandCount, rowCount];
  await using network = await openVectorNetwork({
    ...options(params, context),
    itemShape,
    layout: 'NCHW',
    averageSteps: false,
  });
  if (!(await checkSpectrogram(logMel, geometry))) return yield* silentVectors(network, itemShape, timeline, context);
  const beyond = geometry.beyond === 'repeat' ? 'repeat' : await silence(logMel, geometry);
  const patches = patchesAtFrames(logMel.rows(), timeline.rows(), {
    rowCount,
    frameAt: 'start',
    offsetSeconds: startSeconds,
    beyond,
  });
  yield* embedded(network, layout === 'time-band' ? patches : transposed(patches, rowCount, bandCount));
}

/**
 * Windows of samples around every frame, by presentation time, zeros beyond the ends of the recording. A clip without
 * sound has vectors of zeros.
 */
export async function* waveformVectors(
  audio: Rows<AudioRow>,
  timeline: Rows<Frame>,
  {params, context}: {params: WaveformParams; context: Surroundings},
): AsyncGenerator<FrameVector, void, undefined> {
  const sampleCount = Math.round(params.windowSeconds * params.sampleRateHz);
  const itemShape = params.layout === 'nt' ? [sampleCount] : [1, sampleCount];
  const layout = params.layout.toUpperCase();
  await using network = await openVectorNetwork({...options(params, context), itemShape, layout, averageSteps: true});
  if (audio.rowCount === 0) return yield* silentVectors(network, itemShape, timeline, context);
  yield* embedded(network, windows(new SampleSection(audio.rows()), timeline.rows(), params));
}

function options({output}: {output?: string | undefined}, {models, threads}: Surroundings) {
  return {path: models['network']!, output, threads};
}

/** Whether there is any row. The first row's time tells the two published spectrograms apart. */
export async function checkSpectrogram(logMel: Rows<LogMelRow>, geometry: PatchGeometry): Promise<boolean> {
  for await (const {bands, timeSeconds} of logMel.rows()) {
    const seen = timeSeconds === 0 ? 'tsav' : 'vggish';
    if (bands.length !== geometry.bandCount) {
      throw new StageError(
        'wrong-shape',
        `The spectrogram has ${bands.length} bands, but the patches of acoustic-embedding need ${geometry.bandCount}.`,
        `Compute it with as many: --set spectrogram.bandCount=${geometry.bandCount}`,
      );
    }
    if (seen !== geometry.spectrogram) {
      const remedy = `Compute it so: --set spectrogram.kind=${geometry.spectrogram} --set demux.sampleRateHz=${geometry.spectrogram === 'tsav' ? 44_100 : 16_000}`;
      throw new StageError(
        'wrong-shape',
        `The spectrogram is of the kind '${seen}', but the network reads '${geometry.spectrogram}'.`,
        remedy,
      );
    }
    return true;
  }
  return false;
}

/** VGGish adds this to a magnitude before the logarithm. */
const logOffset = 0.01;
/** TSAV limits decibels to 80 below the loudest value and divides them by their spread. */
const floorBelowLoudest = 80 / 19.895;

/** The value of a band in silence: ln(0 + 0.01) for VGGish; for TSAV the floor that the loudest value of the clip sets. */
export async function silence(logMel: Rows<LogMelRow>, {spectrogram}: PatchGeometry): Promise<number> {
  if (spectrogram === 'vggish') return Math.log(logOffset);
  let loudest = -Infinity;
  for await (const {bands} of logMel.rows()) for (const band of bands) loudest = Math.max(loudest, band);
  return loudest - floorBelowLoudest;
}

async function* transposed(
  items: AsyncIterable<{frameIndex: number; values: Float32Array}>,
  rows: number,
  columns: number,
): AsyncGenerator<Item> {
  for await (const {frameIndex, values} of items) {
    yield {frameIndex, values: values.map((_, k) => values[(k % rows) * columns + Math.floor(k / rows)]!)};
  }
}

const shareBefore = {start: 0, centre: 0.5, end: 1};

async function* windows(
  section: SampleSection,
  frames: AsyncIterable<Frame>,
  params: WaveformParams,
): AsyncGenerator<Item> {
  const {sampleRateHz, windowSeconds, frameAt, normalise, everyFrames} = params;
  const count = Math.round(windowSeconds * sampleRateHz);
  for await (const {frameIndex, timeSeconds} of frames) {
    if (frameIndex % everyFrames !== 0) {
      yield {frameIndex, values: undefined};
      continue;
    }
    const values = await section.window(timeSeconds - windowSeconds * shareBefore[frameAt], count, sampleRateHz);
    yield {frameIndex, values: normalise === 'none' ? values : unitVariance(values)};
  }
}

/** (x − mean) / √(variance + 1e-7), as Hugging Face's Wav2Vec2FeatureExtractor. */
export function unitVariance(values: Float32Array): Float32Array {
  let [sum, squares] = [0, 0];
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (const value of values) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / values.length + 1e-7);
  return values.map((value) => (value - mean) / deviation);
}

async function* silentVectors(
  network: VectorNetwork,
  itemShape: readonly number[],
  timeline: Rows<Frame>,
  context: Surroundings,
): AsyncGenerator<FrameVector, void, undefined> {
  const item = new Float32Array(itemShape.reduce((product, size) => product * size, 1));
  const [probe] = await network.embed([item]);
  const vector = new Float32Array(probe!.length);
  context.warn('The clip has no sound: every acoustic vector is zero.');
  for await (const {frameIndex} of timeline.rows()) yield {frameIndex, vector};
}
