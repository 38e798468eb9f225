/**
 * Learning rate schedules and stopping rules as pure functions on plain, serialisable state. Epochs and batches count
 * from 0; a validation measure is one to be maximised.
 */

export interface ScheduleOptions {
  readonly learningRate: number;
  readonly minimumLearningRate: number;
  /**
   * How the rate rises in the first epochs. 'repetitive': in each of them anew from 0, to its share of the full rate,
   * (epoch + 1) / epochs. 'released': the same, but only to (epoch + 1) / epochs², because the code that RCMA, GRJCA and
   * LFAN share divides by the number of epochs twice. 'linear': one ramp over all of them.
   */
  readonly warmUp: 'repetitive' | 'released' | 'linear' | 'none';
  readonly warmUpEpochs: number;
  /** Factor of the rate once `plateauPatience` epochs brought no better validation. 1 switches it off. */
  readonly plateauFactor: number;
  readonly plateauPatience: number;
  /** 'step': after `stepDecayFrom` epochs the rate decays by `stepDecayFactor` every `stepDecayEpochs` epochs. */
  readonly stepDecay?: StepDecay | undefined;
}

export interface StepDecay {
  readonly from: number;
  readonly epochs: number;
  readonly factor: number;
  /** Rate at the start of the decay. */
  readonly learningRate: number;
}

export interface ScheduleState {
  /** Rate after warm-up, as the plateau rule left it. */
  readonly rate: number;
  readonly best: number;
  readonly badEpochs: number;
  /** Epoch at which the warm-up of the current phase began. */
  readonly phaseStart: number;
}

export interface Position {
  readonly epoch: number;
  readonly batch: number;
  readonly batchCount: number;
}

export const startSchedule = ({learningRate}: ScheduleOptions, phaseStart = 0): ScheduleState => ({
  rate: learningRate,
  best: -Infinity,
  badEpochs: 0,
  phaseStart,
});

/** The learning rate of one step. */
export function learningRateAt(options: ScheduleOptions, state: ScheduleState, position: Position): number {
  const epoch = position.epoch - state.phaseStart;
  return epoch < options.warmUpEpochs && options.warmUp !== 'none'
    ? options.learningRate * warmUpShare(options, {...position, epoch})
    : (decayed(options.stepDecay, epoch) ?? state.rate);
}

function warmUpShare({warmUp, warmUpEpochs}: ScheduleOptions, {epoch, batch, batchCount}: Position): number {
  if (warmUp === 'linear') return (epoch * batchCount + batch + 1) / (warmUpEpochs * batchCount);
  const divisor = warmUp === 'released' ? warmUpEpochs ** 2 : warmUpEpochs;
  return (batch * (epoch + 1)) / (batchCount * divisor);
}

function decayed(decay: StepDecay | undefined, epoch: number): number | undefined {
  if (decay === undefined || epoch <= decay.from) return undefined;
  return decay.learningRate * decay.factor ** Math.floor((epoch - decay.from) / decay.epochs);
}

/**
 * Takes note of an epoch's validation measure. Epochs without a new best count only after the warm-up, and the rate
 * falls when the count exceeds the patience: with patience 5 at the sixth (base/scheduler.py of the released code).
 */
export function afterEpoch(
  options: ScheduleOptions,
  state: ScheduleState,
  {epoch, measure}: {readonly epoch: number; readonly measure: number},
): ScheduleState {
  if (measure > state.best) return {...state, best: measure, badEpochs: 0};
  const counts = options.warmUp === 'none' || epoch - state.phaseStart >= options.warmUpEpochs;
  const badEpochs = counts ? state.badEpochs + 1 : 0;
  if (badEpochs <= options.plateauPatience) return {...state, badEpochs};
  const rate = Math.max(state.rate * options.plateauFactor, options.minimumLearningRate);
  return {...state, badEpochs: 0, rate};
}

export interface StoppingState {
  readonly best: number;
  readonly sinceBest: number;
}

export const startStopping: StoppingState = {best: -Infinity, sinceBest: 0};

export const afterMeasure = (state: StoppingState, measure: number): StoppingState =>
  measure > state.best ? {best: measure, sinceBest: 0} : {...state, sinceBest: state.sinceBest + 1};

/** Whether training ends: `patience` epochs without a new best, but never before `minimumEpochs`. */
export const shouldStop = (
  state: StoppingState,
  {epoch, patience, minimumEpochs}: {readonly epoch: number; readonly patience: number; readonly minimumEpochs: number},
): boolean => state.sinceBest >= patience && epoch + 1 >= minimumEpochs;

/** Gradual release of frozen parameter groups, the protocol of the code that RCMA and GRJCA share. */
export interface ReleaseState {
  /** Groups released so far; the first is trainable from the start. */
  readonly released: number;
  readonly finished: boolean;
}

export const startRelease: ReleaseState = {released: 1, finished: false};

/**
 * Releases the next group once the rate has fallen below `threshold`; training is finished when none is left. The
 * caller then starts a fresh optimiser and schedule, resets early stopping and reloads the best weights.
 */
export function afterReleaseEpoch(
  state: ReleaseState,
  {rate, threshold, groupCount}: {readonly rate: number; readonly threshold: number; readonly groupCount: number},
): ReleaseState {
  if (rate >= threshold) return state;
  return state.released >= groupCount ? {...state, finished: true} : {...state, released: state.released + 1};
}
