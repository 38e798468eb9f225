/** Resizing of images: each axis is a product with a matrix of weights, so that gradients are its transpose. */
import type {Value} from './graph.js';
import type {Call, Kernels} from './kernel.js';
import {cast, matmul, reshape} from './operations.js';

interface ResizeAttributes {
  readonly alignCorners: boolean;
  readonly halfPixelCenters?: boolean;
  readonly size: [number, number];
}
type Weights = (size: number, target: number, attributes: ResizeAttributes) => Float32Array;

const resizing =
  (weights: Weights) =>
  ({inputs: {images}, attributes}: Call<{images: Value}, ResizeAttributes>): Value =>
    resize(cast(images, 'float32'), weights, attributes);
const gradient =
  (weights: Weights) =>
  ({inputs: {images, dy}, attributes}: Call<{images: Value; dy: Value}, ResizeAttributes>): Value =>
    resizeGradient(dy, images, weights, {...attributes, size: [dy.shape[1]!, dy.shape[2]!]});

export const images = {
  ResizeBilinear: resizing(bilinear),
  ResizeNearestNeighbor: resizing(nearest),
  ResizeBilinearGrad: gradient(bilinear),
  ResizeNearestNeighborGrad: gradient(nearest),
} satisfies Kernels;

/** [N, H, W, C] → [N, size[0], size[1], C]. */
function resize(x: Value, weights: Weights, attributes: ResizeAttributes): Value {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const [rows, columns] = attributes.size;
  const tall = product(x, matrix(x, weights(height, rows, attributes), [rows, height]), {
    from: [batch, height, width * channels],
    to: [batch * rows, width, channels],
    transposed: false,
  });
  return product(tall, matrix(x, weights(width, columns, attributes), [columns, width]), {
    from: [batch * rows, width, channels],
    to: [batch, rows, columns, channels],
    transposed: false,
  });
}

function resizeGradient(dy: Value, x: Value, weights: Weights, attributes: ResizeAttributes): Value {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const [rows, columns] = attributes.size;
  const wide = product(dy, matrix(x, weights(width, columns, attributes), [columns, width]), {
    from: [batch * rows, columns, channels],
    to: [batch, rows, width * channels],
    transposed: true,
  });
  return product(wide, matrix(x, weights(height, rows, attributes), [rows, height]), {
    from: [batch, rows, width * channels],
    to: [batch, height, width, channels],
    transposed: true,
  });
}

function matrix(like: Value, values: Float32Array, shape: [number, number]): Value {
  return like.graph.constant(values, shape, 'float32');
}

function product(
  x: Value,
  weights: Value,
  {from, to, transposed}: {from: readonly number[]; to: readonly number[]; transposed: boolean},
): Value {
  return reshape(matmul(weights, reshape(x, from), {transposeA: transposed, transposeB: false}), to);
}

/** How far one step in the target moves in the source, as tfjs has it. */
function scaleOf(size: number, target: number, {alignCorners}: ResizeAttributes): number {
  return alignCorners && target > 1 ? (size - 1) / (target - 1) : size / target;
}

function bilinear(size: number, target: number, attributes: ResizeAttributes): Float32Array {
  const weights = new Float32Array(target * size);
  const scale = scaleOf(size, target, attributes);
  for (let row = 0; row < target; row++) {
    const position = attributes.halfPixelCenters === true ? scale * (row + 0.5) - 0.5 : scale * row;
    const lower = Math.max(0, Math.floor(position));
    const upper = Math.min(size - 1, Math.ceil(position));
    const fraction = position - lower;
    weights[row * size + lower]! += 1 - fraction;
    weights[row * size + upper]! += fraction;
  }
  return weights;
}

function nearest(size: number, target: number, attributes: ResizeAttributes): Float32Array {
  const weights = new Float32Array(target * size);
  const scale = scaleOf(size, target, attributes);
  for (let row = 0; row < target; row++) {
    const position = attributes.halfPixelCenters === true ? scale * (row + 0.5) : scale * row;
    const whole = attributes.alignCorners ? Math.round(position) : Math.floor(position);
    weights[row * size + Math.min(size - 1, Math.max(0, whole))] = 1;
  }
  return weights;
}
