/** Scores of a trained model under each corruption, without training it again. */
import type {Row} from '../../cache/shard.js';
import {concordanceOf, evaluationShape, evaluationSpecs, predict} from '../fusion-training/evaluation.js';
import type {Evaluator} from '../fusion-training/evaluation.js';
import type {FoldData} from '../fusion-training/fold-data.js';
import {forwardPass} from '../fusion-training/model.js';
import {lengthOf} from '../fusion-training/windows.js';
import {compileForward} from '../learning/engine.js';
import type {Inference, ProgramOptions} from '../learning/program.js';
import type {robustness} from '../schemas.js';
import {corruptedFeatures} from './corrupted-features.js';
import type {CorruptionOptions} from './corrupted-features.js';
import type {Corruption} from './corruption.js';
import {amountOf} from './corruption.js';
import type {TrainedSystem} from './trained-models.js';

export interface Evaluation extends CorruptionOptions {
  readonly data: FoldData;
  readonly trained: TrainedSystem;
  readonly corruptions: readonly Corruption[];
  readonly program: ProgramOptions;
  readonly signal: AbortSignal;
  readonly onDone: () => void;
}

/** One row per corruption and target of the model. */
export async function corruptedScores(evaluation: Evaluation): Promise<Row<typeof robustness>[]> {
  const {data, trained, corruptions, signal, onDone} = evaluation;
  const {inference, ...rest} = await openEvaluator(evaluation);
  const rows: Row<typeof robustness>[] = [];
  try {
    for (const corruption of corruptions) {
      signal.throwIfAborted();
      const split = {...data.validation, features: await corruptedFeatures(data, corruption, evaluation)};
      const predictions = await predict({...rest, inference, split}, trained.arrays);
      const scores = concordanceOf(split, predictions, trained.targets);
      rows.push(...trained.targets.map((target) => rowOf(corruption, data, target, scores[target]!)));
      onDone();
    }
  } finally {
    await inference.release();
  }
  return rows;
}

/** The same compiled forward pass and windows as training predicts with. */
async function openEvaluator({
  data,
  trained,
  program,
}: Evaluation): Promise<Evaluator & {readonly inference: Inference}> {
  const {model, targets, arrays} = trained;
  const {batchSize, clipFrames} = model.training;
  const split = data.validation;
  const shape = evaluationShape(split, {batchSize, length: lengthOf(model.training), clipFrames});
  const specs = Object.entries(arrays).map(([name, array]) => [name, {shape: array.shape, dtype: 'float32' as const}]);
  const inputs = {...(await evaluationSpecs(data, split, shape)), ...Object.fromEntries(specs)};
  const forward = forwardPass(model);
  const inference = await compileForward((_, given) => forward(given), {}, inputs, program);
  return {inference, data, split, shape, targets};
}

function rowOf(corruption: Corruption, data: FoldData, target: string, ccc: number): Row<typeof robustness> {
  return {
    corruption: corruption.kind,
    modality: corruption.kind === 'none' ? '' : corruption.modality,
    amount: amountOf(corruption),
    target,
    ccc,
    frameCount: data.validation.labels.reduce((sum, {valid}) => sum + valid.reduce((count, v) => count + v, 0), 0),
  };
}
