/**
 * Epochs of a training that may be killed: steps, validation, the best weights so far, and a checkpoint after each epoch,
 * which is written while the next one trains.
 */
import {CheckpointWriter, readCheckpoint} from './checkpoint.js';
import type {Arrays, Program} from './program.js';
import {prefixed, under} from './records.js';
import {learningRateAt} from './schedule.js';
import type {EpochRow, LoopOptions, Progress, StepsOptions} from './training-loop.js';
import {advance, runSteps} from './training-loop.js';
import {trained} from './training-step.js';

/** How far a training has come. */
export interface Run<P> {
  /** Everything that it must remember, tensors aside. */
  readonly progress: P;
  /** Weights and statistics of the best epoch so far. */
  readonly best: Arrays;
}

/** The same with all that the next step starts from: half a gigabyte at published sizes, so nobody keeps it. */
export interface Resumable<P> extends Run<P> {
  readonly state: Arrays;
}

export interface RunOptions<P> {
  /** Path of the checkpoint file. */
  readonly checkpoint: string;
  readonly epoch: (run: Run<P>) => Promise<Resumable<P>>;
  readonly onEpoch: (epochsDone: number) => void;
}

/** Where a training that was killed left off; undefined where it has to begin. */
export async function savedRun<P>(checkpoint: string): Promise<Resumable<P> | undefined> {
  const saved = await readCheckpoint<P>(checkpoint);
  return saved && {progress: saved.state, state: under(saved.tensors, 'state'), best: under(saved.tensors, 'best')};
}

/** Trains from one epoch to the next until progress says that it is finished. */
export async function runEpochs<P extends {readonly epoch: number; readonly finished: boolean}>(
  run: Run<P>,
  {checkpoint, epoch, onEpoch}: RunOptions<P>,
): Promise<Run<P>> {
  await using checkpoints = new CheckpointWriter<P>(checkpoint);
  while (!run.progress.finished) {
    const {state, ...next} = await epoch(run);
    const tensors = {...prefixed('state', state), ...prefixed('best', next.best)};
    await checkpoints.write({tensors, state: next.progress});
    run = next;
    onEpoch(run.progress.epoch);
  }
  await checkpoints.finish();
  return run;
}

export interface EpochOptions<Window, Target extends string> extends Pick<
  StepsOptions,
  'stage' | 'signal' | 'recycle'
> {
  readonly loop: LoopOptions;
  /** What the steps of this epoch are made on. */
  readonly batches: readonly (readonly Window[])[];
  /** Everything that a step reads; `step` is its number in the whole training, from 1. */
  readonly prepare: (
    batch: readonly Window[],
    at: {readonly step: number; readonly learningRate: number},
  ) => Promise<Arrays>;
  /** Validation CCC of each target by 'weights/…' and 'statistics/…'. */
  readonly validate: (model: Arrays) => Promise<EpochRow<Target>['concordance']>;
}

/** Trains for an epoch and validates. Throws StageError 'not-finite' for a loss that is no number. */
export async function trainEpoch<Window, Target extends string, P extends Progress<Target>>(
  program: Program,
  {progress, best}: Run<P>,
  options: EpochOptions<Window, Target>,
): Promise<Resumable<P>> {
  const {loop, batches, prepare, validate} = options;
  const {epoch, step, schedule} = progress;
  const batchCount = batches.length;
  const rateOf = (batch: number) => learningRateAt(loop, schedule, {epoch, batch, batchCount});
  const trainLoss = await runSteps(program, {
    ...options,
    epoch,
    batchCount,
    prepare: (batch) => prepare(batches[batch]!, {step: step + batch + 1, learningRate: rateOf(batch)}),
  });
  const state = await program.state();
  const concordance = await validate(trained(state));
  const row = {epoch, learningRate: rateOf(batchCount - 1), trainLoss, concordance};
  const next = advance(loop, {...progress, step: step + batchCount}, row);
  return {progress: {...progress, ...next}, best: next.curve.at(-1)!.best ? trained(state) : best, state};
}

/** Lets the next epoch start from the best weights so far. */
export async function reloadBest<P>(program: Program, run: Resumable<P>): Promise<Resumable<P>> {
  const state = {...run.state, ...run.best};
  await program.load(state);
  return {...run, state};
}
