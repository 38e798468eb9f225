/**
 * Trains one model on one fold: epochs of steps, validation after each, the best epoch kept. All state is written to a
 * checkpoint after every epoch, and everything random is a function of seed and step, so a training that was killed
 * continues to the same bytes.
 */
import type {Resumable, Run} from '../learning/epochs.js';
import {reloadBest, runEpochs, savedRun, trainEpoch} from '../learning/epochs.js';
import type {Arrays, Inference, Program, ProgramOptions, Step, TensorSpecs, Tensors} from '../learning/program.js';
import {random} from '../learning/random.js';
import {specsOf, under} from '../learning/records.js';
import type {EpochRow as Epoch, LoopOptions, Progress as LoopProgress} from '../learning/training-loop.js';
import {startProgress} from '../learning/training-loop.js';
import {trained} from '../learning/training-step.js';
import type {ClipPredictions, Evaluator} from './evaluation.js';
import {concordanceOf, evaluationShape, evaluationSpecs, predict} from './evaluation.js';
import type {Target} from './fold-data.js';
import {forwardPass, initialState, trainingStep} from './model.js';
import type {StepSource} from './step-inputs.js';
import {batchesOf, batchShape, stepArrays} from './step-inputs.js';
import type {Training} from './training-params.js';

/** What training asks of an engine; `stages/learning/engine.ts` is one. */
export interface Engine {
  compile(
    source: {readonly step: Step; readonly state: Arrays; readonly batch: TensorSpecs},
    options: ProgramOptions,
  ): Promise<Program>;
  compileForward(
    forward: (weights: Tensors, inputs: Tensors) => Tensors,
    weights: Arrays,
    inputs: TensorSpecs,
    options: ProgramOptions,
  ): Promise<Inference>;
}

export type EpochRow = Epoch<Target>;
type Progress = LoopProgress<Target>;

export interface TrainingTask extends StepSource {
  readonly engine: Engine;
  readonly options: ProgramOptions;
  /** Path of the checkpoint file. */
  readonly checkpoint: string;
  readonly signal: AbortSignal;
  readonly onEpoch: (epochsDone: number) => void;
}

export interface TrainedModel {
  /** Weights and running statistics of the best epoch, under the names of the system. */
  readonly weights: Arrays;
  readonly curve: readonly EpochRow[];
  /** Predictions of the best epoch for each validation clip. */
  readonly predictions: readonly ClipPredictions[];
  readonly device: Program['device'];
  readonly reason: string;
}

/** Trains a model, or continues where its checkpoint left off, and predicts with the weights of its best epoch. */
export async function trainModel(task: TrainingTask): Promise<TrainedModel> {
  const saved = await savedRun<Progress>(task.checkpoint);
  const session = await openSession(task, saved?.state);
  try {
    const start = async () => ({
      progress: startProgress<Target>(loopOf(task.model.training)),
      best: trained(await session.program.state()),
    });
    const epoch = (run: Run<Progress>) => oneEpoch(task, session, run);
    const {progress, best} = await runEpochs(saved ?? (await start()), {...task, epoch});
    const {device, reason} = session.program;
    const weights = {...under(best, 'weights'), ...under(best, 'statistics')};
    return {weights, curve: progress.curve, predictions: await predict(session.evaluator, best), device, reason};
  } finally {
    await Promise.all([session.program.release(), session.evaluator.inference.release()]);
  }
}

/** Trains for an epoch and validates. */
async function oneEpoch(task: TrainingTask, session: Session, run: Run<Progress>): Promise<Resumable<Progress>> {
  const {training} = task.model;
  const next = await trainEpoch(session.program, run, {
    stage: 'fusion-training',
    loop: loopOf(training),
    signal: task.signal,
    batches: batchesOf(task, run.progress.epoch),
    prepare: (windows, at) => {
      const {spareMasks} = session;
      // Taken, not shared: a batch that waits for its step must not be overwritten by the one after it.
      session.spareMasks = undefined;
      return stepArrays(task, {windows, ...at, spareMasks});
    },
    recycle: (arrays) => {
      session.spareMasks = under(arrays, 'masks');
    },
    validate: async (model) =>
      concordanceOf(task.data.validation, await predict(session.evaluator, model), task.targets),
  });
  return training.reloadBest ? reloadBest(session.program, next) : next;
}

interface Session {
  readonly program: Program;
  readonly evaluator: Evaluator;
  /** Masks of a step that is over, until another step takes them. */
  spareMasks?: Arrays | undefined;
}

async function openSession(task: TrainingTask, saved: Arrays | undefined): Promise<Session> {
  const {model, data, engine, options, targets} = task;
  const state = initialState(model, random(task.seed));
  const batch = await stepArrays(task, {windows: [], step: 0, learningRate: 0});
  const program = await engine.compile({step: trainingStep(model), state, batch: specsOf(batch)}, options);
  if (saved !== undefined) await program.load(saved);
  const shape = evaluationShape(data.validation, batchShape(task));
  const inputs = {...(await evaluationSpecs(data, data.validation, shape)), ...specsOf(trained(state))};
  const forward = forwardPass(model);
  const inference = await engine.compileForward((_, given) => forward(given), {}, inputs, options);
  const evaluator = {inference, data, split: data.validation, shape, targets};
  return {program, evaluator};
}

const loopOf = (training: Training): LoopOptions => ({
  ...training,
  stepDecay:
    training.decayFactor === 1
      ? undefined
      : {
          from: training.decayFrom,
          epochs: training.decayEpochs,
          factor: training.decayFactor,
          learningRate: training.decayLearningRate || training.learningRate,
        },
});
