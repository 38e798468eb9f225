/**
 * A trained system as files for other programs: one ONNX graph from raw feature vectors to valence and arousal, and its
 * weights as safetensors.
 */
import {exportForward} from '../learning/export.js';
import type {Arrays, TensorSpecs, Tensors} from '../learning/program.js';
import {under} from '../learning/records.js';
import {tf} from '../learning/tf.js';
import type {Member} from './ensemble.js';
import {openFeatures} from './features.js';
import {forwardPass} from './model.js';
import type {Normalisation} from './normalisation.js';
import {kindOf, normalisationOf} from './normalisation.js';
import type {Settings} from './settings.js';
import type {Modality} from './system.js';
import type {TrainedSystem} from './trained-system.js';
import {trainedSystems} from './trained-system.js';
import {lengthOf} from './windows.js';

export interface ExportRequest extends Member {
  readonly settings: Settings;
  /** Windows that one run of the graph takes, B. */
  readonly windows: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ExportedSystem {
  /**
   * Bytes of an .onnx file. In: '<modality>' [B, L, d], vectors as the embedding stage wrote them, 0 where padded; 'real'
   * [B, L], 1 where a step is no padding. Out: 'valence' and 'arousal' [B, L].
   */
  readonly onnx: Uint8Array;
  /** Weights and statistics of each model under the names of the system, and 'normalisation/…'. */
  readonly models: readonly {readonly name: 'both' | 'valence' | 'arousal'; readonly arrays: Arrays}[];
}

/** @throws StageError 'wrong-shape' where weights and features do not fit. */
export async function exportSystem(request: ExportRequest): Promise<ExportedSystem> {
  const {settings, weights, train, windows, metadata} = request;
  const normalisation: Arrays = {};
  const dims: Partial<Record<Modality, number>> = {};
  for (const [modality, readers] of train) {
    const features = openFeatures(modality, readers);
    dims[modality] = features.width;
    const found = await normalisationOf(features, kindOf(settings.training.normalisation, modality));
    Object.assign(normalisation, named(modality, found));
  }
  const models = await trainedSystems(weights, settings, {dims});
  const length = lengthOf(settings.training);
  const specs = Object.entries(dims).map(([modality, width]) => [modality, float([windows, length, width])] as const);
  const inputs: TensorSpecs = {...Object.fromEntries(specs), real: float([windows, length])};
  const all = Object.fromEntries(
    models.flatMap((model) => Object.entries(model.arrays).map(([name, value]) => [`${nameOf(model)}/${name}`, value])),
  );
  return {
    onnx: exportForward(forwardOf(models), {...normalisation, ...all}, inputs, {metadata}),
    models: models.map((model) => ({
      name: nameOf(model),
      arrays: {...under(model.arrays, 'weights'), ...under(model.arrays, 'statistics'), ...normalisation},
    })),
  };
}

const float = (shape: readonly number[]): TensorSpecs[string] => ({shape, dtype: 'float32'});

const nameOf = ({targets}: TrainedSystem) => (targets.length > 1 ? 'both' : targets[0]!);

const named = (modality: Modality, {mean, scale}: Normalisation): Arrays => ({
  [`normalisation/${modality}/mean`]: {shape: [mean.length], values: mean},
  [`normalisation/${modality}/scale`]: {shape: [scale.length], values: scale},
});

/** Normalises, runs each model and takes its targets apart. */
const forwardOf =
  (models: readonly TrainedSystem[]) =>
  (weights: Tensors, {real, ...features}: Tensors): Tensors => {
    const mask = tf.expandDims(real!, 2);
    const given = Object.entries(features).map(([modality, vectors]) => {
      const centred = tf.sub(vectors, weights[`normalisation/${modality}/mean`]!);
      const scaled = tf.mul(centred, weights[`normalisation/${modality}/scale`]!);
      return [`inputs/${modality}`, tf.mul(scaled, mask)] as const;
    });
    const inputs: Tensors = {...Object.fromEntries(given), real: real!};
    const outputs = models.flatMap((trained) => {
      const {prediction} = forwardPass(trained.model)({...inputs, ...under(weights, nameOf(trained))});
      return trained.targets.map((target, at) => [
        target,
        tf.squeeze(tf.slice(prediction!, [0, 0, at], [-1, -1, 1]), [2]),
      ]);
    });
    return Object.fromEntries(outputs) as Tensors;
  };
