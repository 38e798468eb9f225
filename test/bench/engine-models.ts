/** Training steps that the engine benchmark runs, each with a twin of the same name in engine.py. */
import * as tf from '@tensorflow/tfjs';
import type {StepDeclaration} from '../../stages/learning/engine.js';
import {declare, initialArrays} from '../../stages/learning/layers/declaration.js';
import {dense, denseWeights} from '../../stages/learning/layers/dense.js';
import {causalConvolution} from '../../stages/learning/layers/temporal-convolution.js';
import {initialMoments, optimiser} from '../../stages/learning/optimiser.js';
import type {Arrays, ArrayValue, Tensors} from '../../stages/learning/program.js';
import {mapValues, prefixed, scalarArrays, specsOf} from '../../stages/learning/records.js';
import {random} from '../../stages/learning/random.js';
import {drawMasks} from '../../stages/learning/layers/dropout.js';
import {trainingStep as trainingStepOf} from '../../stages/learning/training-step.js';
import {networks} from '../../stages/backbone-training/networks/index.js';
import type {Network} from '../../stages/backbone-training/networks/network.js';
import {imageShape} from '../../stages/backbone-training/networks/network.js';
import {initialState, modelOf, optimiserOf, trainingStep} from '../../stages/fusion-training/model.js';
import {systems} from '../../stages/fusion-training/systems/index.js';
import {publishedTraining} from '../../stages/fusion-training/training-params.js';

export interface BenchModel {
  readonly declaration: StepDeclaration;
  readonly batch: Arrays;
}

type Weights = Record<string, tf.Tensor>;
type Loss = (weights: Weights, batch: Tensors) => tf.Scalar;

