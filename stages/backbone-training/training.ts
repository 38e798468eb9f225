/**
 * Trains a backbone with its head on one fold by the protocol of the code that RCMA and GRJCA share: all is frozen but
 * the head and the first group; each time the learning rate has fallen below its minimum, the best weights so far are
 * reloaded and the next group is released, with a fresh optimiser and a new warm-up. State is written to a checkpoint
 * after every epoch, and everything random is a function of seed and step, so a killed training continues to the same
 * bytes.
 */
import {concordanceOf} from '../fusion-training/evaluation.js';
import type {ClipLabels, Target} from '../fusion-training/fold-data.js';
import {targets as allTargets} from '../fusion-training/fold-data.js';
import type {Window} from '../fusion-training/windows.js';
import {compile, compileForward} from '../learning/engine.js';
import type {Resumable, Run} from '../learning/epochs.js';
import {reloadBest, runEpochs, savedRun, trainEpoch} from '../learning/epochs.js';
import {initialArrays} from '../learning/layers/declaration.js';
import {drawMasks} from '../learning/layers/dropout.js';
import type {Arrays, Inference, Program, ProgramOptions} from '../learning/program.js';
import {random} from '../learning/random.js';
import {prefixed, scalarArrays, specsOf} from '../learning/records.js';
import type {ReleaseState} from '../learning/schedule.js';
import {afterReleaseEpoch, startRelease, startSchedule} from '../learning/schedule.js';
import type {EpochRow, Progress as LoopProgress} from '../learning/training-loop.js';
import {shuffledBatches, startProgress} from '../learning/training-loop.js';
import {drawViews} from './augmentation.js';
import type {Data} from './data.js';
import {stepsOf, windowArrays} from './data.js';
import {frameSpecs, passOver} from './forward.js';
import type {Model} from './model.js';
import {freshMoments, optimiserOf, predictionPass, stepOf} from './model.js';
import {imageShape} from './networks/network.js';
import type {Settings} from './settings.js';
import {loopOf} from './settings.js';

export interface TrainingTask {
  /** Name of the stage, for what it tells. */
  readonly stage: string;
  readonly model: Model;
  readonly data: Data;
  /** Pretrained weights and statistics by name; none from scratch. */
  readonly pretrained: Arrays;
  readonly seed: number;
  readonly options: ProgramOptions;
  /** Path of the checkpoint file. */
  readonly checkpoint: string;
  readonly signal: AbortSignal;
  readonly onEpoch: (epochsDone: number) => void;
}

export interface BackboneRow extends EpochRow<Target> {
  /** Groups that were trained in this epoch. */
  readonly releasedGroups: number;
}

export interface TrainedBackbone {
  /** 'weights/…' and 'statistics/…' of the best epoch, with those of the head. */
  readonly best: Arrays;
  readonly curve: readonly BackboneRow[];
  readonly device: Program['device'];
  readonly reason: string;
}

interface Progress extends LoopProgress<Target> {
  readonly release: ReleaseState;
  /** Step at which the last group was released. */
  readonly phaseStep: number;
  readonly releasedGroups: readonly number[];
}

/** Trains, or continues where the checkpoint left off. */
export async function trainBackbone(task: TrainingTask): Promise<TrainedBackbone> {
  const start = (await savedRun<Progress>(task.checkpoint)) ?? startOf(task);
  const evaluator = await openEvaluator(task, start.best);
  let program = await openProgram(task, start);
  const epoch = async (run: Run<Progress>): Promise<Resumable<Progress>> => {
    const next = await oneEpoch(task, {program, evaluator}, run);
    if (isRelease(run.progress, next.progress) && !next.progress.finished) {
      await program.release();
      program = await openProgram(task, next);
    }
    return next;
  };
  try {
    const {progress, best} = await runEpochs(start, {...task, epoch});
    const curve = progress.curve.map((row, at) => ({...row, releasedGroups: progress.releasedGroups[at]!}));
    return {best, curve, device: program.device, reason: program.reason};
  } finally {
    await Promise.all([program.release(), evaluator.release()]);
  }
}

function startOf({model, pretrained, seed}: TrainingTask): Resumable<Progress> {
  const best = initialArrays(model.declaration, pretrained, random(seed));
  const progress = {
    ...startProgress<Target>(loopOf(model.settings)),
    release: startRelease,
    phaseStep: 0,
    releasedGroups: [],
  };
  return {progress, best, state: {...best, ...freshMoments(model, startRelease.released)}};
}

const isRelease = (before: Progress, after: Progress): boolean => before.release.released !== after.release.released;

/** Compiles the step for what is released now; nothing else is differentiated. */
async function openProgram(task: TrainingTask, {progress, state}: Resumable<Progress>): Promise<Program> {
  const batch = specsOf(await stepArrays(task, {windows: [], position: 0, step: 1, learningRate: 0}));
  return compile({step: stepOf(task.model, progress.release.released), state, batch}, task.options);
}

