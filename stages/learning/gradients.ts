/**
 * Gradients that tfjs 4.22 lacks for operands that repeat along each other, gets wrong, or writes as thousands of
 * operations. They replace tfjs's own for the whole process, so that a step means the same eagerly and traced.
 */
import * as tf from '@tensorflow/tfjs';

type Gradients = Record<string, () => tf.Tensor>;

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

/** Attributes of a convolution; tfjs's kernels of its gradient know no dilation, those of a trace do. */
type ConvolutionAttributes = tf.Conv2DAttrs & {readonly dilations: [number, number] | number};

/** Also of dilated convolutions, which tfjs refuses, and on WebAssembly, which lacks the filter's gradient. */
function convolutionGradient(dy: tf.Tensor, saved: tf.Tensor[], attributes: tf.NamedAttrMap): Gradients {
  const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
  const given = attributes as unknown as ConvolutionAttributes;
  const run = (kernel: string, inputs: tf.NamedTensorMap, shapes: tf.NamedAttrMap): tf.Tensor =>
    tf.engine().runKernel(kernel, inputs, {...attributes, ...shapes});
  const composed = new ComposedGradients(x.shape, filter.shape, given);
  const runs = (kernel: string): boolean => hasKernel(kernel) && (!isDilated(given) || hasKernel(DILATED_GRADIENTS));
  return {
    x: () =>
      runs(tf.Conv2DBackpropInput)
        ? run(tf.Conv2DBackpropInput, {dy, filter}, {inputShape: x.shape})
        : composed.ofInput(dy as tf.Tensor4D, filter),
    filter: () =>
      runs(tf.Conv2DBackpropFilter)
        ? run(tf.Conv2DBackpropFilter, {x, dy}, {filterShape: filter.shape})
        : composed.ofFilter(x, dy as tf.Tensor4D),
  };
}

function isDilated({dilations}: ConvolutionAttributes): boolean {
  return [dilations].flat().some((dilation) => dilation > 1);
}

const hasKernel = (name: string): boolean => Boolean(tf.getKernel(name, tf.getBackend()));

/** Registered by a backend whose kernels of convolution gradients read the dilations. */
export const DILATED_GRADIENTS = 'DilatedConv2DGradients';

/** Gradients of a convolution with channels last, in operations that every backend has. */
class ComposedGradients {
  readonly #geometry: tf.backend_util.Conv2DInfo;

  constructor(
    readonly inputShape: [number, number, number, number],
    readonly filterShape: [number, number, number, number],
    readonly attributes: ConvolutionAttributes,
  ) {
    const {strides, dilations, pad, dimRoundingMode} = attributes;
    this.#geometry = tf.backend_util.computeConv2DInfo(
      inputShape,
      filterShape,
      strides,
      dilations,
      pad,
      dimRoundingMode,
    );
  }

  /** dy convolved with the turned filter; dilated convolutions have stride 1. */
  ofInput(dy: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor {
    const {padInfo, effectiveFilterHeight, effectiveFilterWidth, inHeight, inWidth, outHeight, outWidth} =
      this.#geometry;
    const top = effectiveFilterHeight - 1 - padInfo.top;
    const left = effectiveFilterWidth - 1 - padInfo.left;
    const around: [number, number][] = [
      [0, 0],
      [top, inHeight + effectiveFilterHeight - 1 - outHeight - top],
      [left, inWidth + effectiveFilterWidth - 1 - outWidth - left],
      [0, 0],
    ];
    const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
    return tf.conv2d(tf.pad(dy, around), turned, 1, 'valid', 'NHWC', this.attributes.dilations);
  }

  /** For each tap, the product of what it saw of x with dy. */
  ofFilter(x: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor {
    const {padInfo, dilationHeight, dilationWidth, outHeight, outWidth, strideHeight, strideWidth} = this.#geometry;
    const [height, width, inputs, outputs] = this.filterShape;
    const around = [
      [0, 0],
      [padInfo.top, padInfo.bottom],
      [padInfo.left, padInfo.right],
      [0, 0],
    ] as [number, number][];
    const room = tf.pad(x, around);
    const flatDy = tf.reshape(dy, [-1, outputs]);
    const taps = Array.from({length: height * width}, (_, tap) => {
      const [row, column] = [Math.floor(tap / width) * dilationHeight, (tap % width) * dilationWidth];
      const end = [row + (outHeight - 1) * strideHeight + 1, column + (outWidth - 1) * strideWidth + 1];
      const [from, to] = [
        [0, row, column, 0],
        [x.shape[0], ...end, inputs],
      ];
      const seen = tf.stridedSlice(room, from!, to!, [1, strideHeight, strideWidth, 1]);
      return tf.matMul(tf.reshape(seen, [-1, inputs]), flatDy, true, false);
    });
    return tf.reshape(tf.stack(taps), this.filterShape);
  }
}

const gradients: readonly tf.GradConfig[] = [
  {kernelName: tf.Conv2D, inputsToSave: ['x', 'filter'], gradFunc: convolutionGradient as tf.GradFunc},
  {kernelName: tf.BatchMatMul, inputsToSave: ['a', 'b'], gradFunc: matMulGradient as tf.GradFunc},
  {kernelName: tf.Maximum, inputsToSave: ['a', 'b'], gradFunc: choiceGradient(tf.greaterEqual) as tf.GradFunc},
  {kernelName: tf.Minimum, inputsToSave: ['a', 'b'], gradFunc: choiceGradient(tf.lessEqual) as tf.GradFunc},
  {kernelName: tf.SquaredDifference, inputsToSave: ['a', 'b'], gradFunc: squaredDifferenceGradient as tf.GradFunc},
  {kernelName: tf.Cumsum, gradFunc: cumsumGradient as tf.GradFunc},
  {kernelName: tf.Tile, inputsToSave: ['x'], gradFunc: tileGradient as tf.GradFunc},
];

/** Registers the gradients; harmless to repeat. */
export function installGradients(): void {
  for (const gradient of gradients) tf.registerGradient(gradient);
}
