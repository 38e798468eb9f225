/**
 * Operations on traced values. Each looks at what computed its operands and records the least that gives the same
 * numbers: transposes and reshapes merge, spread constants stay small, neutral operations vanish.
 */
import {RUNTIME_DOMAIN, sameShape, sizeOf} from './graph.js';
import type {Shape, Value} from './graph.js';
import {
  elementwise,
  inverseOf,
  reshape,
  sourceOf,
  storedOrder,
  transpose,
  transposeBehind,
  uniformOf,
} from './layout.js';
import {FloatAttribute, dataTypes} from '../onnx/tensor.js';
import type {DataType} from '../onnx/tensor.js';

export function scalar(like: Value, value: number): Value {
  return like.graph.uniform(value, [], like.dtype);
}

/** Numpy's rule; the operands were checked by tfjs before a kernel runs. */
export function broadcastShape(...shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({length: rank}, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}

export function unary(op: string, x: Value): Value {
  return elementwise(op, [x], x);
}

/** ONNX operators that repeat size-1 axes by themselves. */
type BinaryOperator = 'Add' | 'Sub' | 'Mul' | 'Div' | 'Pow' | 'Mod';
type Comparison = 'Equal' | 'Greater' | 'GreaterOrEqual' | 'Less' | 'LessOrEqual' | 'And' | 'Or' | 'Xor';

export function binary(op: BinaryOperator | 'Max' | 'Min', a: Value, b: Value): Value {
  const shape = broadcastShape(a.shape, b.shape);
  const same = unchanged(op, a, b);
  if (same !== undefined) return expand(same, shape);
  const biased = op === 'Add' ? (withBias(a, b, shape) ?? withBias(b, a, shape)) : undefined;
  if (biased !== undefined) return biased;
  return elementwise(op, narrowed([a, b], shape), {shape, dtype: a.dtype});
}

export function compare(op: Comparison, a: Value, b: Value): Value {
  if (op === 'Greater' && uniformOf(b) === 0) {
    const rectified = rectifiedOr(a);
    if (rectified !== a) return compare(op, rectified, b);
  }
  const shape = broadcastShape(a.shape, b.shape);
  return elementwise(op, narrowed([a, b], shape), {shape, dtype: 'bool'});
}

/**
 * relu(x) where it was recorded, for whoever asks only where x is above zero: so nothing but the relu needs x, which it
 * can then be fused into or overwrite.
 */
export const rectifiedOr = (x: Value): Value => recorded('Relu', x) ?? x;

/** The result of an operation on x that was recorded before, also where x is transposed. */
function recorded(op: string, x: Value): Value | undefined {
  const order = storedOrder(x);
  if (order === undefined) return x.graph.recorded(op, [x]);
  const found = x.graph.recorded(op, [transpose(x, order)]);
  return found && transpose(found, inverseOf(order));
}

/** A convolution adds one number to each channel by itself. */
function withBias(x: Value, bias: Value, shape: Shape): Value | undefined {
  if (!sameShape(x.shape, shape)) return undefined;
  const order = storedOrder(x) ?? [...shape.keys()];
  const stored = transpose(x, order);
  const image = sourceOf(stored, 'Reshape') ?? stored;
  const {node} = image;
  if (node?.op !== 'Conv' || node.inputs.length !== 2 || !alongChannels(bias, image.shape, {order, shape})) {
    return undefined;
  }
  const sum = x.graph.node('Conv', [...node.inputs, reshape(bias, [image.shape[1]!])], image, node.attributes);
  return transpose(reshape(sum, stored.shape), inverseOf(order));
}

/** Whether `bias`, added to a value of `shape` stored in `order`, has one number for each channel of an image. */
function alongChannels(
  bias: Value,
  [, channels = 0, ...positions]: Shape,
  {order, shape}: {order: readonly number[]; shape: Shape},
): boolean {
  const axis = bias.shape.findIndex((size) => size !== 1) + shape.length - bias.shape.length;
  const after = order.slice(order.indexOf(axis) + 1).map((at) => shape[at]!);
  return sizeOf(bias.shape) === channels && shape[axis] === channels && sizeOf(after) === sizeOf(positions);
}

/** The operand that x + 0, x − 0, x · 1 or x / 1 is. */
function unchanged(op: string, a: Value, b: Value): Value | undefined {
  const neutral = op === 'Add' || op === 'Sub' ? 0 : op === 'Mul' || op === 'Div' || op === 'Pow' ? 1 : undefined;
  if (neutral === undefined) return undefined;
  if (uniformOf(b) === neutral) return a;
  return (op === 'Add' || op === 'Mul') && uniformOf(a) === neutral ? b : undefined;
}

/** Operands without the repetition that the operator does by itself, as long as the result keeps its shape. */
function narrowed(operands: readonly Value[], shape: Shape): Value[] {
  const result = [...operands];
  for (const [index, operand] of operands.entries()) {
    const candidate = unspread(operand);
    const shapes = result.map((other, at) => (at === index ? candidate.shape : other.shape));
    if (sameShape(broadcastShape(...shapes), shape)) result[index] = candidate;
  }
  return result;
}

function unspread(value: Value): Value {
  const uniform = uniformOf(value);
  return uniform === undefined ? (sourceOf(value, 'Expand') ?? value) : value.graph.uniform(uniform, [], value.dtype);
}

export function where(condition: Value, yes: Value, no: Value): Value {
  const shape = broadcastShape(condition.shape, yes.shape, no.shape);
  return elementwise('Where', narrowed([condition, yes, no], shape), {shape, dtype: yes.dtype});
}

export function cast(x: Value, dtype: DataType): Value {
  if (x.dtype === dtype) return x;
  const uniform = uniformOf(x);
  if (uniform !== undefined) return x.graph.uniform(castNumber(uniform, dtype), x.shape, dtype);
  return elementwise('Cast', [x], {shape: x.shape, dtype}, {to: dataTypes[dtype]});
}

function castNumber(value: number, dtype: DataType): number {
  if (dtype === 'bool') return value === 0 ? 0 : 1;
  return dtype === 'float32' || dtype === 'float64' ? value : Math.trunc(value);
}

/** Repeats size-1 axes. */
export function expand(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const uniform = uniformOf(x);
  if (uniform !== undefined) return x.graph.uniform(uniform, shape, x.dtype);
  const source = sourceOf(x, 'Expand') ?? x;
  return x.graph.node('Expand', [source, x.graph.integers(shape)], {shape, dtype: x.dtype});
}

/** Exchanges the last two axes. */
export function transposeMatrix(x: Value): Value {
  const rank = x.shape.length;
  return transpose(
    x,
    [...x.shape.keys()].map((axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis)),
  );
}

interface Transposition {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const PLAIN: Transposition = {transposeA: false, transposeB: false};

/** Matrices in the last two axes, each transposed or not; leading axes repeat where their size is 1. */
export function matmul(a: Value, b: Value, options: Transposition = PLAIN): Value {
  const left = plainMatrix(a, options.transposeA);
  const right = plainMatrix(b, options.transposeB);
  const rows = left.value.shape.at(left.transposed ? -1 : -2)!;
  const columns = right.value.shape.at(right.transposed ? -2 : -1)!;
  const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
  const output = {shape, dtype: a.dtype};
  const operands = [left.value, right.value];
  const flags = {transA: Number(left.transposed), transB: Number(right.transposed)};
  if (!left.transposed && !right.transposed) return a.graph.node('MatMul', operands, output);
  if (a.graph.options.target !== 'any') {
    return a.graph.node(`${RUNTIME_DOMAIN}:FusedMatMul`, operands, output, flags);
  }
  if (shape.length === 2) return a.graph.node('Gemm', operands, output, flags);
  const whole = [left, right].map(({value, transposed}) => (transposed ? transposeMatrix(value) : value));
  return a.graph.node('MatMul', whole, output);
}

/** A matrix operand without the transpose that the product can do by itself. */
function plainMatrix(x: Value, transposed: boolean): {value: Value; transposed: boolean} {
  const exchanged = transposeBehind(x) === undefined ? undefined : transposeMatrix(x);
  // Only where exchanging the axes once more gives back what was there before.
  if (exchanged === undefined || transposeBehind(exchanged) !== undefined) return {value: x, transposed};
  return {value: exchanged, transposed: !transposed};
}

export type Reduction = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd';

export function reduce(op: Reduction, x: Value, axes: readonly number[], keepDimensions = false): Value {
  const shape = x.shape.flatMap((size, axis) => (!axes.includes(axis) ? [size] : keepDimensions ? [1] : []));
  if (axes.every((axis) => x.shape[axis] === 1)) return reshape(x, shape);
  // Axes are summed up in the order in which they are stored.
  const order = storedOrder(x);
  if (order !== undefined) {
    const stored = axes.map((axis) => order.indexOf(axis));
    return reshape(transpose(reduce(op, transpose(x, order), stored, true), inverseOf(order)), shape);
  }
  if (op === 'ReduceSum' && addsRows(x, axes)) return reshape(sumOfRows(x, axes, 1), shape);
  if (op === 'ReduceMean' && addsRows(x, axes)) {
    return reshape(sumOfRows(x, axes, 1 / sizeOf(axes.map((axis) => x.shape[axis]!))), shape);
  }
  const keepdims = Number(keepDimensions);
  return x.graph.node(op, [x, x.graph.integers(axes)], {shape, dtype: x.dtype}, {keepdims});
}

/** Elements from which on ONNX Runtime's sums over other axes than the last take several times as long as a product with ones. */
const MANY_ELEMENTS = 2 ** 14;
/** Elements up to which one product is as fast as one for each element of the first axis, which two threads share. */
const FEW_ELEMENTS = 2 ** 20;
/** Rows up to which the rounding of one sum after the other is small. */
const FEW_ROWS = 2 ** 12;

function addsRows({graph, shape, dtype}: Value, axes: readonly number[]): boolean {
  const sorted = axes.toSorted((a, b) => a - b);
  const adjacent = sorted.every((axis, at) => axis === sorted[0]! + at) && sorted.at(-1)! < shape.length - 1;
  return adjacent && graph.options.target === 'cpu' && dtype === 'float32' && sizeOf(shape) >= MANY_ELEMENTS;
}

/** Sums over adjacent axes, times `factor`; of many elements, those of each element of the first axis before the rest. */
function sumOfRows(x: Value, axes: readonly number[], factor: number): Value {
  const [first, end] = [Math.min(...axes), Math.max(...axes) + 1];
  const rows = sizeOf(x.shape.slice(first, end));
  const isLarge = sizeOf(x.shape) > FEW_ELEMENTS || rows > FEW_ROWS;
  if (first === 0 && axes.length > 1 && isLarge) {
    return weightedRows(weightedRows(x, {before: 1, end}, 1), {before: 0, end: 1}, factor);
  }
  return weightedRows(x, {before: first, end}, factor);
}

/** The axes from `before` to `end` summed up as a product with a vector of `factor`. */
function weightedRows(x: Value, {before, end}: {before: number; end: number}, factor: number): Value {
  const {graph, shape, dtype} = x;
  const rows = sizeOf(shape.slice(before, end));
  const outer = before === 0 ? [] : [sizeOf(shape.slice(0, before))];
  const width = sizeOf(shape.slice(end));
  const matrices = reshape(x, [...outer, rows, width]);
  return graph.node('MatMul', [graph.uniform(factor, [rows], dtype), matrices], {shape: [...outer, width], dtype});
}

/** Elements begin, begin + step, … before `end` along each axis. */
export function slice(x: Value, begin: Shape, end: Shape, steps: Shape = begin.map(() => 1)): Value {
  const shape = begin.map((from, axis) => Math.max(0, Math.ceil((end[axis]! - from) / steps[axis]!)));
  const whole = begin.every((from, axis) => from === 0 && steps[axis] === 1) && sameShape(shape, x.shape);
  if (whole) return x;
  const uniform = uniformOf(x);
  if (uniform !== undefined) return x.graph.uniform(uniform, shape, x.dtype);
  const axes = [...begin.keys()].filter(
    (axis) => begin[axis] !== 0 || end[axis] !== x.shape[axis] || steps[axis] !== 1,
  );
  const {graph} = x;
  const stops = end.map((stop, axis) => (steps[axis]! < 0 && stop < 0 ? REVERSED_END : stop));
  const [starts, ends, strides] = [begin, stops, steps].map((list) => graph.integers(axes.map((axis) => list[axis]!)));
  return graph.node('Slice', [x, starts, ends, graph.integers(axes), strides], {shape, dtype: x.dtype});
}

/** Ends below −size mean: down to the first element, inclusive. */
const REVERSED_END = -(2 ** 31);

export function reverse(x: Value, axes: readonly number[]): Value {
  const turned = (axis: number): boolean => axes.includes(axis) && x.shape[axis] !== 1;
  return slice(
    x,
    x.shape.map((size, axis) => (turned(axis) ? size - 1 : 0)),
    x.shape.map((size, axis) => (turned(axis) ? -1 : size)),
    x.shape.map((_, axis) => (turned(axis) ? -1 : 1)),
  );
}

export function concatenate(parts: readonly Value[], axis: number): Value {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const shape = first!.shape.map((size, at) =>
    at === axis ? parts.reduce((sum, part) => sum + part.shape[axis]!, 0) : size,
  );
  return first!.graph.node('Concat', parts, {shape, dtype: first!.dtype}, {axis});
}

/** Adds `before` and `after` elements along each axis. */
export function pad(
  x: Value,
  paddings: readonly (readonly [number, number])[],
  {mode = 'constant', value = 0}: {mode?: 'constant' | 'reflect'; value?: number} = {},
): Value {
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
  const shape = x.shape.map((size, axis) => size + paddings[axis]![0] + paddings[axis]![1]);
  if (uniformOf(x) === value) return x.graph.uniform(value, shape, x.dtype);
  const amounts = x.graph.integers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  const filler = mode === 'constant' && value !== 0 ? [scalar(x, value)] : [];
  return x.graph.node('Pad', [x, amounts, ...filler], {shape, dtype: x.dtype}, {mode});
}

/** An attribute that ONNX declares as float, whole or not. */
export const floatAttribute = (value: number): FloatAttribute => new FloatAttribute(value);

export {reshape, sizeOf, sourceOf, transpose, uniformOf};
