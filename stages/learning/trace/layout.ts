/**
 * Where transposes go. An operation on elements is recorded before the transpose of its operands instead of after it,
 * so that a transpose travels on until it meets its inverse: convolutions and what lies between them then stay in the
 * order of axes in which they are computed.
 */
import {constantValues, sameShape, sizeOf} from './graph.js';
import type {Node, Output, Shape, Value} from './graph.js';
import type {Attributes} from '../onnx/tensor.js';

/** The number that all elements of a constant are. */
export function uniformOf(value: Value): number | undefined {
  return value.constant !== undefined && 'uniform' in value.constant ? value.constant.uniform : undefined;
}

/** The first input of `value` where `op` computed it. */
export function sourceOf(value: Value, op: string): Value | undefined {
  return value.node?.op === op ? value.node.inputs[0] : undefined;
}

export function reshape(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  if (x.constant !== undefined) return reshapeConstant(x, shape);
  const source = sourceOf(x, 'Reshape') ?? x;
  if (source !== x) return reshape(source, shape);
  // A zero would otherwise mean: the size this axis had.
  const attributes = shape.includes(0) ? {allowzero: 1} : {};
  return x.graph.node('Reshape', [x, x.graph.integers(shape)], {shape, dtype: x.dtype}, attributes);
}

function reshapeConstant(x: Value, shape: Shape): Value {
  const uniform = uniformOf(x);
  if (uniform !== undefined) return x.graph.uniform(uniform, shape, x.dtype);
  return x.graph.constant(constantValues(x)!, shape, x.dtype);
}

/**
 * Reorders axes. A transpose is always recorded without the axes of size 1, so that it meets its inverse also across
 * the reshapes that add and remove such axes.
 */
export function transpose(x: Value, permutation: readonly number[]): Value {
  const shape = permutation.map((axis) => x.shape[axis]!);
  const wide = permutation.filter((axis) => x.shape[axis] !== 1);
  if (uniformOf(x) !== undefined || isSorted(wide)) return reshape(x, shape);
  const order = wide.map((axis) => wide.filter((other) => other < axis).length);
  return reshape(transposeWide(reshape(x, withoutOnes(x.shape)), order), shape);
}

function transposeWide(x: Value, permutation: readonly number[]): Value {
  if (isSorted(permutation)) return x;
  const inner = x.node?.op === 'Transpose' ? x.node : undefined;
  if (inner !== undefined) {
    const before = permutationOf(inner);
    return transposeWide(
      inner.inputs[0]!,
      permutation.map((axis) => before[axis]!),
    );
  }
  const shape = permutation.map((axis) => x.shape[axis]!);
  return x.graph.node('Transpose', [x], {shape, dtype: x.dtype}, {perm: permutation});
}

const isSorted = (list: readonly number[]): boolean => list.every((value, at) => at === 0 || value > list[at - 1]!);
const withoutOnes = (shape: Shape): Shape => shape.filter((size) => size !== 1);
const permutationOf = (node: Node): readonly number[] => node.attributes['perm'] as readonly number[];

/** The transpose that a value is, with or without axes of size 1 added since. */
export function transposeBehind(x: Value): Node | undefined {
  const wide = withoutOnes(x.shape);
  const source = sourceOf(x, 'Reshape') ?? x;
  return source.node?.op === 'Transpose' && sameShape(source.shape, wide) ? source.node : undefined;
}

/** The order of a value's axes that undoes the transpose behind it; undefined where there is none. */
export function storedOrder(x: Value): readonly number[] | undefined {
  const node = transposeBehind(x);
  if (node === undefined) return undefined;
  const ones = [...x.shape.keys()].filter((axis) => x.shape[axis] === 1);
  const wide = [...x.shape.keys()].filter((axis) => x.shape[axis] !== 1);
  const permutation = permutationOf(node);
  return [...ones, ...wide.map((_, stored) => wide[permutation.indexOf(stored)]!)];
}

export function inverseOf(permutation: readonly number[]): number[] {
  return permutation.map((_, axis) => permutation.indexOf(axis));
}

/** Records a node that treats every element alike, before the transposes of its operands where they share one. */
export function elementwise(
  op: string,
  operands: readonly Value[],
  {shape, dtype}: Output,
  attributes: Attributes = {},
): Value {
  const order = sharedOrder(operands, shape);
  const {graph} = operands[0]!;
  if (order === undefined) return graph.node(op, operands, {shape, dtype}, attributes);
  const stored = operands.map((operand) =>
    operand.shape.length === 0 ? operand : transpose(reshape(operand, widened(operand.shape, shape.length)), order),
  );
  const inner = {shape: order.map((axis) => shape[axis]!), dtype};
  const result = transpose(graph.node(op, stored, inner, attributes), inverseOf(order));
  return operands.some((operand) => isImage(operand)) ? asImage(result) : result;
}

/** Marks a value as an image: what it meets is rather transposed than it, since it will meet a convolution again. */
export function asImage(x: Value): Value {
  const node = transposeBehind(x);
  if (node !== undefined) x.graph.images.add(node);
  return x;
}

function isImage(x: Value): boolean {
  const node = transposeBehind(x);
  return node !== undefined && x.graph.images.has(node);
}

/**
 * The order in which to compute: that of a transposed operand, unless more transposes would have to be computed for it
 * than without it. Small operands can be reshaped into any order.
 */
function sharedOrder(operands: readonly Value[], shape: Shape): readonly number[] | undefined {
  const isLarge = (operand: Value): boolean =>
    operand.constant === undefined && sizeOf(operand.shape) === sizeOf(shape);
  const large = operands.filter(isLarge);
  const small = operands.filter((operand) => !isLarge(operand));
  const movable = (operand: Value): boolean =>
    withoutOnes(operand.shape).length <= 1 || uniformOf(operand) !== undefined;
  if (!small.every(movable) || !large.every((operand) => sameShape(operand.shape, shape))) return undefined;
  const orders = large.map((operand) => storedOrder(operand));
  const order = orders.find((candidate) => candidate !== undefined);
  const agrees = orders.map((candidate) => candidate?.join() === order?.join());
  const added = agrees.filter((agreeing) => !agreeing).length;
  // Images will meet a convolution again; what else was transposed for somebody is not transposed once more.
  if (added === 0) return large.every(isMaterialised) && !large.some(isImage) ? undefined : order;
  const spared = large.filter((operand, at) => agrees[at] && !isMaterialised(operand));
  const enough = spared.some(isImage) ? added : added + 1;
  return spared.length >= enough ? order : undefined;
}

/** Whether some other node needs the transpose behind a value anyway. */
function isMaterialised(x: Value): boolean {
  const node = transposeBehind(x);
  return node !== undefined && x.graph.isRead(node);
}

const widened = (shape: Shape, rank: number): Shape => [
  ...Array.from({length: rank - shape.length}, () => 1),
  ...shape,
];
