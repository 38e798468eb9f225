/** Scores trained systems on features of which a modality is absent, noisy or lost for stretches of time. */
import {z} from 'zod';
import {foldInputs, openFold} from './fusion-training/fold-data.js';
import {initialWeightParams} from './fusion-training/initial-weights.js';
import {featureInputsOf, fusionParams, settingsOf, tunedOf} from './fusion-training/settings.js';
import {trainedSystems} from './fusion-training/trained-system.js';
import {random} from './learning/random.js';
import {corruptedScores} from './robustness/corrupted-scores.js';
import {corruption} from './robustness/corruption.js';
import {
  acoustic,
  labels,
  linguistic,
  robustness as scores,
  tunedAcoustic,
  tunedVisual,
  visual,
  weights,
} from './schemas.js';
import {defineStage} from './stage.js';

export const robustness = defineStage({
  name: 'robustness',
  // 1: modality absent, white noise on features, drop-outs.
  // 2: convolutions with fewer products: the last digits differ.
  version: 2,
  doc: 'Evaluates trained systems on corrupted features of the validation clips, without training again.',
  per: 'fold',
  resource: 'cpu',
  inputs: {weights, visual, acoustic, linguistic, tunedVisual, tunedAcoustic, labels},
  outputs: {scores},
  params: z.strictObject({
    training: fusionParams.describe('Parameters of fusion-training that the weights were trained with.'),
    corruptions: z.array(corruption).min(1).describe('What is done to the features, one score each.'),
    stretchFrames: z.int().positive().default(30).describe('Frames of a stretch of lost time.'),
  }),
  // What training started from is in the weights; the path of its file decides nothing here.
  modelParams: initialWeightParams.map((name) => `training.${name}`),
  seeded: true,
  reads: ({training}) => ['weights', ...featureInputsOf(training), 'labels'],
  async run({inputs, outputs, params, context}) {
    const settings = settingsOf(params.training);
    const {modalities} = settings.system;
    const given = await foldInputs(inputs, {modalities, tuned: tunedOf(params.training)});
    // What there is to warn about, training has said.
    const data = await openFold(given, settings.training, () => undefined);
    const models = await trainedSystems(inputs.weights, settings, data);
    const total = models.length * params.corruptions.length;
    let done = 0;
    for (const trained of models) {
      const rows = await corruptedScores({
        data,
        trained,
        corruptions: params.corruptions,
        stretchFrames: params.stretchFrames,
        random: random(context.seed),
        program: {device: context.device as 'auto', threads: context.threads},
        signal: context.signal,
        onDone: () => context.progress((done += 1), total, 'corruptions'),
      });
      for (const row of rows) await outputs.scores.append(row);
    }
  },
});
