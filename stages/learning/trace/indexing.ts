/** Kernels that look elements up by index, and those that add them up by index. */
import * as tf from '@tensorflow/tfjs';
import type {Value} from './graph.js';
import type {Call, Kernels, Unary} from './kernel.js';
import {cast, concatenate, reshape, scalar} from './operations.js';
import {sizeOf} from './graph.js';
import {tracedType} from './dtype.js';

export const indexing = {
  GatherV2: ({inputs: {x, indices}, attributes}: Call<{x: Value; indices: Value}, tf.GatherV2Attrs>) =>
    gather(x, indices, attributes),
  GatherNd: ({inputs: {params, indices}}: Call<{params: Value; indices: Value}, unknown>) => {
    const depth = indices.shape.at(-1)!;
    const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
    return params.graph.node('GatherND', [params, cast(indices, 'int64')], {shape, dtype: params.dtype});
  },
  ScatterNd: ({inputs: {indices, updates}, attributes}: Call<{indices: Value; updates: Value}, tf.ScatterNdAttrs>) => {
    const zeros = updates.graph.uniform(0, attributes.shape, updates.dtype);
    return scatterAdd(zeros, indices, updates);
  },
  TensorScatterUpdate: ({inputs}: Call<{tensor: Value; indices: Value; updates: Value}, unknown>) => {
    const {tensor, indices, updates} = inputs;
    return tensor.graph.node('ScatterND', [tensor, cast(indices, 'int64'), updates], tensor);
  },
  UnsortedSegmentSum: ({inputs, attributes}: Call<{x: Value; segmentIds: Value}, tf.UnsortedSegmentSumAttrs>) => {
    const {x, segmentIds} = inputs;
    const zeros = x.graph.uniform(0, [attributes.numSegments, ...x.shape.slice(1)], x.dtype);
    return scatterAdd(zeros, reshape(segmentIds, [...segmentIds.shape, 1]), x);
  },
  OneHot: ({inputs: {indices}, attributes}: Call<{indices: Value}, tf.OneHotAttrs>) => oneHot(indices, attributes),
  TopK: ({inputs: {x}, attributes: {k, sorted}}: Call<Unary, tf.TopKAttrs>) => {
    const shape = [...x.shape.slice(0, -1), k];
    const [values, indices] = x.graph.nodes(
      'TopK',
      [x, x.graph.integers([k])],
      [
        {shape, dtype: x.dtype},
        {shape, dtype: 'int64'},
      ],
      {axis: -1, sorted: Number(sorted)},
    );
    return [values!, cast(indices!, 'int32')];
  },
} satisfies Kernels;

/** Rows of `x` along an axis; with batch axes, each batch its own rows. */
function gather(x: Value, indices: Value, {axis: given, batchDims}: tf.GatherV2Attrs): Value {
  const axis = tf.util.parseAxisParam(given, [...x.shape])[0]!;
  const shape = [...x.shape.slice(0, axis), ...indices.shape.slice(batchDims), ...x.shape.slice(axis + 1)];
  if (batchDims === 0) return x.graph.node('Gather', [x, indices], {shape, dtype: x.dtype}, {axis});
  return reshape(batchGather(x, indices, axis, batchDims), shape);
}

/** GatherND over (batch, row) pairs, with the axes between batch and row folded into the batch. */
function batchGather(x: Value, indices: Value, axis: number, batchDims: number): Value {
  const batch = sizeOf(x.shape.slice(0, batchDims));
  const between = sizeOf(x.shape.slice(batchDims, axis));
  const inner = x.shape.slice(axis + 1);
  const perBatch = sizeOf(indices.shape.slice(batchDims));
  const table = reshape(x, [batch * between, x.shape[axis]!, ...inner]);
  const {graph} = x;
  const rows = reshape(cast(indices, 'int64'), [batch, 1, perBatch, 1]);
  const spreadShape = [batch, between, perBatch, 1];
  const spread = graph.node('Expand', [rows, graph.integers(spreadShape)], {shape: spreadShape, dtype: 'int64'});
  const owners = BigInt64Array.from({length: batch * between * perBatch}, (_, at) => BigInt(Math.floor(at / perBatch)));
  const pairs = concatenate([graph.constant(owners, spreadShape, 'int64'), spread], 3);
  return graph.node('GatherND', [table, pairs], {shape: [batch, between, perBatch, ...inner], dtype: x.dtype});
}

function scatterAdd(zeros: Value, indices: Value, updates: Value): Value {
  return zeros.graph.node('ScatterND', [zeros, cast(indices, 'int64'), updates], zeros, {reduction: 'add'});
}

function oneHot(indices: Value, {depth, onValue, offValue, dtype}: tf.OneHotAttrs): Value {
  const {graph} = indices;
  const type = tracedType(dtype);
  const choices = graph.constant(Float32Array.of(offValue, onValue), [2], 'float32');
  const shape = [...indices.shape, depth];
  const size = scalar(cast(indices, 'int64'), depth);
  return cast(
    graph.node('OneHot', [cast(indices, 'int64'), size, choices], {shape, dtype: 'float32'}, {axis: -1}),
    type,
  );
}
