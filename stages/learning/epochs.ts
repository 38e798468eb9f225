/** Epochs of a training that may be killed: a checkpoint is written after each, while the next one trains. */
import {CheckpointWriter, readCheckpoint} from './checkpoint.js';
import type {Arrays} from './program.js';
import {prefixed, under} from './records.js';

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

export interface EpochsOptions<P> {
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
  {checkpoint, epoch, onEpoch}: EpochsOptions<P>,
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
