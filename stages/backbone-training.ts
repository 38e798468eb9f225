/** Fine-tunes the visual backbone on the face crops of a fold, releasing its parts one by one, and embeds every frame. */
import {openFaces} from './backbone-training/crops.js';
import {visualParams} from './backbone-training/settings.js';
import {tune, weightFiles} from './backbone-training/tune.js';
import {backboneCurve, backboneWeights, faces, labels, tunedVisual} from './schemas.js';
import {defineStage} from './stage.js';

export const backboneTraining = defineStage({
  name: 'backbone-training',
  // 1: IR-50, ResNet-18 and a small IR with a head of their own.
  // 2: the plateau counts from the first epoch after the warm-up; image networks in fewer passes.
  // 3: Adam in fewer passes: the last digits differ.
  version: 3,
  doc: 'Fine-tunes the visual backbone on the training clips of a fold and embeds every frame of all its clips.',
  per: 'fold',
  resource: 'cpu',
  inputs: {faces, labels},
  outputs: {tuned: tunedVisual, weights: backboneWeights, curve: backboneCurve},
  params: visualParams,
  seeded: true,
  modelParams: ['weights'],
  models: weightFiles,
  async run({inputs, outputs, params, context}) {
    const {scratch: folder, signal} = context;
    await tune({
      stage: 'backbone-training',
      settings: params,
      open: (network) => openFaces(inputs, network, {folder, signal}),
      outputs,
      context,
    });
  },
});
