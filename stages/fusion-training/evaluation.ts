/** Predictions of a split's clips by the weights of an epoch, and how well they agree with the labels. */
import {agreement} from '../learning/agreement.js';
import type {Arrays, Inference, TensorSpecs} from '../learning/program.js';
import {specsOf} from '../learning/records.js';
import type {BatchShape} from './batches.js';
import {featureArrays} from './batches.js';
import type {FoldData, Split, Target} from './fold-data.js';
import {OverlapAverage} from './windows.js';

/** Predictions of one clip, one value per frame and target. */
export type ClipPredictions = Readonly<Partial<Record<Target, Float32Array>>>;

export interface Evaluator {
  readonly inference: Inference;
  readonly data: FoldData;
  readonly split: Split;
  readonly shape: BatchShape;
  readonly targets: readonly Target[];
}

/** Windows of an evaluation batch: enough to fill the matrix products, few enough to stay small in memory. */
const LARGEST_BATCH = 32;

/** A batch shape that takes all windows at once where they are few. */
export const evaluationShape = (split: Split, shape: BatchShape): BatchShape => ({
  ...shape,
  batchSize: Math.max(1, Math.min(LARGEST_BATCH, split.windows.length)),
});

/** What the forward pass of this evaluation reads beside weights and statistics. */
export async function evaluationSpecs(data: FoldData, split: Split, shape: BatchShape): Promise<TensorSpecs> {
  return specsOf(await featureArrays(data, split, [], shape));
}

/** Predicts every frame of every clip; `model` holds 'weights/…' and 'statistics/…'. */
export async function predict(evaluator: Evaluator, model: Arrays): Promise<ClipPredictions[]> {
  const {inference, data, split, shape, targets} = evaluator;
  const averages = split.labels.map(({valid}) => new OverlapAverage(valid.length, targets.length));
  for (let start = 0; start < split.windows.length; start += shape.batchSize) {
    const windows = split.windows.slice(start, start + shape.batchSize);
    const outputs = await inference.run({...(await featureArrays(data, split, windows, shape)), ...model});
    const {values} = outputs['prediction']!;
    const size = shape.length * targets.length;
    for (const [i, window] of windows.entries()) {
      averages[window.clip]!.add(window, values.subarray(i * size, (i + 1) * size));
    }
  }
  return averages.map((average) => Object.fromEntries(targets.map((target, t) => [target, average.target(t)])));
}

/** CCC of each target over the valid frames of all clips, concatenated. */
export function concordanceOf(
  split: Pick<Split, 'labels'>,
  predictions: readonly ClipPredictions[],
  targets: readonly Target[],
) {
  const of = (target: Target): number => {
    const prediction = split.labels.flatMap(({valid}, i) =>
      [...predictions[i]![target]!].filter((_, k) => valid[k] === 1),
    );
    const label = split.labels.flatMap((clip) => [...clip[target]].filter((_, k) => clip.valid[k] === 1));
    return agreement({prediction, label}).ccc;
  };
  return Object.fromEntries(targets.map((target) => [target, of(target)])) as Partial<Record<Target, number>>;
}
