/**
 * Epochs of training, whatever is trained: the steps of one, and what its validation means for schedule, early stopping
 * and the choice of the best epoch. State is plain, so that a checkpoint can hold it.
 */
import {StageError} from '../errors.js';
import type {Arrays, Program} from './program.js';
import {random} from './random.js';
import type {ScheduleOptions, ScheduleState, StoppingState} from './schedule.js';
import {afterEpoch, afterMeasure, shouldStop, startSchedule, startStopping} from './schedule.js';

export interface LoopOptions extends ScheduleOptions {
  /** Epochs at most. */
  readonly epochs: number;
  readonly minimumEpochs: number;
  /** Epochs without a better validation after which training ends. */
  readonly earlyStopping: number;
}

export interface EpochRow<Target extends string> {
  readonly epoch: number;
  readonly learningRate: number;
  readonly trainLoss: number;
  /** Validation CCC of each target that is predicted. */
  readonly concordance: Readonly<Partial<Record<Target, number>>>;
  readonly best: boolean;
}

/** Everything a training must remember between epochs, tensors aside. */
export interface Progress<Target extends string> {
  readonly epoch: number;
  /** Steps that the optimiser has made. */
  readonly step: number;
  readonly schedule: ScheduleState;
  readonly stopping: StoppingState;
  readonly curve: readonly EpochRow<Target>[];
  readonly finished: boolean;
}

export const startProgress = <Target extends string>(options: LoopOptions): Progress<Target> => ({
  epoch: 0,
  step: 0,
  schedule: startSchedule(options),
  stopping: startStopping,
  curve: [],
  finished: options.epochs === 0,
});

/** Takes note of an epoch; the measure to be maximised is the mean of the concordances. */
export function advance<Target extends string>(
  options: LoopOptions,
  progress: Progress<Target>,
  row: Omit<EpochRow<Target>, 'best'>,
): Progress<Target> {
  const {epoch} = progress;
  const values = Object.values<number>(row.concordance as Record<string, number>);
  const measure = values.reduce((sum, value) => sum + value, 0) / values.length;
  const stopping = afterMeasure(progress.stopping, measure);
  const {earlyStopping: patience, minimumEpochs, epochs} = options;
  return {
    epoch: epoch + 1,
    step: progress.step,
    schedule: afterEpoch(options, progress.schedule, {epoch, measure}),
    stopping,
    curve: [...progress.curve, {...row, best: measure > progress.stopping.best}],
    finished: epoch + 1 >= epochs || shouldStop(stopping, {epoch, patience, minimumEpochs}),
  };
}

export interface Order {
  readonly batchSize: number;
  readonly seed: number;
  /** Which of the orders that the seed decides: the epoch, where each has its own. */
  readonly position: number;
}

/** Items in a drawn order, cut into batches; the last may be smaller. */
export function shuffledBatches<T>(items: readonly T[], {batchSize, seed, position}: Order): T[][] {
  const order = random(seed).stream('order').at(position).permutation(items.length);
  const shuffled = Array.from(order, (i) => items[i]!);
  return Array.from({length: Math.ceil(items.length / batchSize)}, (_, i) =>
    shuffled.slice(i * batchSize, (i + 1) * batchSize),
  );
}

export interface StepsOptions {
  /** Name of the stage, for the remedy of a loss that is not finite. */
  readonly stage: string;
  readonly epoch: number;
  readonly batchCount: number;
  readonly signal: AbortSignal;
  /** Everything that the step on a batch reads. */
  readonly prepare: (batch: number) => Promise<Arrays>;
  /** Takes back the arrays of a step that is over. */
  readonly recycle?: (arrays: Arrays) => void;
}

/** Runs the steps of an epoch and gives their mean loss; while some run, the next batches are being read. */
export async function runSteps(program: Program, options: StepsOptions): Promise<number> {
  const {stage, epoch, batchCount, signal, recycle = () => undefined} = options;
  const atOnce = program.stepsPerCall ?? 1;
  let next = prepared(options, 0, atOnce);
  let lossSum = 0;
  for (let first = 0; first < batchCount; first += atOnce) {
    signal.throwIfAborted();
    const batches = await next;
    if (first + atOnce < batchCount) next = prepared(options, first + atOnce, atOnce);
    // Awaited in the next turn; if this step fails first, its own failure must not go unhandled.
    next.catch(() => undefined);
    const outputs = program.runSteps ? await program.runSteps(batches) : [await program.run(batches[0]!)];
    for (const [at, output] of outputs.entries()) {
      const loss = output['loss']!.values[0]!;
      recycle(batches[at]!);
      if (!Number.isFinite(loss)) throw notFinite(stage, epoch, first + at, loss);
      lossSum += loss;
    }
  }
  return lossSum / batchCount;
}

/** What the steps of one call read, `count` of them or as many as are left. */
async function prepared({prepare, batchCount}: StepsOptions, first: number, count: number): Promise<Arrays[]> {
  const batches: Arrays[] = [];
  for (let batch = first; batch < Math.min(first + count, batchCount); batch++) batches.push(await prepare(batch));
  return batches;
}

const notFinite = (stage: string, epoch: number, batch: number, loss: number): StageError =>
  new StageError(
    'not-finite',
    `The training loss became ${loss} in epoch ${epoch}, batch ${batch}.`,
    `Lower ${stage}.learningRate, set ${stage}.gradientClip, or look for features that are not finite.`,
  );
