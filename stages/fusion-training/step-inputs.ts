/** What each step of a training reads: windows in a drawn order, dropout masks, the optimiser's scalars. */
import {drawMasks} from '../learning/layers/dropout.js';
import type {Arrays} from '../learning/program.js';
import {random} from '../learning/random.js';
import {prefixed, scalarArrays} from '../learning/records.js';
import {shuffledBatches} from '../learning/training-loop.js';
import type {BatchShape} from './batches.js';
import {featureArrays, labelArrays} from './batches.js';
import type {FoldData, Target} from './fold-data.js';
import type {Model} from './model.js';
import {optimiserOf} from './model.js';
import type {Window} from './windows.js';
import {lengthOf} from './windows.js';

export interface StepSource {
  readonly model: Model;
  readonly targets: readonly Target[];
  readonly data: FoldData;
  readonly seed: number;
}

/** The shape of training batches; not larger than the windows there are. */
export const batchShape = ({model: {training}, data}: StepSource): BatchShape => ({
  batchSize: Math.min(training.batchSize, data.train.windows.length),
  length: lengthOf(training),
  clipFrames: training.clipFrames,
  clipPooling: training.clipPooling,
});

/** The windows of an epoch in a drawn order, cut into batches; the last may be smaller. */
export function batchesOf(source: StepSource, epoch: number): Window[][] {
  const {batchSize} = batchShape(source);
  const {windows} = source.data.train;
  const position = source.model.training.shuffle === 'epoch' ? epoch : 0;
  return shuffledBatches(windows, {batchSize, seed: source.seed, position});
}

export interface StepInputs {
  readonly windows: readonly Window[];
  /** Number of the step, from 1. */
  readonly step: number;
  readonly learningRate: number;
  /** Masks of a step that is over: large arrays that may be filled anew. */
  readonly spareMasks?: Arrays | undefined;
}

/** Everything a step reads, by the names that `trainingStep` uses. */
export async function stepArrays(source: StepSource, inputs: StepInputs): Promise<Arrays> {
  const {model, data, targets, seed} = source;
  const {windows, step, learningRate, spareMasks} = inputs;
  const shape = batchShape(source);
  const drawn = drawMasks(model.declaration, shape.batchSize, {source: random(seed), step, into: spareMasks});
  const scalars = optimiserOf(model.training).scalars({learningRate, step});
  return {
    ...(await featureArrays(data, data.train, windows, shape)),
    ...labelArrays(data.train, windows, shape, targets),
    ...prefixed('masks', drawn),
    ...prefixed('optimiser', scalarArrays(scalars)),
  };
}
