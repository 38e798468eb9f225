/** What both stages of backbones do, once the images of their frames are open. */
import path from 'node:path';
import type {Row, ShardSchema, ShardWriter} from '../../cache/shard.js';
import type {backboneCurve, backboneWeights, tunedVisual} from '../schemas.js';
import type {ModelFile, RunContext} from '../stage.js';
import type {Splits} from './data.js';
import {dataOf} from './data.js';
import {modelOf} from './model.js';
import type {Network} from './networks/network.js';
import {readPretrained} from './pretrained.js';
import {curveRows, tunedRows, weightRows} from './rows.js';
import type {Settings} from './settings.js';
import {trainBackbone} from './training.js';

/** Shards of the two stages differ by name alone. */
interface Writer<S extends ShardSchema> extends Pick<ShardWriter, 'schema'> {
  append(row: Row<S>): Promise<void>;
}

export interface TuneRequest {
  /** Name of the stage, for what it tells. */
  readonly stage: string;
  readonly settings: Settings;
  readonly open: (network: Network) => Promise<Splits>;
  readonly outputs: {
    readonly tuned: Writer<typeof tunedVisual>;
    readonly weights: Writer<typeof backboneWeights>;
    readonly curve: Writer<typeof backboneCurve>;
  };
  readonly context: RunContext;
}

/** Trains the network, writes its weights and curve, and embeds every frame of the fold with it. */
export async function tune({stage, settings, open, outputs, context}: TuneRequest): Promise<void> {
  const {seed, threads, signal, models, scratch} = context;
  const model = modelOf(settings);
  const options = {device: context.device as 'auto', threads};
  const file = models['weights'];
  if (file === undefined)
    context.warn(`${model.network.title} starts from random weights: ${stage}.weights names no file.`);
  const pretrained = file === undefined ? {} : await readPretrained(file, model.network);
  const data = dataOf(await open(model.network), settings);
  const trained = await trainBackbone({
    stage,
    model,
    data,
    pretrained,
    seed,
    options,
    checkpoint: path.join(scratch, 'backbone.safetensors'),
    signal,
    onEpoch: (done) => context.progress(done, settings.epochs, 'epochs'),
  });
  context.note('device', trained.device);
  context.note('deviceReason', trained.reason);
  for (const row of weightRows(trained.best)) await outputs.weights.append(row);
  for (const row of curveRows(trained.curve)) await outputs.curve.append(row);
  for await (const row of tunedRows(data, {model, state: trained.best, options, signal}))
    await outputs.tuned.append(row);
}

/** The file of pretrained weights, where one is named. */
export const weightFiles = ({weights}: Pick<Settings, 'weights'>): ModelFile[] =>
  weights === undefined ? [] : [{id: 'weights', path: path.resolve(weights)}];
