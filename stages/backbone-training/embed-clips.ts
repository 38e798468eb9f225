/** Vectors of clips that were in no fold, by a backbone that was tuned on one. */
import type {ShardReader} from '../../cache/shard.js';
import type {Arrays, ProgramOptions} from '../learning/program.js';
import type {acousticBackboneWeights, backboneWeights, faces, logMel, timeline} from '../schemas.js';
import {visual} from '../schemas.js';
import {storedCrops} from './crops.js';
import type {FrameImages} from './frame-images.js';
import type {Model} from './model.js';
import {modelOf} from './model.js';
import type {CropFormat, PatchFormat} from './networks/network.js';
import {openPatches} from './patches.js';
import {vectorsOf} from './rows.js';
import type {Settings} from './settings.js';
import {networkOf} from './settings.js';

export interface EmbedRequest {
  /** What the stage that tunes wrote, and the parameters it had. */
  readonly weights: ShardReader<typeof backboneWeights | typeof acousticBackboneWeights>;
  readonly settings: Settings;
  readonly program: ProgramOptions;
}

type Vectors = ShardReader<typeof visual>;

/** One reader per clip, of vectors that are in memory. */
export function embedFaces(clips: readonly ShardReader<typeof faces>[], request: EmbedRequest): Promise<Vectors[]> {
  const format = networkOf(request.settings).format as CropFormat;
  const images = clips.map((clip) => storedCrops(clip, format));
  return embedded(images, clips, request);
}

/** The same for sound. */
export async function embedSound(
  spectrograms: readonly ShardReader<typeof logMel>[],
  timelines: readonly ShardReader<typeof timeline>[],
  request: EmbedRequest,
): Promise<Vectors[]> {
  const {geometry} = networkOf(request.settings).format as PatchFormat;
  const images = spectrograms.map((spectrogram, k) => openPatches(spectrogram, timelines[k]!, geometry));
  return embedded(await Promise.all(images), timelines, request);
}

async function embedded(
  images: readonly FrameImages[],
  frames: readonly ShardReader<typeof faces | typeof timeline>[],
  {weights, settings, program}: EmbedRequest,
): Promise<Vectors[]> {
  const model = modelOf(settings);
  const state = await stateOf(model, weights);
  const {signal} = new AbortController();
  const readers: Vectors[] = [];
  for await (const vectors of vectorsOf(images, {model, state, options: program, signal})) {
    const frameIndex = await frames[readers.length]!.column('frameIndex');
    readers.push(inMemory(frameIndex, vectors, model.network.dimension));
  }
  return readers;
}

/** Weights and statistics as the forward pass names them. */
export async function stateOf({declaration}: Model, shard: EmbedRequest['weights']): Promise<Arrays> {
  const state: Arrays = {};
  for await (const {name, shape, values} of shard.rows()) {
    const group = name in declaration.statistics ? 'statistics' : 'weights';
    state[`${group}/${name}`] = {
      shape: JSON.parse(shape) as number[],
      values: new Float32Array(Uint8Array.from(values).buffer),
    };
  }
  return state;
}

function inMemory(frameIndex: Int32Array, vectors: Float32Array, width: number): Vectors {
  const rowCount = frameIndex.length;
  const columns = {frameIndex, vector: vectors};
  const widths = {frameIndex: 1, vector: width};
  return {
    schema: visual,
    rowCount,
    width: (column) => (rowCount === 0 ? 0 : widths[column]),
    async *rows(start = 0, end = rowCount) {
      for (let k = start; k < Math.min(end, rowCount); k++)
        yield await Promise.resolve({frameIndex: frameIndex[k]!, vector: vectors.slice(k * width, (k + 1) * width)});
    },
    column: (name, start = 0, end = rowCount) =>
      Promise.resolve(columns[name].slice(start * widths[name], end * widths[name]) as never),
  };
}
