/**
 * Gradients that tfjs 4.22 lacks for operands that repeat along each other, gets wrong, or writes as thousands of
 * operations. They replace tfjs's own for the whole process, so that a step means the same eagerly and traced.
 */
import * as tf from '@tensorflow/tfjs';
import {convolutionGradient} from './convolution-gradient.js';

export type Gradients = Record<string, () => tf.Tensor>;

const {getReductionAxes} = tf.broadcast_util;

/** Sums a gradient over the axes along which its operand was repeated. */
function narrowed(gradient: tf.Tensor, {shape}: tf.Tensor): tf.Tensor {
  const axes = getReductionAxes(shape, gradient.shape);
  return tf.reshape(axes.length === 0 ? gradient : tf.sum(gradient, axes), shape);
}

/** tfjs's gradient is right for equal batch axes only. */
function matMulGradient(dy: tf.Tensor, saved: tf.Tensor[], attributes: tf.NamedAttrMap): Gradients {
  const [a, b] = saved as [tf.Tensor, tf.Tensor];
  const {transposeA, transposeB} = attributes as unknown as tf.BatchMatMulAttrs;
  return {
    a: () => narrowed(transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB), a),
    b: () => narrowed(transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false), b),
  };
}

/** The larger or smaller operand receives dy, the first where both are equal. */
const choiceGradient =
  (chooses: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) =>
  (dy: tf.Tensor, saved: tf.Tensor[]): Gradients => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const first = chooses(a, b);
    return {
      a: () => narrowed(tf.mul(dy, tf.cast(first, 'float32')), a),
      b: () => narrowed(tf.mul(dy, tf.cast(tf.logicalNot(first), 'float32')), b),
    };
  };

function squaredDifferenceGradient(dy: tf.Tensor, saved: tf.Tensor[]): Gradients {
  const [a, b] = saved as [tf.Tensor, tf.Tensor];
  const slope = (): tf.Tensor => tf.mul(dy, tf.mul(tf.sub(a, b), 2));
  return {a: () => narrowed(slope(), a), b: () => narrowed(tf.neg(slope()), b)};
}

/** tfjs transposes the result once too often unless the axis is the last. */
function cumsumGradient(dy: tf.Tensor, _: tf.Tensor[], attributes: tf.NamedAttrMap): Gradients {
  const {axis, exclusive, reverse} = attributes as unknown as tf.CumsumAttrs;
  return {x: () => tf.cumsum(dy, axis, exclusive, !reverse)};
}

/** tfjs adds one slice for each repetition; here the repetitions are axes of their own and summed at once. */
function tileGradient(dy: tf.Tensor, saved: tf.Tensor[], attributes: tf.NamedAttrMap): Gradients {
  const [x] = saved as [tf.Tensor];
  const {reps} = attributes as unknown as tf.TileAttrs;
  const apart = x.shape.flatMap((size, axis) => [reps[axis]!, size]);
  const repetitions = x.shape.map((_, axis) => 2 * axis);
  return {x: () => tf.sum(tf.reshape(dy, apart), repetitions)};
}

/** tfjs selects elements, which takes several passes over them on most backends, here and below. */
function leakyReluGradient(dy: tf.Tensor, saved: tf.Tensor[], attributes: tf.NamedAttrMap): Gradients {
  const {alpha} = attributes as unknown as tf.LeakyReluAttrs;
  return {x: () => tf.mul(dy, tf.step(saved[0]!, alpha))};
}

function preluGradient(dy: tf.Tensor, saved: tf.Tensor[]): Gradients {
  const [x, alpha] = saved as [tf.Tensor, tf.Tensor];
  return {
    x: () => tf.mul(dy, tf.add(tf.mul(tf.step(x), tf.sub(1, alpha)), alpha)),
    alpha: () => narrowed(tf.mul(dy, tf.minimum(x, 0)), alpha),
  };
}

const gradients: readonly tf.GradConfig[] = [
  {kernelName: tf.Conv2D, inputsToSave: ['x', 'filter'], gradFunc: convolutionGradient as tf.GradFunc},
  {kernelName: tf.BatchMatMul, inputsToSave: ['a', 'b'], gradFunc: matMulGradient as tf.GradFunc},
  {kernelName: tf.Maximum, inputsToSave: ['a', 'b'], gradFunc: choiceGradient(tf.greaterEqual) as tf.GradFunc},
  {kernelName: tf.Minimum, inputsToSave: ['a', 'b'], gradFunc: choiceGradient(tf.lessEqual) as tf.GradFunc},
  {kernelName: tf.LeakyRelu, inputsToSave: ['x'], gradFunc: leakyReluGradient as tf.GradFunc},
  {kernelName: tf.Prelu, inputsToSave: ['x', 'alpha'], gradFunc: preluGradient as tf.GradFunc},
  {kernelName: tf.SquaredDifference, inputsToSave: ['a', 'b'], gradFunc: squaredDifferenceGradient as tf.GradFunc},
  {kernelName: tf.Cumsum, gradFunc: cumsumGradient as tf.GradFunc},
  {kernelName: tf.Tile, inputsToSave: ['x'], gradFunc: tileGradient as tf.GradFunc},
];

/** Registers the gradients; harmless to repeat. */
export function installGradients(): void {
  for (const gradient of gradients) tf.registerGradient(gradient);
}