function openEvaluator({model, options}: TrainingTask, state: Arrays): Promise<Inference> {
  const pass = predictionPass(model);
  return compileForward((_, given) => pass(given), {}, {...frameSpecs(model.network), ...specsOf(state)}, options);
}

interface Session {
  readonly program: Program;
  readonly evaluator: Inference;
}

/** Trains for an epoch, validates, and releases the next group where it is time. */
async function oneEpoch(task: TrainingTask, session: Session, run: Run<Progress>): Promise<Resumable<Progress>> {
  const {settings} = task.model;
  const {phaseStep} = run.progress;
  const trained = await trainEpoch(session.program, run, {
    stage: task.stage,
    loop: loopOf(settings),
    signal: task.signal,
    batches: batchesOf(task, run.progress.epoch),
    prepare: (windows, {step, learningRate}) =>
      stepArrays(task, {windows, position: step, step: step - phaseStep, learningRate}),
    validate: (model) => validate(task, session.evaluator, model),
  });
  const next = {...trained, progress: withRelease(settings, trained.progress)};
  if (isRelease(run.progress, next.progress))
    return {...next, state: {...next.best, ...freshMoments(task.model, next.progress.release.released)}};
  return settings.reloadBest ? reloadBest(session.program, next) : next;
}

/** Releases the next group once the rate is low enough; the schedule starts anew but remembers the best epoch. */
function withRelease(settings: Settings, before: Progress): Progress {
  const {minimumLearningRate: threshold, releaseGroups: groupCount, epochs} = settings;
  const release = afterReleaseEpoch(before.release, {rate: before.schedule.rate, threshold, groupCount});
  const next = {...before, release, releasedGroups: [...before.releasedGroups, before.release.released]};
  if (release.finished) return {...next, finished: true};
  if (!isRelease(before, next)) return next;
  return {
    ...next,
    phaseStep: next.step,
    schedule: {...startSchedule(loopOf(settings), next.epoch), best: next.schedule.best},
    stopping: {...next.stopping, sinceBest: 0},
    finished: next.epoch >= epochs,
  };
}

const batchSizeOf = ({model, data}: TrainingTask): number =>
  Math.min(model.settings.batchSize, data.train.windows.length);

/** The windows of an epoch in a drawn order, cut into batches; the last may be smaller. */
function batchesOf(task: TrainingTask, epoch: number): Window[][] {
  return shuffledBatches(task.data.train.windows, {batchSize: batchSizeOf(task), seed: task.seed, position: epoch});
}

interface StepArguments {
  readonly windows: readonly Window[];
  /** Number of the step among all steps of the training, from 1. */
  readonly position: number;
  /** Number of the step since the last release, from 1: the optimiser counts from there. */
  readonly step: number;
  readonly learningRate: number;
}

async function stepArrays(task: TrainingTask, {windows, position, step, learningRate}: StepArguments): Promise<Arrays> {
  const {network, settings, declaration} = task.model;
  const source = random(task.seed);
  const batchSize = batchSizeOf(task);
  const length = stepsOf(settings);
  const views = drawViews(windows.length, {network, augmentation: settings, random: source, step: position});
  const shape = imageShape(network);
  const targets = targetsOf(settings);
  const scalars = optimiserOf(settings).scalars({learningRate, step});
  return {
    ...(await windowArrays(task.data.train, {windows, views, batchSize, length, shape, targets})),
    ...prefixed('masks', drawMasks(declaration, batchSize * length, {source, step: position})),
    ...prefixed('optimiser', scalarArrays(scalars)),
  };
}

const targetsOf = ({targets}: Settings): readonly Target[] => (targets === 'both' ? allTargets : [targets]);

/** CCC over the valid frames of the validation clips, or every `frameStride`-th of them. */
async function validate({model, data, signal}: TrainingTask, inference: Inference, state: Arrays) {
  const {network, settings, targetCount} = model;
  const targets = targetsOf(settings);
  const {frameStride: stride} = settings;
  const predictions = [];
  for (const images of data.validation.images) {
    const values = await passOver(images, {network, inference, output: 'prediction', stride, state, signal});
    const of = (t: number) => values.filter((_, i) => i % targetCount === t);
    predictions.push(Object.fromEntries(targets.map((target, t) => [target, of(t)])));
  }
  return concordanceOf({labels: data.validation.labels.map((clip) => strided(clip, stride))}, predictions, targets);
}

function strided(clip: ClipLabels, stride: number): ClipLabels {
  const every = <T extends Float32Array | Int32Array | Uint8Array>(values: T): T =>
    values.filter((_: number, frame: number) => frame % stride === 0) as T;
  const {frameIndex, valence, arousal, valid} = clip;
  return {frameIndex: every(frameIndex), valence: every(valence), arousal: every(arousal), valid: every(valid)};
}
