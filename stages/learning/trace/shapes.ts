/** Kernels that move elements without changing them. */
import * as tf from '@tensorflow/tfjs';
import type {Value} from './graph.js';
import type {Call, Kernels, Listed, Unary} from './kernel.js';
import {concatenate, expand, pad, reshape, reverse, slice, transpose} from './operations.js';

const axisOf = (x: Value, axis: number): number => tf.util.parseAxisParam(axis, [...x.shape])[0]!;
const without = (x: Value, axis: number): number[] => x.shape.filter((_, at) => at !== axis);

export const shapes = {
  Reshape: ({inputs: {x}, attributes: {shape}}: Call<Unary, tf.ReshapeAttrs>) =>
    reshape(x, tf.util.inferFromImplicitShape(shape, tf.util.sizeFromShape([...x.shape]))),
  ExpandDims: ({inputs: {input}, attributes: {dim}}: Call<{input: Value}, tf.ExpandDimsAttrs>) => {
    const axis = dim < 0 ? dim + input.shape.length + 1 : dim;
    return reshape(input, input.shape.toSpliced(axis, 0, 1));
  },
  Transpose: ({inputs: {x}, attributes: {perm}}: Call<Unary, tf.TransposeAttrs>) => transpose(x, perm),
  Reverse: ({inputs: {x}, attributes: {dims}}: Call<Unary, tf.ReverseAttrs>) =>
    reverse(x, tf.util.parseAxisParam(dims, [...x.shape])),
  Concat: ({inputs, attributes}: Call<Listed, tf.ConcatAttrs>) => {
    const parts = Object.values(inputs);
    const axis = axisOf(parts[0]!, attributes.axis);
    const filled = parts.filter((part) => part.shape[axis] !== 0);
    return concatenate(filled.length === 0 ? parts.slice(0, 1) : filled, axis);
  },
  Pack: ({inputs, attributes}: Call<Listed, tf.PackAttrs>) => {
    const parts = Object.values(inputs);
    const axis = attributes.axis < 0 ? attributes.axis + parts[0]!.shape.length + 1 : attributes.axis;
    return concatenate(
      parts.map((part) => reshape(part, part.shape.toSpliced(axis, 0, 1))),
      axis,
    );
  },
  Unpack: ({inputs: {value}, attributes}: Call<{value: Value}, tf.UnpackAttrs>) => {
    const axis = axisOf(value, attributes.axis);
    const sizes = Array.from({length: value.shape[axis]!}, () => 1);
    return split(value, sizes, axis).map((part) => reshape(part, without(value, axis)));
  },
  SplitV: ({inputs: {x}, attributes}: Call<Unary, tf.SplitVAttrs>) => {
    const axis = axisOf(x, attributes.axis);
    const like = {shape: [...x.shape]} as tf.Tensor;
    return split(x, tf.backend_util.prepareSplitSize(like, attributes.numOrSizeSplits, axis), axis);
  },
  Slice: ({inputs: {x}, attributes}: Call<Unary, tf.SliceAttrs>) => {
    const like = {shape: [...x.shape], rank: x.shape.length} as tf.Tensor;
    const [begin = [], size = []] = tf.slice_util.parseSliceParams(like, attributes.begin, attributes.size);
    return slice(
      x,
      begin,
      begin.map((from, axis) => from + size[axis]!),
    );
  },
  StridedSlice: ({inputs: {x}, attributes}: Call<Unary, tf.StridedSliceAttrs>) => stridedSlice(x, attributes),
  PadV2: ({inputs: {x}, attributes: {paddings, constantValue}}: Call<Unary, tf.PadV2Attrs>) =>
    pad(x, paddings, {value: constantValue}),
  MirrorPad: ({inputs: {x}, attributes}: Call<Unary, tf.MirrorPadAttrs>) => mirrorPad(x, attributes),
  Tile: ({inputs: {x}, attributes: {reps}}: Call<Unary, tf.TileAttrs>) => tile(x, reps),
  FlipLeftRight: ({inputs: {image}}: Call<{image: Value}, unknown>) => reverse(image, [2]),
  DepthToSpace: ({inputs: {x}, attributes}: Call<Unary, tf.DepthToSpaceAttrs>) => depthToSpace(x, attributes),
} satisfies Kernels;

export function split(x: Value, sizes: readonly number[], axis: number): Value[] {
  let from = 0;
  return sizes.map((size) => {
    const begin = x.shape.map((_, at) => (at === axis ? from : 0));
    const end = x.shape.map((whole, at) => (at === axis ? from + size : whole));
    from += size;
    return slice(x, begin, end);
  });
}

function tile(x: Value, reps: readonly number[]): Value {
  const shape = x.shape.map((size, axis) => size * reps[axis]!);
  const spreads = x.shape.every((size, axis) => size === 1 || reps[axis] === 1);
  if (spreads) return expand(x, shape);
  return x.graph.node('Tile', [x, x.graph.integers(reps)], {shape, dtype: x.dtype});
}

function stridedSlice(x: Value, attributes: tf.StridedSliceAttrs): Value {
  const {begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask} = attributes;
  const dense = tf.slice_util.sliceInfo(
    [...x.shape],
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  const part = slice(x, dense.begin, dense.end, dense.strides);
  return reshape(part, dense.finalShape);
}

/** Reflects about the edge elements (`reflect`), or repeats them (`symmetric`), which ONNX lacks. */
function mirrorPad(x: Value, {paddings, mode}: tf.MirrorPadAttrs): Value {
  if (mode === 'reflect') return pad(x, paddings, {mode: 'reflect'});
  return paddings.reduce((padded, [before, after], axis) => {
    const size = padded.shape[axis]!;
    const part = (from: number, to: number): Value =>
      slice(
        padded,
        padded.shape.map((_, at) => (at === axis ? from : 0)),
        padded.shape.map((whole, at) => (at === axis ? to : whole)),
      );
    const parts = [reverse(part(0, before), [axis]), padded, reverse(part(size - after, size), [axis])];
    return concatenate(
      parts.filter((piece) => piece.shape[axis] !== 0),
      axis,
    );
  }, x);
}

function depthToSpace(x: Value, {blockSize, dataFormat}: tf.DepthToSpaceAttrs): Value {
  const nchw = dataFormat === 'NCHW' ? x : transpose(x, [0, 3, 1, 2]);
  const [batch = 0, depth = 0, height = 0, width = 0] = nchw.shape;
  const shape = [batch, depth / blockSize ** 2, height * blockSize, width * blockSize];
  const spread = x.graph.node('DepthToSpace', [nchw], {shape, dtype: x.dtype}, {blocksize: blockSize, mode: 'DCR'});
  return dataFormat === 'NCHW' ? spread : transpose(spread, [0, 2, 3, 1]);
}
