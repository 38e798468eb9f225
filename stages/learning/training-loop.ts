/**
 * Epochs of training, whatever is trained: the steps of one, and what its validation means for schedule, early stopping
 * and the choice of the best epoch. State is plain, so that a checkpoint can hold it.
 */
import {StageError} from '../errors.js';
import type {Arrays, Program} from './program.js';
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

/** Runs the steps of an epoch and gives their mean loss; while one runs, the next batch is being read. */
export async function runSteps(program: Program, options: StepsOptions): Promise<number> {
  const {stage, epoch, batchCount, signal, prepare, recycle = () => undefined} = options;
  let next = prepare(0);
  let lossSum = 0;
  for (let batch = 0; batch < batchCount; batch++) {
    signal.throwIfAborted();
    const arrays = await next;
    if (batch + 1 < batchCount) next = prepare(batch + 1);
    // Awaited in the next turn; if this step fails first, its own failure must not go unhandled.
    next.catch(() => undefined);
    const loss = (await program.run(arrays))['loss']!.values[0]!;
    recycle(arrays);
    if (!Number.isFinite(loss)) throw notFinite(stage, epoch, batch, loss);
    lossSum += loss;
  }
  return lossSum / batchCount;
}

const notFinite = (stage: string, epoch: number, batch: number, loss: number): StageError =>
  new StageError(
    'not-finite',
    `The training loss became ${loss} in epoch ${epoch}, batch ${batch}.`,
    `Lower ${stage}.learningRate, set ${stage}.gradientClip, or look for features that are not finite.`,
  );
