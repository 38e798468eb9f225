/** A system as an engine sees it: the state it starts from, a training step, a forward pass. */
import {tf} from '../learning/tf.js';
import type {Declaration, Scope} from '../learning/layers/declaration.js';
import {sizeOf} from '../learning/layers/declaration.js';
import {cccLoss} from '../learning/loss.js';
import type {Optimiser, OptimiserOptions} from '../learning/optimiser.js';
import {clipByNorm, initialMoments, optimiser} from '../learning/optimiser.js';
import type {Arrays, Step, Tensors} from '../learning/program.js';
import type {Random} from '../learning/random.js';
import type {Dims, System} from './system.js';
import type {Training} from './training-params.js';
import {lengthOf} from './windows.js';

export interface Model {
  readonly system: System;
  readonly architecture: Readonly<Record<string, unknown>>;
  readonly training: Training;
  readonly declaration: Declaration;
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

/** Weights as a function of the seed alone, zero moments, fresh statistics: the state before the first step. */
export function initialState({declaration, training}: Model, source: Random): Arrays {
  const weights = Object.entries(declaration.weights).map(([name, {shape, initialise}]) => {
    return [`weights/${name}`, {shape, values: initialise({random: source, name, shape})}] as const;
  });
  const statistics = Object.entries(declaration.statistics).map(([name, {shape, value}]) => {
    return [`statistics/${name}`, {shape, values: new Float32Array(sizeOf(shape)).fill(value)}] as const;
  });
  const shapes = Object.fromEntries(Object.entries(declaration.weights).map(([name, {shape}]) => [name, shape]));
  return {...Object.fromEntries([...weights, ...statistics]), ...initialMoments(optimiserOf(training), shapes)};
}

/** One step of training: loss and its gradient, the optimiser's update, new batch-norm statistics. */
export function trainingStep(model: Model): Step {
  const names = Object.keys(model.declaration.weights);
  const {update} = optimiserOf(model.training);
  return (state, batch) => {
    const updates: Tensors = {};
    const weights = names.map((name) => state[`weights/${name}`]!);
    const {value: loss, grads} = tf.valueAndGrads((...current: tf.Tensor[]) => {
      const scope = scopeOf(state, batch, {training: true, updates, weights: byName(names, current)});
      return lossOf(model, scope, batch);
    })(weights);
    const gradients = clipped(byName(names, grads), model.training.gradientClip);
    const moments = without(state, ['weights', 'statistics']);
    const updated = update({weights: byName(names, weights), gradients, moments, scalars: under(batch, 'optimiser')});
    const statistics = prefixed('statistics', {...under(state, 'statistics'), ...released(updates)});
    return {state: {...prefixed('weights', updated.weights), ...updated.moments, ...statistics}, outputs: {loss}};
  };
}

/** The forward pass without dropout; inputs are a batch and the weights and statistics of a state. */
export function forwardPass({system, architecture}: Model): (inputs: Tensors) => Tensors {
  return (inputs) => {
    const scope = scopeOf(inputs, inputs, {training: false, updates: {}, weights: under(inputs, 'weights')});
    return {prediction: system.forward({architecture, scope, inputs: under(inputs, 'inputs')}).prediction};
  };
}

function lossOf({system, architecture, training}: Model, scope: Scope, batch: Tensors): tf.Scalar {
  const {prediction} = system.forward({architecture, scope, inputs: under(batch, 'inputs')});
  const {lossOver: over, lossMoments: moments, lossTargets: targets} = training;
  return cccLoss({over, moments, targets}, {prediction, label: batch['labels']!, valid: batch['valid']!});
}

function scopeOf(state: Tensors, batch: Tensors, own: Pick<Scope, 'training' | 'updates' | 'weights'>): Scope {
  const real = batch['real']!.expandDims<tf.Tensor3D>(2);
  return {...own, statistics: under(state, 'statistics'), masks: under(batch, 'masks'), real};
}

const clipped = (gradients: Tensors, limit: number): Tensors => (limit > 0 ? clipByNorm(gradients, limit) : gradients);

/** Statistics were kept past the gradient tape; a clone in their place lets whoever runs the step dispose of them. */
function released(updates: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(updates).map(([name, kept]) => {
      const clone = kept.clone();
      kept.dispose();
      return [name, clone];
    }),
  );
}

/** Tensors named '<prefix>/<name>', by <name>. */
export function under<T>(tensors: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  const start = `${prefix}/`;
  const found = Object.entries(tensors).filter(([name]) => name.startsWith(start));
  return Object.fromEntries(found.map(([name, tensor]) => [name.slice(start.length), tensor]));
}

export function prefixed<T>(prefix: string, tensors: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}/${name}`, tensor]));
}

function without(tensors: Tensors, prefixes: readonly string[]): Tensors {
  const others = Object.entries(tensors).filter(([name]) => !prefixes.includes(name.slice(0, name.indexOf('/'))));
  return Object.fromEntries(others);
}

const byName = <T>(names: readonly string[], values: readonly T[]): Record<string, T> =>
  Object.fromEntries(names.map((name, i) => [name, values[i]!]));
