/**
 * Trains one model on one fold: epochs of steps, validation after each, the best epoch kept. All state is written to a
 * checkpoint after every epoch, and everything random is a function of seed and step, so a training that was killed
 * continues to the same bytes.
 */
import {StageError} from '../errors.js';
import {readCheckpoint, writeCheckpoint} from '../learning/checkpoint.js';
import {drawMasks} from '../learning/layers/dropout.js';
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
import {featureArrays, labelArrays} from './batches.js';
import type {ClipPredictions, Evaluator} from './evaluation.js';
import {concordanceOf, evaluationShape, evaluationSpecs, predict} from './evaluation.js';
import type {FoldData, Target} from './fold-data.js';
import type {Model} from './model.js';
import {forwardPass, initialState, optimiserOf, prefixed, trainingStep, under} from './model.js';
import type {Training} from './training-params.js';
import type {Window} from './windows.js';
import {lengthOf} from './windows.js';

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

export interface TrainingTask {
  readonly model: Model;
  readonly targets: readonly Target[];
  readonly data: FoldData;
  readonly seed: number;
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

export async function trainModel(task: TrainingTask): Promise<TrainedModel> {
  const saved = await readCheckpoint<Progress>(task.checkpoint);
  const session = await openSession(task, saved?.tensors);
  let progress = saved?.state ?? startOf(task.model.training);
  let best = under(saved?.tensors ?? {}, 'best');
  while (!progress.finished) {
    const {trainLoss, learningRate, step} = await runEpoch(task, session, progress);
    const state = await session.program.state();
    const concordance = concordanceOf(
      task.data.validation,
      await predict(session.evaluator, trained(state)),
      task.targets,
    );
    const row = {epoch: progress.epoch, learningRate, trainLoss, concordance};
    progress = advance(task.model.training, {...progress, step}, row);
    if (progress.curve.at(-1)!.best) best = trained(state);
    const next = task.model.training.reloadBest ? {...state, ...best} : state;
    if (task.model.training.reloadBest) await session.program.load(next);
    await writeCheckpoint(task.checkpoint, {
      tensors: {...prefixed('state', next), ...prefixed('best', best)},
      state: progress,
    });
    task.onEpoch(progress.epoch);
  }
  const predictions = await predict(session.evaluator, best);
  const {device, reason} = session.program;
  await Promise.all([session.program.release(), session.evaluator.inference.release()]);
  return {
    weights: {...under(best, 'weights'), ...under(best, 'statistics')},
    curve: progress.curve,
    predictions,
    device,
    reason,
  };
}

interface Session {
  readonly program: Program;
  readonly evaluator: Evaluator;
  /** Masks of the step before the current one: large arrays that the next step may fill anew. */
  spareMasks?: Arrays | undefined;
}

async function openSession(task: TrainingTask, saved: Arrays | undefined): Promise<Session> {
  const {model, data, engine, options, targets} = task;
  const state = initialState(model, random(task.seed));
  const batch = await prepare(task, {windows: [], step: 0, learningRate: 0});
  const program = await engine.compile({step: trainingStep(model), state, batch: specsOf(batch)}, options);
  if (saved !== undefined) await program.load(under(saved, 'state'));
  const shape = evaluationShape(data.validation, shapeOf(model.training));
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

const shapeOf = (training: Training) => ({
  batchSize: training.batchSize,
  length: lengthOf(training),
  clipFrames: training.clipFrames,
});

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
async function runEpoch(task: TrainingTask, session: Session, {epoch, step, schedule}: Progress) {
  const batches = batchesOf(task, epoch);
  const rateOf = (batch: number) =>
    learningRateAt(scheduleOf(task.model.training), schedule, {epoch, batch, batchCount: batches.length});
  const prepared = (batch: number) => {
    const windows = batches[batch] ?? [];
    return prepare(task, {windows, step: step + batch + 1, learningRate: rateOf(batch), spareMasks: session.spareMasks});
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

/** The windows of an epoch in a drawn order, cut into batches; the last may be smaller. */
function batchesOf({data, model, seed}: TrainingTask, epoch: number): Window[][] {
  const {batchSize, shuffle} = model.training;
  const {windows} = data.train;
  const order = random(seed)
    .stream('order')
    .at(shuffle === 'epoch' ? epoch : 0)
    .permutation(windows.length);
  const shuffled = Array.from(order, (i) => windows[i]!);
  return Array.from({length: Math.ceil(windows.length / batchSize)}, (_, i) =>
    shuffled.slice(i * batchSize, (i + 1) * batchSize),
  );
}

interface StepInputs {
  readonly windows: readonly Window[];
  /** Number of the step, from 1. */
  readonly step: number;
  readonly learningRate: number;
  readonly spareMasks?: Arrays | undefined;
}

/** All that a step reads: features, labels, dropout masks, the optimiser's scalars. */
async function prepare(task: TrainingTask, {windows, step, learningRate, spareMasks}: StepInputs): Promise<Arrays> {
  const {model, data, targets, seed} = task;
  const shape = shapeOf(model.training);
  const scalars = Object.entries(optimiserOf(model.training).scalars({learningRate, step}));
  return {
    ...(await featureArrays(data, data.train, windows, shape)),
    ...labelArrays(data.train, windows, shape, targets),
    ...prefixed('masks', drawMasks(model.declaration, shape.batchSize, {source: random(seed), step, into: spareMasks})),
    ...Object.fromEntries(
      scalars.map(([name, value]) => [`optimiser/${name}`, {shape: [], values: Float32Array.of(value)}]),
    ),
  };
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
