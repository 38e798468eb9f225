/** What a fold's trained models leave behind, as rows of shards. */
import type {Row} from '../../cache/shard.js';
import type {Arrays} from '../learning/program.js';
import type {curve, predictions, weights} from '../schemas.js';
import type {Split, Target} from './fold-data.js';
import type {EpochRow, TrainedModel} from './training.js';

export interface NamedModel {
  /** 'valence', 'arousal' or 'both'. */
  readonly name: string;
  readonly targets: readonly Target[];
  readonly trained: TrainedModel;
}

/** Weights and running statistics of each model, by name. */
export function* weightRows(models: readonly NamedModel[]): Generator<Row<typeof weights>> {
  for (const {name: model, trained} of models) {
    for (const row of tensorRows(trained.weights)) yield {model, ...row};
  }
}

/** Arrays in the order of their names. */
export function* tensorRows(arrays: Arrays): Generator<Omit<Row<typeof weights>, 'model'>> {
  for (const name of Object.keys(arrays).sort()) {
    const {shape, values} = arrays[name]!;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    yield {name, shape: JSON.stringify(shape), values: bytes};
  }
}

export function* curveRows(models: readonly NamedModel[]): Generator<Row<typeof curve>> {
  for (const {name: model, trained} of models) {
    for (const row of trained.curve) yield {model, ...curveRow(row)};
  }
}

/** An epoch; NaN for what the model does not predict. */
export function curveRow<E extends EpochRow>({concordance: {valence = NaN, arousal = NaN}, ...row}: E) {
  return {...row, validationValence: valence, validationArousal: arousal};
}

/** One row per frame of each validation clip, in order. */
export function* predictionRows(models: readonly NamedModel[], split: Split): Generator<Row<typeof predictions>> {
  const of = (target: Target, clip: number): Float32Array =>
    models.find((model) => model.targets.includes(target))!.trained.predictions[clip]![target]!;
  for (const [clipIndex, {frameIndex}] of split.labels.entries()) {
    const [valence, arousal] = [of('valence', clipIndex), of('arousal', clipIndex)];
    for (const [k, index] of frameIndex.entries()) {
      yield {clipIndex, frameIndex: index, valence: valence[k]!, arousal: arousal[k]!};
    }
  }
}
