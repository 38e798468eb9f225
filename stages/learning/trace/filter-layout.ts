/**
 * Filters [taps, taps, in, out] in the orders of axes in which products take them. They are stored as PyTorch stores them,
 * [out, in, taps, taps]; on the CPU a product with the unit matrix moves the taps, which takes a third of the time of ONNX
 * Runtime's transposes, whose one thread writes number by number.
 */
import type {Graph, Value} from './graph.js';
import {matmul, reshape, transpose} from './operations.js';

/** [out, taps, in], on the CPU. */
export function tapsSecond(filter: Value): Value {
  return tapsBefore(storedTaps(filter));
}

/** [taps, out, in], on the CPU. */
export function tapsFirst(filter: Value): Value {
  const stored = storedTaps(filter);
  const [outChannels = 0, inChannels = 0, taps = 0] = stored.shape;
  return reshape(tapsBefore(reshape(stored, [outChannels * inChannels, taps])), [taps, outChannels, inChannels]);
}

/** A filter of [out, taps, in]. */
export function fromTapsSecond(x: Value, [height, width]: readonly [number, number]): Value {
  const {graph, shape} = x;
  const [outChannels = 0, taps = 0, inChannels = 0] = shape;
  if (graph.options.target !== 'cpu') {
    return transpose(reshape(x, [outChannels, height, width, inChannels]), [1, 2, 3, 0]);
  }
  const stored = taps === 1 ? x : matmul(x, unit(graph, taps), {transposeA: true, transposeB: false});
  return transpose(reshape(stored, [outChannels, inChannels, height, width]), [2, 3, 1, 0]);
}

/** […, rows, taps] → […, taps, rows] */
function tapsBefore(x: Value): Value {
  const taps = x.shape.at(-1)!;
  return taps === 1 ? x : matmul(unit(x.graph, taps), x, {transposeA: false, transposeB: true});
}

function unit(graph: Graph, size: number): Value {
  const values = new Float32Array(size * size);
  for (let at = 0; at < size; at++) values[at * size + at] = 1;
  return graph.constant(values, [size, size], 'float32');
}

/** [out, in, taps] */
function storedTaps(filter: Value): Value {
  const [height = 0, width = 0, inChannels = 0, outChannels = 0] = filter.shape;
  return reshape(transpose(filter, [3, 2, 0, 1]), [outChannels, inChannels, height * width]);
}
