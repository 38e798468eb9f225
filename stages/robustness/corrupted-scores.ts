/** Scores of a trained model under each corruption, without training it again. */
import type {Row} from '../../cache/shard.js';
import {concordanceOf, predict} from '../fusion-training/evaluation.js';
import type {FoldData} from '../fusion-training/fold-data.js';
import type {TrainedSystem} from '../fusion-training/trained-system.js';
import {openEvaluator} from '../fusion-training/trained-system.js';
import type {ProgramOptions} from '../learning/program.js';
import type {robustness} from '../schemas.js';
import {corruptedFeatures} from './corrupted-features.js';
import type {CorruptionOptions} from './corrupted-features.js';
import type {Corruption} from './corruption.js';
import {amountOf} from './corruption.js';

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
  const evaluator = await openEvaluator(trained, data, evaluation.program);
  const rows: Row<typeof robustness>[] = [];
  try {
    for (const corruption of corruptions) {
      signal.throwIfAborted();
      const split = {...data.validation, features: await corruptedFeatures(data, corruption, evaluation)};
      const predictions = await predict({...evaluator, split}, trained.arrays);
      const scores = concordanceOf(split, predictions, trained.targets);
      rows.push(...trained.targets.map((target) => rowOf(corruption, data, target, scores[target]!)));
      onDone();
    }
  } finally {
    await evaluator.inference.release();
  }
  return rows;
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
