/** Training steps that the engine benchmark runs, each with a twin of the same name in engine.py. */
import * as tf from '@tensorflow/tfjs';
import type {StepDeclaration} from '../../stages/learning/engine.js';
import {causalConvolution} from '../../stages/learning/layers/temporal-convolution.js';
import {optimiser} from '../../stages/learning/optimiser.js';
import type {Arrays, ArrayValue, Tensors} from '../../stages/learning/program.js';
import {prefixed, scalarArrays, specsOf} from '../../stages/learning/records.js';
import {random} from '../../stages/learning/random.js';
import {drawMasks} from '../../stages/learning/layers/dropout.js';
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

const dense = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
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
      const product = tf.matMul(dense(before[name], w[`joint/${name}`]!), joint, false, true);
      const correlation = tf.tanh(tf.div(product, Math.sqrt(joint.shape[2]!)));
      const map = tf.relu(tf.matMul(correlation, dense(joint, w[`correlation/${name}`]!)));
      return tf.add(dense(map, w[`attended/${name}`]!), before[name]);
    });
  }
  const fused = tf.concat(
    modalities.map((name) => features[name]),
    2,
  );
  const hidden = tf.mul(tf.relu(dense(fused, w['head/1']!)), batch['mask']!);
  return tf.reshape(tf.tanh(dense(hidden, w['head/2']!)), [-1]);
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
    x = tf.relu(tf.add(convolved, direct === undefined ? x : dense(x, direct)));
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

/** Filters [out, in, H, W], as PyTorch stores them, and batch norms of a network, declared while it is described. */
class Network {
  readonly weights: Arrays = {};
  readonly #draw = numbers();

