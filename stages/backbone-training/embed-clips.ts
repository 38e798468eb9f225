/** Vectors of clips that were in no fold, by a backbone that was tuned on one. */
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import type {ShardReader} from '../../cache/shard.js';
import type {Arrays, ProgramOptions} from '../learning/program.js';
import type {backboneWeights, faces} from '../schemas.js';
import {visual} from '../schemas.js';
import {openCrops} from './crops.js';
import type {Model} from './model.js';
import {modelOf} from './model.js';
import type {CropFormat} from './networks/network.js';
import {vectorsOf} from './rows.js';
import type {Settings} from './settings.js';

export interface EmbedRequest {
  /** What backbone-training wrote, and the parameters it had. */
  readonly weights: ShardReader<typeof backboneWeights>;
  readonly settings: Settings;
  readonly clips: readonly ShardReader<typeof faces>[];
  readonly program: ProgramOptions;
}

/** One reader per clip, of vectors that are in memory. */
export async function embedClips({
  weights,
  settings,
  clips,
  program,
}: EmbedRequest): Promise<ShardReader<typeof visual>[]> {
  const {signal} = new AbortController();
  const model = modelOf(settings);
  const state = await stateOf(model, weights);
  const folder = await mkdtemp(path.join(tmpdir(), 'affectflow-crops-'));
  try {
    const format = model.network.format as CropFormat;
    const images = await Promise.all(
      clips.map((clip, k) => openCrops(clip, format, {file: path.join(folder, `${k}.rgb`), signal})),
    );
    const readers: ShardReader<typeof visual>[] = [];
    for await (const vectors of vectorsOf(images, {model, state, options: program, signal})) {
      const frameIndex = await clips[readers.length]!.column('frameIndex');
      readers.push(inMemory(frameIndex, vectors, model.network.dimension));
    }
    return readers;
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}

/** Weights and statistics as the forward pass names them. */
async function stateOf({declaration}: Model, shard: ShardReader<typeof backboneWeights>): Promise<Arrays> {
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

function inMemory(frameIndex: Int32Array, vectors: Float32Array, width: number): ShardReader<typeof visual> {
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
