/** What a trained backbone leaves behind, as rows of shards. */
import type {Row} from '../../cache/shard.js';
import {curveRow, tensorRows} from '../fusion-training/rows.js';
import {compileForward} from '../learning/engine.js';
import type {Arrays, ProgramOptions} from '../learning/program.js';
import {under} from '../learning/records.js';
import type {backboneCurve, backboneWeights, tunedVisual} from '../schemas.js';
import type {Data} from './data.js';
import {frameSpecs, passOver} from './forward.js';
import type {FrameImages} from './frame-images.js';
import type {Model} from './model.js';
import {vectorPass} from './model.js';
import type {BackboneRow} from './training.js';

/** Weights and statistics by name; the head's are among them. */
export function weightRows(state: Arrays): Iterable<Row<typeof backboneWeights>> {
  return tensorRows({...under(state, 'weights'), ...under(state, 'statistics')});
}

export const curveRows = (curve: readonly BackboneRow[]): Row<typeof backboneCurve>[] => curve.map(curveRow);

export interface EmbeddingTask {
  readonly model: Model;
  /** 'weights/…' and 'statistics/…'. */
  readonly state: Arrays;
  readonly options: ProgramOptions;
  readonly signal: AbortSignal;
}

/** The vectors of each clip in order [frames, d], row-major. */
export async function* vectorsOf(clips: readonly FrameImages[], task: EmbeddingTask): AsyncGenerator<Float32Array> {
  const {model, state, options, signal} = task;
  const {network} = model;
  const pass = vectorPass(model);
  const own = Object.fromEntries(Object.entries(state).filter(([name]) => !name.startsWith('weights/head.')));
  const forward = compileForward((given, inputs) => pass({...given, ...inputs}), own, frameSpecs(network), options);
  const inference = await forward;
  try {
    for (const clip of clips) yield await passOver(clip, {network, inference, output: 'vector', stride: 1, signal});
  } finally {
    await inference.release();
  }
}

/** One row per frame of the fold, training clips first. */
export async function* tunedRows(
  {train, validation}: Data,
  task: EmbeddingTask,
): AsyncGenerator<Row<typeof tunedVisual>> {
  const {dimension} = task.model.network;
  const labels = [...train.labels, ...validation.labels];
  let position = 0;
  for await (const vectors of vectorsOf([...train.images, ...validation.images], task)) {
    const isValidation = position >= train.labels.length;
    const clipIndex = isValidation ? position - train.labels.length : position;
    for (const [k, frameIndex] of labels[position]!.frameIndex.entries()) {
      const vector = vectors.slice(k * dimension, (k + 1) * dimension);
      yield {validation: isValidation, clipIndex, frameIndex, vector};
    }
    position += 1;
  }
}