/** A linear congruential generator: equal weights in every run, without Math.random. */
function numbers(): (length: number, scale: number) => Float32Array {
  let seed = 1;
  return (length, scale) =>
    Float32Array.from({length}, () => {
      seed = (seed * 1664525 + 1013904223) % 2 ** 32;
      return (seed / 2 ** 31 - 1) * scale;
    });
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** A training step of Adam on a loss. */
function withAdam(loss: Loss, weights: Arrays, batch: Arrays): BenchModel {
  const names = Object.keys(weights);
  const adam = optimiser({name: 'adam'});
  const zeros = ({shape, values}: ArrayValue): ArrayValue => ({shape, values: new Float32Array(values.length)});
  const moments = adam.moments.flatMap((moment) => names.map((name) => [`${moment}/${name}`, zeros(weights[name]!)]));
  const whole = {...batch, ...scalarsOf({learningRate: 1e-5, step: 1})};
  return {
    batch: whole,
    declaration: {
      state: {...weights, ...(Object.fromEntries(moments) as Arrays)},
      batch: specsOf(whole),
      step: (state, given) => {
        const current = names.map((name) => state[name]!);
        const byName = (tensors: readonly tf.Tensor[]): Tensors =>
          Object.fromEntries(names.map((name, at) => [name, tensors[at]!]));
        const {value, grads} = tf.valueAndGrads((...tensors: tf.Tensor[]) => loss(byName(tensors), given))(current);
        const updated = adam.update({
          weights: byName(current),
          gradients: byName(grads),
          moments: Object.fromEntries(Object.entries(state).filter(([name]) => !names.includes(name))),
          scalars: given,
        });
        return {state: {...updated.weights, ...updated.moments}, outputs: {loss: value}};
      },
    },
  };
}

/** What Adam needs to know of a step, as arrays of the batch. */
export function scalarsOf(at: {learningRate: number; step: number}): Arrays {
  return scalarArrays(optimiser({name: 'adam'}).scalars(at));
}

const linear = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
  tf.reshape(tf.matMul(tf.reshape(x, [-1, x.shape.at(-1)!]), w as tf.Tensor2D), [...x.shape.slice(0, -1), w.shape[1]!]);

export interface RcmaSizes {
  readonly windows: number;
  readonly length: number;
  readonly features: Readonly<Record<Modality, number>>;
  /** Channels of the temporal convolutions; the last is the width of everything after them. */
  readonly channels: readonly number[];
  readonly hidden: number;
}

const others = {a: ['v', 't'], v: ['a', 't'], t: ['a', 'v']} as const;
type Modality = keyof typeof others;
const modalities = Object.keys(others) as Modality[];
const KERNEL = 5;

/** 12 windows of 300 frames with VGGish, ResNet-18 and BERT features. */
const paperSizes: RcmaSizes = {
  windows: 12,
  length: 300,
  features: {a: 128, v: 512, t: 768},
  channels: [256, 128, 128, 128],
  hidden: 128,
};

/** Recursive cross-modal attention behind temporal convolutions, with dropout in the head. */
export function rcma(sizes: RcmaSizes = paperSizes): BenchModel {
  const {windows, length, channels, hidden} = sizes;
  const width = channels.at(-1)!;
  const draw = numbers();
  const weights: Arrays = {};
  const add = (name: string, shape: number[], inputs = shape[0]!): void => {
    weights[name] = {shape, values: draw(sizeOf(shape), 0.7 / Math.sqrt(inputs))};
  };
  for (const modality of modalities) {
    let inputs = sizes.features[modality];
    for (const [level, outputs] of channels.entries()) {
      add(`tcn/${modality}/${String(level)}`, [outputs, inputs, KERNEL], inputs * KERNEL);
      add(`bias/${modality}/${String(level)}`, [outputs], inputs * KERNEL);
      if (inputs !== outputs) add(`direct/${modality}/${String(level)}`, [inputs, outputs]);
      inputs = outputs;
    }
    add(`joint/${modality}`, [width, 2 * width]);
    add(`correlation/${modality}`, [2 * width, width]);
    add(`attended/${modality}`, [width, width]);
  }
  add('head/1', [3 * width, hidden]);
  add('head/2', [hidden, 1]);
  const batch: Arrays = {
    labels: {shape: [windows * length], values: draw(windows * length, 1)},
    mask: {shape: [windows, length, hidden], values: draw(windows * length * hidden, 1).map((x) => (x > 0 ? 2 : 0))},
  };
  for (const modality of modalities) {
    const shape = [windows, length, sizes.features[modality]];
    batch[modality] = {shape, values: draw(sizeOf(shape), 1)};
  }
  const loss: Loss = (w, given) => concordanceLoss(rcmaForward(w, given, sizes), given['labels']!);
  return withAdam(loss, weights, batch);
}

function rcmaForward(w: Weights, batch: Tensors, {channels}: RcmaSizes): tf.Tensor {
  let features = byModality((name) => temporal(w, name, batch[name]!, channels.length));
  for (let recursion = 0; recursion < 2; recursion++) {
    const before = features;
    features = byModality((name) => {
      const joint = tf.concat(
        others[name].map((other) => before[other]),
        2,
      );
      const product = tf.matMul(linear(before[name], w[`joint/${name}`]!), joint, false, true);
      const correlation = tf.tanh(tf.div(product, Math.sqrt(joint.shape[2]!)));
      const map = tf.relu(tf.matMul(correlation, linear(joint, w[`correlation/${name}`]!)));
      return tf.add(linear(map, w[`attended/${name}`]!), before[name]);
    });
  }
  const fused = tf.concat(
    modalities.map((name) => features[name]),
    2,
  );
  const hidden = tf.mul(tf.relu(linear(fused, w['head/1']!)), batch['mask']!);
  return tf.reshape(tf.tanh(linear(hidden, w['head/2']!)), [-1]);
}

const byModality = <T>(compute: (name: Modality) => T): Record<Modality, T> => ({
  a: compute('a'),
  v: compute('v'),
  t: compute('t'),
});

function temporal(w: Weights, modality: string, input: tf.Tensor, levels: number): tf.Tensor {
  let x = input;
  for (let level = 0; level < levels; level++) {
    const at = `${modality}/${String(level)}`;
    const convolved = tf.relu(causalConvolution(x, w[`tcn/${at}`]!, w[`bias/${at}`]!, 2 ** level));
    const direct = w[`direct/${at}`];
    x = tf.relu(tf.add(convolved, direct === undefined ? x : linear(x, direct)));
  }
  return x;
}

/** 1 − CCC over all frames of the batch. */
function concordanceLoss(prediction: tf.Tensor, label: tf.Tensor): tf.Scalar {
  const [x, y] = [tf.sub(prediction, tf.mean(prediction)), tf.sub(label, tf.mean(label))];
  const distance = tf.square(tf.sub(tf.mean(prediction), tf.mean(label)));
  const spread = tf.add(tf.add(tf.mean(tf.square(x)), tf.mean(tf.square(y))), distance);
  return tf.sub(1, tf.div(tf.mul(tf.mean(tf.mul(x, y)), 2), spread)) as tf.Scalar;
}

/** The system `rcma` as users train it, with its published settings: 12 windows of 300 frames. */
export function published(): BenchModel {
  const system = systems['rcma']!;
  const [windows, length] = [publishedTraining.batchSize, publishedTraining.windowFrames];
  const dims = {visual: 512, acoustic: 128, linguistic: 768};
  const architecture = system.architecture.parse({});
  const model = modelOf({system, architecture, training: publishedTraining, dims, targetCount: 1});
  const draw = numbers();
  const array = (shape: number[]): ArrayValue => ({shape, values: draw(sizeOf(shape), 1)});
  const ones = (shape: number[]): ArrayValue => ({shape, values: new Float32Array(sizeOf(shape)).fill(1)});
  const features = Object.entries(dims).map(([name, d]) => [name, array([windows, length, d])] as const);
  const scalars = optimiserOf(publishedTraining).scalars({learningRate: 1e-5, step: 1});
  const batch: Arrays = {
    ...prefixed('inputs', Object.fromEntries(features)),
    ...prefixed('masks', drawMasks(model.declaration, windows, {source: random(1), step: 1})),
    ...prefixed('optimiser', scalarArrays(scalars)),
    real: ones([windows, length]),
    labels: array([windows, length, 1]),
    valid: ones([windows, length]),
  };
  const state = initialState(model, random(1));
  return {batch, declaration: {state, batch: specsOf(batch), step: trainingStep(model)}};
}

/** A backbone as users fine-tune it, all parts released, with a linear head of two outputs that is trained by squared error. */
function backbone(network: Network, images: number): BenchModel {
  const declaration = declare(
    network.declare(),
    denseWeights('head', {inputs: network.dimension, outputs: 2, bias: false}),
  );
  const adam = optimiser({name: 'adam'});
  const draw = numbers();
  const shape = [images, ...imageShape(network)];
  const batch: Arrays = {
    images: {shape, values: draw(sizeOf(shape), 1)},
    labels: {shape: [images, 2], values: draw(2 * images, 1)},
    real: {shape: [1, images], values: new Float32Array(images).fill(1)},
    ...prefixed('masks', drawMasks(declaration, images, {source: random(1), step: 1})),
    ...prefixed('optimiser', scalarsOf({learningRate: 1e-5, step: 1})),
  };
  const step = trainingStepOf({
    names: Object.keys(declaration.weights),
    optimiser: adam,
    gradientClip: 0,
    loss: (scope, given) => {
      const prediction = dense(scope, 'head', network.forward(scope, given['images'] as tf.Tensor4D));
      return tf.mean(tf.squaredDifference(prediction, given['labels']!));
    },
  });
  const shapes = mapValues(declaration.weights, (weight) => weight.shape);
  const state = {...initialArrays(declaration, {}, random(1)), ...initialMoments(adam, shapes)};
  return {batch, declaration: {state, batch: specsOf(batch), step}};
}

/** ResNet-18 (He et al., CVPR 2016) on face crops of 112 pixels. */
export const resnet18 = (images = 32): BenchModel => backbone(networks['resnet18']!, images);

/** IR-50, the improved residual network of ArcFace (Deng et al., CVPR 2019), on crops of 40 pixels, as RCMA and GRJCA have it. */
export const ir50 = (images = 32): BenchModel => backbone(networks['ir50']!, images);
