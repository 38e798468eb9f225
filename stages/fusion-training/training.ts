/**
 * Trains one model on one fold: epochs of steps, validation after each, the best epoch kept. All state is written to a
 * checkpoint after every epoch, and everything random is a function of seed and step, so a training that was killed
 * continues to the same bytes.
 */
import {StageError} from '../errors.js';
import {readCheckpoint, writeCheckpoint} from '../learning/checkpoint.js';
import type {Arrays, Inference, Program, ProgramOptions, Step, TensorSpecs, Tensors} from '../learning/program.js';
import {random} from '../learning/random.js';
import type {ScheduleOptions, ScheduleState, StoppingState} from '../learning/schedule.js';
import {
  afterEpoch,
  afterMeasure,
  learningRateAt,
  shouldStop,
  startSchedule,
  startStopping,
} from '../learning/schedule.js';
import type {ClipPredictions, Evaluator} from './evaluation.js';
import {concordanceOf, evaluationShape, evaluationSpecs, predict} from './evaluation.js';
import type {Target} from './fold-data.js';
import {forwardPass, initialState, prefixed, trainingStep, under} from './model.js';
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

export interface EpochRow {
  readonly epoch: number;
  readonly learningRate: number;
  readonly trainLoss: number;
  readonly concordance: Readonly<Partial<Record<Target, number>>>;
  readonly best: boolean;
}

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

/** Everything a training must remember between epochs, tensors aside. */
interface Progress {
  readonly epoch: number;
  readonly step: number;
  readonly schedule: ScheduleState;
  readonly stopping: StoppingState;
  readonly curve: readonly EpochRow[];
  readonly finished: boolean;
}

/** Trains a model, or continues where its checkpoint left off, and predicts with the weights of its best epoch. */
export async function trainModel(task: TrainingTask): Promise<TrainedModel> {
  const saved = await readCheckpoint<Progress>(task.checkpoint);
  const session = await openSession(task, saved?.tensors);
  try {
    let run: Run = {progress: saved?.state ?? startOf(task.model.training), best: under(saved?.tensors ?? {}, 'best')};
    while (!run.progress.finished) {
      run = await oneEpoch(task, session, run);
      task.onEpoch(run.progress.epoch);
    }
    const {device, reason} = session.program;
    const weights = {...under(run.best, 'weights'), ...under(run.best, 'statistics')};
    return {
      weights,
      curve: run.progress.curve,
      predictions: await predict(session.evaluator, run.best),
      device,
      reason,
    };
  } finally {
    await Promise.all([session.program.release(), session.evaluator.inference.release()]);
  }
}

interface Run {
  readonly progress: Progress;
  /** Weights and statistics of the best epoch so far. */
  readonly best: Arrays;
}

/** Trains for an epoch, validates, and writes the checkpoint. */
async function oneEpoch(task: TrainingTask, session: Session, run: Run): Promise<Run> {
  const {training} = task.model;
  const {trainLoss, learningRate, step} = await runSteps(task, session, run.progress);
  const state = await session.program.state();
  const predictions = await predict(session.evaluator, trained(state));
  const concordance = concordanceOf(task.data.validation, predictions, task.targets);
  const row = {epoch: run.progress.epoch, learningRate, trainLoss, concordance};
  const progress = advance(training, {...run.progress, step}, row);
  const best = progress.curve.at(-1)!.best ? trained(state) : run.best;
  const next = training.reloadBest ? {...state, ...best} : state;
  if (training.reloadBest) await session.program.load(next);
  const tensors = {...prefixed('state', next), ...prefixed('best', best)};
  await writeCheckpoint(task.checkpoint, {tensors, state: progress});
  return {progress, best};
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
  if (saved !== undefined) await program.load(under(saved, 'state'));
  const shape = evaluationShape(data.validation, batchShape(task));
  const inputs = {...(await evaluationSpecs(data, data.validation, shape)), ...specsOf(trained(state))};
  const forward = forwardPass(model);
  const inference = await engine.compileForward((_, given) => forward(given), {}, inputs, options);
  return {program, evaluator: {inference, data, split: data.validation, shape, targets}};
}

/** What an evaluation needs of a state: all but the optimiser's moments. */
const trained = (state: Arrays): Arrays => ({
  ...prefixed('weights', under(state, 'weights')),
  ...prefixed('statistics', under(state, 'statistics')),
});

const specsOf = (arrays: Arrays): TensorSpecs =>
  Object.fromEntries(Object.entries(arrays).map(([name, {shape}]) => [name, {shape, dtype: 'float32'}]));

const scheduleOf = (training: Training): ScheduleOptions => ({
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

const startOf = (training: Training): Progress => ({
  epoch: 0,
  step: 0,
  schedule: startSchedule(scheduleOf(training)),
  stopping: startStopping,
  curve: [],
  finished: false,
});

/** Runs the steps of one epoch; while one runs, the next batch is being read. */
async function runSteps(task: TrainingTask, session: Session, {epoch, step, schedule}: Progress) {
  const batches = batchesOf(task, epoch);
  const rateOf = (batch: number) =>
    learningRateAt(scheduleOf(task.model.training), schedule, {epoch, batch, batchCount: batches.length});
  const prepared = (batch: number) => {
    const {spareMasks} = session;
    // Taken, not shared: a batch that waits for its step must not be overwritten by the one after it.
    session.spareMasks = undefined;
    const learningRate = rateOf(batch);
    return stepArrays(task, {windows: batches[batch] ?? [], step: step + batch + 1, learningRate, spareMasks});
  };
  let next = prepared(0);
  let lossSum = 0;
  for (let batch = 0; batch < batches.length; batch++) {
    task.signal.throwIfAborted();
    const arrays = await next;
    if (batch + 1 < batches.length) next = prepared(batch + 1);
    // Awaited in the next turn; if this step fails first, its own failure must not go unhandled.
    next.catch(() => undefined);
    const loss = (await session.program.run(arrays))['loss']!.values[0]!;
    session.spareMasks = under(arrays, 'masks');
    if (!Number.isFinite(loss)) throw notFinite(epoch, batch, loss);
    lossSum += loss;
  }
  return {trainLoss: lossSum / batches.length, learningRate: rateOf(batches.length - 1), step: step + batches.length};
}

/** What an epoch's validation means for schedule, stopping and the choice of the best epoch. */
function advance(training: Training, progress: Progress, row: Omit<EpochRow, 'best'>): Progress {
  const {epoch} = progress;
  const values = Object.values(row.concordance);
  const measure = values.reduce((sum, value) => sum + value, 0) / values.length;
  const stopping = afterMeasure(progress.stopping, measure);
  const {earlyStopping: patience, minimumEpochs, epochs} = training;
  return {
    epoch: epoch + 1,
    step: progress.step,
    schedule: afterEpoch(scheduleOf(training), progress.schedule, {epoch, measure}),
    stopping,
    curve: [...progress.curve, {...row, best: measure > progress.stopping.best}],
    finished: epoch + 1 >= epochs || shouldStop(stopping, {epoch, patience, minimumEpochs}),
  };
}

const notFinite = (epoch: number, batch: number, loss: number): StageError =>
  new StageError(
    'not-finite',
    `The training loss became ${loss} in epoch ${epoch}, batch ${batch}.`,
    'Lower fusion-training.learningRate, set fusion-training.gradientClip, or look for features that are not finite.',
  );
