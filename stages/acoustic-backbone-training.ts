/** Fine-tunes the acoustic backbone on spectrogram patches of a fold, as backbone-training does the visual one. */
import {openSound} from './backbone-training/patches.js';
import {acousticParams} from './backbone-training/settings.js';
import {tune, weightFiles} from './backbone-training/tune.js';
import {acousticBackboneCurve, acousticBackboneWeights, labels, logMel, timeline, tunedAcoustic} from './schemas.js';
import {defineStage} from './stage.js';

export const acousticBackboneTraining = defineStage({
  name: 'acoustic-backbone-training',
  // 1: VGGish, ResNet-18 and a small VGG with a head of their own.
  // 2: the plateau counts from the first epoch after the warm-up; image networks in fewer passes.
  // 3: Adam in fewer passes: the last digits differ.
  version: 3,
  doc: 'Fine-tunes the acoustic backbone on the training clips of a fold and embeds every frame of all its clips.',
  per: 'fold',
  resource: 'cpu',
  inputs: {logMel, timeline, labels},
  outputs: {tuned: tunedAcoustic, weights: acousticBackboneWeights, curve: acousticBackboneCurve},
  params: acousticParams,
  seeded: true,
  modelParams: ['weights'],
  models: weightFiles,
  async run({inputs, outputs, params, context}) {
    await tune({
      stage: 'acoustic-backbone-training',
      settings: params,
      open: (network) => openSound(inputs, network),
      outputs,
      context,
    });
  },
});
