/** Fine-tunes the visual backbone on the face crops of a fold, releasing its parts one by one, and embeds every frame. */
import path from 'node:path';
import {openFaces} from './backbone-training/crops.js';
import {dataOf} from './backbone-training/data.js';
import {modelOf} from './backbone-training/model.js';
import {readPretrained} from './backbone-training/pretrained.js';
import {curveRows, tunedRows, weightRows} from './backbone-training/rows.js';
import {backboneParams} from './backbone-training/settings.js';
import {trainBackbone} from './backbone-training/training.js';
import {backboneCurve, backboneWeights, faces, labels, tunedVisual} from './schemas.js';
import {defineStage} from './stage.js';

export const backboneTraining = defineStage({
  name: 'backbone-training',
  // 1: IR-50, ResNet-18 and a small IR with a head of their own.
  version: 1,
  doc: 'Fine-tunes the visual backbone on the training clips of a fold and embeds every frame of all its clips.',
  per: 'fold',
  resource: 'cpu',
  inputs: {faces, labels},
  outputs: {tuned: tunedVisual, weights: backboneWeights, curve: backboneCurve},
  params: backboneParams('crop', 'ir50'),
  seeded: true,
  modelParams: ['weights'],
  models: ({weights}) => (weights === undefined ? [] : [{id: 'weights', path: path.resolve(weights)}]),
  async run({inputs, outputs, params, context}) {
    const {seed, threads, signal, models, scratch} = context;
    const model = modelOf(params);
    const options = {device: context.device as 'auto', threads};
    if (models['weights'] === undefined)
      context.warn(`${model.network.title} starts from random weights: backbone-training.weights names no file.`);
    const pretrained = models['weights'] === undefined ? {} : await readPretrained(models['weights'], model.network);
    const data = dataOf(await openFaces(inputs, model.network, {folder: scratch, signal}), params);
    const trained = await trainBackbone({
      model,
      data,
      pretrained,
      seed,
      options,
      checkpoint: path.join(scratch, 'backbone.safetensors'),
      signal,
      onEpoch: (done) => context.progress(done, params.epochs, 'epochs'),
    });
    context.note('device', trained.device);
    context.note('deviceReason', trained.reason);
    for (const row of weightRows(trained.best)) await outputs.weights.append(row);
    for (const row of curveRows(trained.curve)) await outputs.curve.append(row);
    for await (const row of tunedRows(data, {model, state: trained.best, options, signal}))
      await outputs.tuned.append(row);
  },
});
