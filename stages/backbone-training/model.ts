/** A backbone with a head, as an engine sees it: the state it starts from, a training step, forward passes. */
import type {Declaration} from '../learning/layers/declaration.js';
import {declare} from '../learning/layers/declaration.js';
import {dense, denseWeights} from '../learning/layers/dense.js';
import {dropout, dropoutMask} from '../learning/layers/dropout.js';
import {cccLoss} from '../learning/loss.js';
import type {Optimiser} from '../learning/optimiser.js';
import {initialMoments, optimiser} from '../learning/optimiser.js';
import type {Arrays, Step, Tensors} from '../learning/program.js';
import type {tf} from '../learning/tf.js';
import {inferenceScope, trainingStep} from '../learning/training-step.js';
import type {Scope} from '../learning/layers/declaration.js';
import type {Network} from './networks/network.js';
import {releasedNames} from './networks/network.js';
import type {Settings} from './settings.js';
import {networkOf} from './settings.js';

/** The head maps a vector to the targets: one linear map, bounded by tanh. */
const HEAD = 'head';

export interface Model {
  readonly network: Network;
  readonly settings: Settings;
  readonly targetCount: number;
  readonly declaration: Declaration;
}

export function modelOf(settings: Settings): Model {
  const network = networkOf(settings);
  const targetCount = settings.targets === 'both' ? 2 : 1;
  const declaration = declare(
    network.declare(),
    dropoutMask(HEAD, [network.dimension], settings.headDropout),
    denseWeights(HEAD, {inputs: network.dimension, outputs: targetCount}),
  );
  return {network, settings, targetCount, declaration};
}

export const optimiserOf = ({weightDecay}: Settings): Optimiser => optimiser({name: 'adam', weightDecay});

/** Names of the weights that train while so many groups are released; the head always does. */
function trainedNames({network, declaration}: Model, released: number): string[] {
  const names = Object.keys(declaration.weights);
  return [...releasedNames(network, released, names), ...names.filter((name) => name.startsWith(`${HEAD}.`))];
}

/** Zero moments of the weights that train while so many groups are released. */
export function freshMoments(model: Model, released: number): Arrays {
  const names = trainedNames(model, released);
  const shapes = Object.fromEntries(names.map((name) => [name, model.declaration.weights[name]!.shape]));
  return initialMoments(optimiserOf(model.settings), shapes);
}

/** One step of training; weights of groups that are not released are neither differentiated nor changed. */
export function stepOf(model: Model, released: number): Step {
  const {settings} = model;
  const names = trainedNames(model, released);
  const trained = new Set(names);
  return trainingStep({
    names,
    optimiser: optimiserOf(settings),
    gradientClip: settings.gradientClip,
    ...(settings.frozenStatistics === 'fixed' && {isFixed: (layer: string) => !trained.has(`${layer}.weight`)}),
    loss: (scope, batch) => lossOf(model, scope, batch),
  });
}

/** Images [N, H, W, C], weights and statistics → 'prediction' [N, T]. */
export const predictionPass =
  (model: Model) =>
  (given: Tensors): Tensors => ({prediction: predicted(model, inferenceScope(given), given['images'] as tf.Tensor4D)});

/** Images [N, H, W, C], weights and statistics → 'vector' [N, d]. */
export const vectorPass =
  ({network}: Model) =>
  (given: Tensors): Tensors => ({vector: network.forward(inferenceScope(given), given['images'] as tf.Tensor4D)});

function predicted({network}: Model, scope: Scope, images: tf.Tensor4D): tf.Tensor2D {
  const vector = dropout(scope, HEAD, network.forward(scope, images));
  return dense(scope, HEAD, vector).tanh() as tf.Tensor2D;
}

function lossOf(model: Model, scope: Scope, batch: Tensors): tf.Scalar {
  const label = batch['labels']!;
  const prediction = predicted(model, scope, batch['images'] as tf.Tensor4D).reshape(label.shape);
  const {lossOver: over, lossMoments: moments} = model.settings;
  return cccLoss({over, moments, targets: 'mean'}, {prediction, label, valid: batch['valid']!});
}
