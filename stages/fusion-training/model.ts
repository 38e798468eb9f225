/** A system as an engine sees it: the state it starts from, a training step, a forward pass. */
import type {Declaration, Scope} from '../learning/layers/declaration.js';
import {initialArrays} from '../learning/layers/declaration.js';
import {cccLoss} from '../learning/loss.js';
import type {Optimiser, OptimiserOptions} from '../learning/optimiser.js';
import {initialMoments, optimiser} from '../learning/optimiser.js';
import type {Arrays, Step, Tensors} from '../learning/program.js';
import type {Random} from '../learning/random.js';
import {mapValues, under} from '../learning/records.js';
import type {tf} from '../learning/tf.js';
import {inferenceScope, trainingStep as step} from '../learning/training-step.js';
import type {Dims, System} from './system.js';
import type {Training} from './training-params.js';
import {lengthOf} from './windows.js';

export interface Model {
  readonly system: System;
  readonly architecture: Readonly<Record<string, unknown>>;
  readonly training: Training;
  readonly declaration: Declaration;
  /** Weights and statistics to start from, by name; random weights and fresh statistics where absent. */
  readonly initial?: Arrays;
}

/** Declares a system's weights for the features of a fold. */
export function modelOf(of: Omit<Model, 'declaration'> & {readonly dims: Dims; readonly targetCount: number}): Model {
  const {system, architecture, training, dims, targetCount} = of;
  const declaration = system.declare({architecture, dims, length: lengthOf(training), targetCount});
  return {system, architecture, training, declaration};
}

/** The optimiser that training parameters name. */
export function optimiserOf(training: Training): Optimiser {
  const {optimiser: name, weightDecay, momentum} = training;
  const options: OptimiserOptions =
    name === 'sgd' ? {name, momentum, nesterov: momentum > 0, weightDecay} : {name, weightDecay};
  return optimiser(options);
}

/** The state before the first step: weights, statistics, and zero moments of the weights. */
export function initialState({declaration, training, initial = {}}: Model, source: Random): Arrays {
  const shapes = mapValues(declaration.weights, ({shape}) => shape);
  return {...initialArrays(declaration, initial, source), ...initialMoments(optimiserOf(training), shapes)};
}

/** One step of training: loss and its gradient, the optimiser's update, new batch-norm statistics. */
export function trainingStep(model: Model): Step {
  return step({
    names: Object.keys(model.declaration.weights),
    optimiser: optimiserOf(model.training),
    gradientClip: model.training.gradientClip,
    loss: (scope, batch) => lossOf(model, scope, batch),
  });
}

/** The forward pass without dropout; inputs are a batch and the weights and statistics of a state. */
export function forwardPass({system, architecture}: Model): (inputs: Tensors) => Tensors {
  return (inputs) => {
    const scope = inferenceScope(inputs);
    return {prediction: system.forward({architecture, scope, inputs: under(inputs, 'inputs')}).prediction};
  };
}

function lossOf({system, architecture, training}: Model, scope: Scope, batch: Tensors): tf.Scalar {
  const {prediction} = system.forward({architecture, scope, inputs: under(batch, 'inputs')});
  const {lossOver: over, lossMoments: moments, lossTargets: targets} = training;
  return cccLoss({over, moments, targets}, {prediction, label: batch['labels']!, valid: batch['valid']!});
}
