/**
 * The gradient of a convolution where tfjs's own falls short: dilated convolutions, which tfjs refuses; WebAssembly,
 * which lacks the filter's gradient; and explicit padding, which TensorFlow's C API refuses in gradients.
 */
import * as tf from '@tensorflow/tfjs';
import type {Gradients} from './gradients.js';

/** Registered by a backend whose kernels of convolution gradients take any padding and dilation, as those of a trace. */
export const GENERAL_CONVOLUTION = 'GeneralConvolutionGradients';

export function convolutionGradient(dy: tf.Tensor, saved: tf.Tensor[], attributes: tf.NamedAttrMap): Gradients {
  const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
  const given = attributes as unknown as tf.Conv2DAttrs;
  const general = hasKernel(GENERAL_CONVOLUTION);
  const direct = (kernel: string): boolean =>
    general || (hasKernel(kernel) && !isDilated(given) && typeof given.pad === 'string');
  const padded = new PaddedConvolution(x, filter, given);
  return {
    x: () =>
      direct(tf.Conv2DBackpropInput)
        ? run(tf.Conv2DBackpropInput, {dy, filter}, {...attributes, inputShape: x.shape})
        : padded.inputGradient(dy as tf.Tensor4D),
    filter: () =>
      direct(tf.Conv2DBackpropFilter)
        ? run(tf.Conv2DBackpropFilter, {x, dy}, {...attributes, filterShape: filter.shape})
        : padded.filterGradient(dy as tf.Tensor4D),
  };
}

const run = (kernel: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap): tf.Tensor4D =>
  tf.engine().runKernel(kernel, inputs, attributes);
const hasKernel = (name: string): boolean => Boolean(tf.getKernel(name, tf.getBackend()));
const isDilated = ({dilations}: tf.Conv2DAttrs): boolean => [dilations].flat().some((dilation) => dilation > 1);

/** A convolution with channels last as one without padding over a padded image. */
class PaddedConvolution {
  readonly #geometry: tf.backend_util.Conv2DInfo;
  readonly #around: [number, number][];

  constructor(
    readonly x: tf.Tensor4D,
    readonly filter: tf.Tensor4D,
    readonly attributes: tf.Conv2DAttrs,
  ) {
    const {strides, dilations, pad, dimRoundingMode} = attributes;
    const geometry = tf.backend_util.computeConv2DInfo(x.shape, filter.shape, strides, dilations, pad, dimRoundingMode);
    const {padInfo, effectiveFilterHeight, effectiveFilterWidth, inHeight, inWidth} = geometry;
    const bottom = (geometry.outHeight - 1) * geometry.strideHeight + effectiveFilterHeight - inHeight - padInfo.top;
    const right = (geometry.outWidth - 1) * geometry.strideWidth + effectiveFilterWidth - inWidth - padInfo.left;
    this.#geometry = geometry;
    this.#around = [
      [0, 0],
      [padInfo.top, Math.max(0, bottom)],
      [padInfo.left, Math.max(0, right)],
      [0, 0],
    ];
  }

  inputGradient(dy: tf.Tensor4D): tf.Tensor {
    const {padInfo} = this.#geometry;
    return tf.slice(this.#paddedGradient(dy), [0, padInfo.top, padInfo.left, 0], this.x.shape);
  }

  #paddedGradient(dy: tf.Tensor4D): tf.Tensor4D {
    const {strides, dilations} = this.attributes;
    const inputShape = this.x.shape.map((size, axis) => size + this.#around[axis]![0] + this.#around[axis]![1]);
    if (!isDilated(this.attributes)) {
      const attributes = {strides, pad: 'valid', dataFormat: 'NHWC', inputShape};
      return run(tf.Conv2DBackpropInput, {dy, filter: this.filter}, attributes);
    }
    // dy convolved with the turned filter; a dilated convolution has stride 1.
    const {effectiveFilterHeight, effectiveFilterWidth} = this.#geometry;
    const [rows, columns] = [effectiveFilterHeight - 1, effectiveFilterWidth - 1];
    const around: [number, number][] = [
      [0, 0],
      [rows, inputShape[1]! - dy.shape[1]],
      [columns, inputShape[2]! - dy.shape[2]],
      [0, 0],
    ];
    const turned = tf.transpose(tf.reverse(this.filter, [0, 1]), [0, 1, 3, 2]);
    return tf.conv2d(tf.pad(dy, around), turned, 1, 'valid', 'NHWC', dilations);
  }

  filterGradient(dy: tf.Tensor4D): tf.Tensor {
    const room = tf.pad(this.x, this.#around);
    if (hasKernel(tf.Conv2DBackpropFilter) && !isDilated(this.attributes)) {
      const {strides} = this.attributes;
      const attributes = {strides, pad: 'valid', dataFormat: 'NHWC', filterShape: this.filter.shape};
      return run(tf.Conv2DBackpropFilter, {x: room, dy}, attributes);
    }
    return this.#filterGradientByTaps(room, dy);
  }

  /** For each tap, the product of what it saw of the image with dy. */
  #filterGradientByTaps(room: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor {
    const {dilationHeight, dilationWidth, outHeight, outWidth, strideHeight, strideWidth} = this.#geometry;
    const [height, width, inputs, outputs] = this.filter.shape;
    const flatDy = tf.reshape(dy, [-1, outputs]);
    const taps = Array.from({length: height * width}, (_, tap) => {
      const [row, column] = [Math.floor(tap / width) * dilationHeight, (tap % width) * dilationWidth];
      const [bottom, right] = [row + (outHeight - 1) * strideHeight + 1, column + (outWidth - 1) * strideWidth + 1];
      const end = [room.shape[0], bottom, right, inputs];
      const seen = tf.stridedSlice(room, [0, row, column, 0], end, [1, strideHeight, strideWidth, 1]);
      return tf.matMul(tf.reshape(seen, [-1, inputs]), flatDy, true, false);
    });
    return tf.reshape(tf.stack(taps), this.filter.shape);
  }
}
