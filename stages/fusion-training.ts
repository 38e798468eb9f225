/** Trains a fusion system on a fold's clips and predicts the fold's validation clips. */
import path from 'node:path';
import {foldInputs, openFold, targets} from './fusion-training/fold-data.js';
import {initialWeightFiles, initialWeightParams, readInitialWeights} from './fusion-training/initial-weights.js';
import {modelOf} from './fusion-training/model.js';
import type {Model} from './fusion-training/model.js';
import {curveRows, predictionRows, weightRows} from './fusion-training/rows.js';
import {featureInputsOf, fusionParams, settingsOf, tunedOf} from './fusion-training/settings.js';
import type {NamedModel} from './fusion-training/rows.js';
import {trainModel} from './fusion-training/training.js';
import {compile, compileForward} from './learning/engine.js';
import {
  acoustic,
  curve,
  labels,
  linguistic,
  predictions,
  tunedAcoustic,
  tunedVisual,
  visual,
  weights,
} from './schemas.js';
import {defineStage} from './stage.js';
import type {RunContext} from './stage.js';

export const fusionTraining = defineStage({
  name: 'fusion-training',
  // 1: RCMA, feature concatenation, single modalities.
  // 2: convolutions with fewer products: the last digits differ.
  // 3: the plateau counts from the first epoch after the warm-up; preset released normalises as the authors' code does.
  // 4: leaky ReLUs and Adam in fewer passes: the last digits differ.
  version: 4,
  doc: 'Trains a fusion system on the training clips of a fold and predicts its validation clips.',
  per: 'fold',
  resource: 'cpu',
  inputs: {visual, acoustic, linguistic, tunedVisual, tunedAcoustic, labels},
  outputs: {weights, curve, predictions},
  params: fusionParams,
  seeded: true,
  reads: (params) => [...featureInputsOf(params), 'labels'],
  models: ({initialWeights}) => initialWeightFiles(initialWeights),
  modelParams: initialWeightParams,
  async run({inputs, outputs, params, context}) {
    const {system, training, architecture} = settingsOf(params);
    const given = await foldInputs(inputs, {modalities: system.modalities, tuned: tunedOf(params)});
    const data = await openFold(given, training, (message) => context.warn(message));
    const groups = training.targets === 'joint' ? [targets] : targets.map((target) => [target]);
    const models: NamedModel[] = [];
    for (const group of groups) {
      const name = group.length > 1 ? 'both' : group[0]!;
      const declared = modelOf({system, architecture, training, dims: data.dims, targetCount: group.length});
      const model = await startingFrom(context.models[name], declared, context);
      const trained = await trainModel({
        model,
        targets: group,
        data,
        seed: context.seed,
        engine: {compile, compileForward},
        options: {device: context.device as 'auto', threads: context.threads},
        checkpoint: path.join(context.scratch, `${name}.safetensors`),
        signal: context.signal,
        onEpoch: (done) =>
          context.progress(models.length * training.epochs + done, groups.length * training.epochs, 'epochs'),
      });
      models.push({name, targets: group, trained});
    }
    context.note('device', models[0]!.trained.device);
    context.note('deviceReason', models[0]!.trained.reason);
    for (const row of weightRows(models)) await outputs.weights.append(row);
    for (const row of curveRows(models)) await outputs.curve.append(row);
    for (const row of predictionRows(models, data.validation)) await outputs.predictions.append(row);
  },
});

/** The model with the weights of a file to start from, where there is one. */
async function startingFrom(file: string | undefined, model: Model, context: RunContext): Promise<Model> {
  if (file === undefined) return model;
  const {arrays, unused} = await readInitialWeights(file, model.declaration, model.system.releasedNames);
  if (unused.length > 0) context.note('unusedInitialWeights', unused.length);
  return {...model, initial: arrays};
}