  filter(name: string, shape: [number, number, number, number]): void {
    const [height, width, inputs, outputs] = shape;
    const scale = Math.sqrt(3 / (height * width * inputs));
    this.weights[name] = {shape: [outputs, inputs, height, width], values: this.#draw(sizeOf(shape), scale)};
  }

  norm(name: string, channels: number): void {
    this.weights[`${name}/scale`] = {shape: [channels], values: new Float32Array(channels).fill(1)};
    this.weights[`${name}/offset`] = {shape: [channels], values: new Float32Array(channels)};
  }

  slopes(name: string, channels: number): void {
    this.weights[name] = {shape: [channels], values: new Float32Array(channels).fill(0.25)};
  }

  dense(name: string, inputs: number, outputs: number): void {
    this.weights[name] = {shape: [inputs, outputs], values: this.#draw(inputs * outputs, 1 / Math.sqrt(inputs))};
  }

  /** Images and two labels each; the loss is the mean squared error. */
  training(images: number, size: number, forward: (w: Weights, x: tf.Tensor4D) => tf.Tensor): BenchModel {
    const shape = [images, size, size, 3];
    const batch: Arrays = {
      images: {shape, values: this.#draw(sizeOf(shape), 1)},
      labels: {shape: [images, 2], values: this.#draw(2 * images, 1)},
    };
    const loss: Loss = (w, given) =>
      tf.mean(tf.squaredDifference(forward(w, given['images'] as tf.Tensor4D), given['labels']!)) as tf.Scalar;
    return withAdam(loss, this.weights, batch);
  }
}

/** Batch normalisation by the moments of the batch, with the gradient written out (Ioffe and Szegedy, 2015). */
function batchNorm(w: Weights, name: string, x: tf.Tensor): tf.Tensor4D {
  return normalised(x, w[`${name}/scale`]!, w[`${name}/offset`]!) as tf.Tensor4D;
}

const normalised = tf.customGrad((...given) => {
  const [x, scale, offset] = given as unknown as [tf.Tensor, tf.Tensor, tf.Tensor];
  const save = given[3] as tf.GradSaveFunc;
  const mean = tf.mean(x, [0, 1, 2]);
  const variance = tf.mean(tf.square(tf.sub(x, mean)), [0, 1, 2]);
  const inverse = tf.rsqrt(tf.add(variance, 1e-5));
  const factor = tf.mul(inverse, scale);
  const value = tf.add(tf.mul(x, factor), tf.sub(offset, tf.mul(mean, factor)));
  save([x, mean, inverse, factor]);
  return {
    value,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, mean, inverse, factor] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const count = x.size / x.shape.at(-1)!;
      const sum = tf.sum(dy, [0, 1, 2]);
      const projection = tf.mul(tf.sub(tf.sum(tf.mul(dy, x), [0, 1, 2]), tf.mul(mean, sum)), inverse);
      // dx = factor · (dy − (Σdy + x̂ · Σdy·x̂) / n), as one multiple of dy, one of x, and a constant per channel.
      const slope = tf.div(tf.mul(tf.mul(projection, inverse), factor), count);
      const constant = tf.sub(tf.mul(slope, mean), tf.div(tf.mul(sum, factor), count));
      const dx = tf.add(tf.sub(tf.mul(dy, factor), tf.mul(x, slope)), constant);
      return [dx, projection, sum];
    },
  };
});

/** ResNet-18 (He et al., CVPR 2016) with two outputs on face crops of 112 pixels. */
export function resnet18(images = 32): BenchModel {
  const network = new Network();
  const widths = [64, 128, 256, 512];
  network.filter('stem', [7, 7, 3, 64]);
  network.norm('stem', 64);
  for (const {name, inputs, outputs} of blocksOf(widths, [2, 2, 2, 2])) {
    network.filter(`${name}/1`, [3, 3, inputs, outputs]);
    network.norm(`${name}/1`, outputs);
    network.filter(`${name}/2`, [3, 3, outputs, outputs]);
    network.norm(`${name}/2`, outputs);
    if (inputs === outputs) continue;
    network.filter(`${name}/direct`, [1, 1, inputs, outputs]);
    network.norm(`${name}/direct`, outputs);
  }
  network.dense('head', 512, 2);
  return network.training(images, 112, (w, image) => {
    const stem = batchNorm(w, 'stem', convolution(image, w['stem']!, 2, 3));
    let x = tf.relu(tf.maxPool(stem, 3, 2, 1));
    for (const {name, stride} of blocksOf(widths, [2, 2, 2, 2])) {
      const inner = tf.relu(batchNorm(w, `${name}/1`, convolution(x, w[`${name}/1`]!, stride, 1)));
      const outer = batchNorm(w, `${name}/2`, convolution(inner, w[`${name}/2`]!, 1, 1));
      const direct = w[`${name}/direct`];
      const side = direct === undefined ? x : batchNorm(w, `${name}/direct`, convolution(x, direct, stride, 0));
      x = tf.relu(tf.add(outer, side)) as tf.Tensor4D;
    }
    return tf.matMul(tf.mean(x, [1, 2]), w['head'] as tf.Tensor2D);
  });
}

/** IR-50, the improved residual network of ArcFace (Deng et al., CVPR 2019), with two outputs. */
export function ir50(images = 8): BenchModel {
  const network = new Network();
  const [widths, depths] = [
    [64, 128, 256, 512],
    [3, 4, 14, 3],
  ];
  network.filter('stem', [3, 3, 3, 64]);
  network.norm('stem', 64);
  network.slopes('stem/slopes', 64);
  const blocks = blocksOf(widths, depths).map((block) => ({...block, stride: block.first ? 2 : 1}));
  for (const {name, inputs, outputs, first} of blocks) {
    network.norm(`${name}/before`, inputs);
    network.filter(`${name}/1`, [3, 3, inputs, outputs]);
    network.norm(`${name}/1`, outputs);
    network.slopes(`${name}/slopes`, outputs);
    network.filter(`${name}/2`, [3, 3, outputs, outputs]);
    network.norm(`${name}/2`, outputs);
    if (!first) continue;
    network.filter(`${name}/direct`, [1, 1, inputs, outputs]);
    network.norm(`${name}/direct`, outputs);
  }
  network.dense('head', 7 * 7 * 512, 2);
  return network.training(images, 112, (w, image) => {
    const stem = batchNorm(w, 'stem', convolution(image, w['stem']!, 1, 1));
    let x = tf.prelu(stem, w['stem/slopes']!) as tf.Tensor4D;
    for (const {name, stride} of blocks) {
      const before = batchNorm(w, `${name}/before`, x);
      const inner = batchNorm(w, `${name}/1`, convolution(before, w[`${name}/1`]!, 1, 1));
      const active = tf.prelu(inner, w[`${name}/slopes`]!) as tf.Tensor4D;
      const outer = batchNorm(w, `${name}/2`, convolution(active, w[`${name}/2`]!, stride, 1));
      const direct = w[`${name}/direct`];
      const side = direct === undefined ? x : batchNorm(w, `${name}/direct`, convolution(x, direct, stride, 0));
      x = tf.add(outer, side) as tf.Tensor4D;
    }
    return tf.matMul(tf.reshape(x, [images, -1]), w['head'] as tf.Tensor2D);
  });
}

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
  readonly first: boolean;
}

/** Blocks of four stages; the first of each later stage halves the image. */
function blocksOf(widths: readonly number[], depths: readonly number[]): Block[] {
  return widths.flatMap((outputs, stage) =>
    Array.from({length: depths[stage]!}, (_, at) => ({
      name: `${String(stage + 1)}/${String(at + 1)}`,
      inputs: at > 0 ? outputs : (widths[stage - 1] ?? widths[0]!),
      outputs,
      stride: at === 0 && stage > 0 ? 2 : 1,
      first: at === 0,
    })),
  );
}

function convolution(x: tf.Tensor, filter: tf.Tensor, stride: number, padding: number): tf.Tensor4D {
  const ordered = tf.transpose(filter, [2, 3, 1, 0]) as tf.Tensor4D;
  return tf.conv2d(x as tf.Tensor4D, ordered, stride, padding, 'NHWC', 1, 'floor');
}
