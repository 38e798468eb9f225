/** Runs fusion-training on a small fold of real shards, and what follows it. */
import type {z} from 'zod';
import {foldEvaluation} from '../../../stages/fold-evaluation.js';
import {fusionTraining} from '../../../stages/fusion-training.js';
import type {FoldInputs} from '../../../stages/fusion-training/fold-data.js';
import type {Modality} from '../../../stages/fusion-training/system.js';
import {robustness} from '../../../stages/robustness.js';
import type {StageOptions, StageResult} from '../../helpers/run-stage.js';
import {runStage} from '../../helpers/run-stage.js';
import type {ClipOptions} from './small-fold.js';
import {smallFold} from './small-fold.js';

/** Parameters of models that train in a second. */
export const small: z.input<typeof fusionTraining.params> = {
  architecture: {
    visualChannels: [8],
    acousticChannels: [8],
    linguisticChannels: [8],
    kernel: 3,
    headUnits: 8,
    headDropout: 0.1,
  },
  windowFrames: 30,
  hopFrames: 20,
  batchSize: 4,
  learningRate: 1e-2,
  warmUp: 'none',
  epochs: 4,
  targets: 'joint',
};

/** Clips of which some frames have no valid label. */
export const clips = (count: number, seed: number): ClipOptions[] =>
  Array.from({length: count}, (_, i) => ({
    frameCount: 45 + 5 * i,
    seed: seed + i,
    invalid: (k: number) => k % 11 === 0,
  }));

export type Fold = ReturnType<typeof smallFold>;

export const fold = (): Fold => smallFold(clips(4, 1), clips(2, 101));

/** The inputs of training as its parts take them. */
export const inputsOf = (
  {labels, ...features}: Fold = fold(),
  modalities: readonly Modality[] = ['visual', 'acoustic', 'linguistic'],
): FoldInputs => ({features: new Map(modalities.map((modality) => [modality, features[modality]])), labels});

export type Run = StageResult<typeof fusionTraining.outputs>;

export interface RunOptions extends StageOptions {
  readonly inputs?: Fold;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Trains on a fold of small clips. */
export const train = ({inputs = fold(), params = {}, ...options}: RunOptions = {}): Promise<Run> =>
  runStage(fusionTraining, {inputs, params: {...small, ...params}, seed: 1, ...options});

/** Scores a run's predictions. */
export async function evaluate({outputs: {predictions}}: Run, {labels}: Fold = fold()) {
  return (await runStage(foldEvaluation, {inputs: {predictions, labels}})).outputs.scores;
}

export interface CorruptOptions extends RunOptions {
  readonly corruptions: readonly unknown[];
}

/** Evaluates a run's models on corrupted features; `params` are what it was trained with, beside `small`. */
export async function corrupt(run: Run, {inputs = fold(), params = {}, corruptions, ...options}: CorruptOptions) {
  const {outputs, digests, progress} = await runStage(robustness, {
    inputs: {...inputs, weights: run.outputs.weights},
    params: {training: {...small, ...params}, corruptions: [...corruptions] as never, stretchFrames: 10},
    seed: 1,
    ...options,
  });
  return {rows: outputs.scores.all, digest: digests['scores'], progress};
}
