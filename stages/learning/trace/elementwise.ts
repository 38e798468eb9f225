/** Kernels that treat every element alike. */
import type * as tf from '@tensorflow/tfjs';
import type {Value} from './graph.js';
import type {Binary, Call, Kernel, Kernels, Listed, Unary} from './kernel.js';
import {
  binary,
  broadcastShape,
  cast,
  compare,
  expand,
  floatAttribute,
  rectifiedOr,
  scalar,
  unary,
  where,
} from './operations.js';
import {elementwise as record} from './layout.js';
import {tracedType} from './dtype.js';

const one =
  (compute: (x: Value) => Value): Kernel<Unary> =>
  ({inputs}) =>
    compute(inputs.x);
const two =
  (compute: (a: Value, b: Value) => Value): Kernel<Binary> =>
  ({inputs}) =>
    compute(inputs.a, inputs.b);
/** An ONNX operator of the same meaning. */
const direct = (op: string): Kernel<Unary> => one((x) => unary(op, x));
const arithmetic = (op: 'Add' | 'Sub' | 'Mul' | 'Div' | 'Pow' | 'Max' | 'Min'): Kernel<Binary> =>
  two((a, b) => binary(op, numeric(a), numeric(b)));
const comparison = (op: 'Equal' | 'Greater' | 'GreaterOrEqual' | 'Less' | 'LessOrEqual'): Kernel<Binary> =>
  two((a, b) => compare(op, numeric(a), numeric(b)));
const logical = (op: 'And' | 'Or' | 'Xor'): Kernel<Binary> => two((a, b) => compare(op, a, b));

/** tfjs lets booleans take part in arithmetic as 0 and 1. */
const numeric = (x: Value): Value => (x.dtype === 'bool' ? cast(x, 'int32') : x);

export const elementwise = {
  Add: arithmetic('Add'),
  Sub: arithmetic('Sub'),
  Multiply: arithmetic('Mul'),
  RealDiv: arithmetic('Div'),
  Pow: arithmetic('Pow'),
  Maximum: arithmetic('Max'),
  Minimum: arithmetic('Min'),
  SquaredDifference: two((a, b) => square(binary('Sub', a, b))),
  FloorDiv: two(floorDivide),
  Mod: two(modulo),
  AddN: ({inputs}: Call<Listed, unknown>) => Object.values(inputs).reduce((sum, x) => binary('Add', sum, x)),

  Equal: comparison('Equal'),
  NotEqual: two((a, b) => unary('Not', compare('Equal', numeric(a), numeric(b)))),
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessOrEqual'),
  LogicalAnd: logical('And'),
  LogicalOr: logical('Or'),
  LogicalXor: logical('Xor'),
  LogicalNot: direct('Not'),
  Select: ({inputs}: Call<{condition: Value; t: Value; e: Value}, unknown>) =>
    where(selector(inputs.condition, inputs.t), inputs.t, inputs.e),

  Abs: direct('Abs'),
  Acos: direct('Acos'),
  Acosh: direct('Acosh'),
  Asin: direct('Asin'),
  Asinh: direct('Asinh'),
  Atan: direct('Atan'),
  Atanh: direct('Atanh'),
  Ceil: direct('Ceil'),
  Cos: direct('Cos'),
  Cosh: direct('Cosh'),
  Elu: direct('Elu'),
  Erf: direct('Erf'),
  Exp: direct('Exp'),
  Floor: direct('Floor'),
  Log: direct('Log'),
  Neg: direct('Neg'),
  Reciprocal: direct('Reciprocal'),
  Relu: direct('Relu'),
  Round: direct('Round'),
  Selu: direct('Selu'),
  Sigmoid: direct('Sigmoid'),
  Sign: direct('Sign'),
  Sin: direct('Sin'),
  Sinh: direct('Sinh'),
  Softplus: direct('Softplus'),
  Sqrt: direct('Sqrt'),
  Tan: direct('Tan'),
  Tanh: direct('Tanh'),
  Square: one(square),
  Rsqrt: one((x) => unary('Reciprocal', unary('Sqrt', x))),
  Expm1: one((x) => binary('Sub', unary('Exp', x), scalar(x, 1))),
  Log1p: one((x) => unary('Log', binary('Add', x, scalar(x, 1)))),
  IsNan: one((x) => x.graph.node('IsNaN', [x], {shape: x.shape, dtype: 'bool'})),
  IsInf: one(isInfinite),
  IsFinite: one((x) =>
    unary('Not', compare('Or', isInfinite(x), x.graph.node('IsNaN', [x], {shape: x.shape, dtype: 'bool'}))),
  ),
  Relu6: one((x) => clip(x, 0, 6)),
  ClipByValue: ({inputs: {x}, attributes}: Call<Unary, tf.ClipByValueAttrs>) =>
    clip(x, attributes.clipValueMin, attributes.clipValueMax),
  LeakyRelu: ({inputs: {x}, attributes}: Call<Unary, tf.LeakyReluAttrs>) => leakyRelu(x, attributes.alpha),
  Prelu: ({inputs}: Call<{x: Value; alpha: Value}, unknown>) => prelu(inputs.x, inputs.alpha),
  /** The derivative of elu is y + 1 where y < 0, and 1 elsewhere. */
  EluGrad: ({inputs: {dy, y}}: Call<{dy: Value; y: Value}, unknown>) =>
    where(compare('GreaterOrEqual', y, scalar(y, 0)), dy, binary('Mul', dy, binary('Add', y, scalar(y, 1)))),
  Step: ({inputs: {x}, attributes}: Call<Unary, tf.StepAttrs>) => step(x, attributes.alpha),

  Identity: one((x) => x),
  Cast: ({inputs: {x}, attributes}: Call<Unary, tf.CastAttrs>) => cast(x, tracedType(attributes.dtype)),
  BroadcastTo: ({inputs: {x}, attributes}: Call<Unary, tf.BroadCastToAttrs>) => expand(x, attributes.shape),
  ZerosLike: one((x) => x.graph.uniform(0, x.shape, x.dtype)),
  OnesLike: one((x) => x.graph.uniform(1, x.shape, x.dtype)),
  Fill: ({graph, attributes: {shape, value, dtype}}: Call<unknown, tf.FillAttrs>) =>
    graph.uniform(Number(value), shape, tracedType(dtype)),
  Range: ({graph, attributes}: Call<unknown, tf.RangeAttrs>) => range(graph, attributes),
  LinSpace: ({graph, attributes: {start, stop, num}}: Call<unknown, tf.LinSpaceAttrs>) =>
    graph.constant(
      Float32Array.from({length: num}, (_, index) => start + (index * (stop - start)) / Math.max(1, num - 1)),
      [num],
      'float32',
    ),
} satisfies Kernels;

export function square(x: Value): Value {
  return binary('Mul', x, x);
}

export function leakyRelu(x: Value, alpha: number): Value {
  return record('LeakyRelu', [x], x, {alpha: floatAttribute(alpha)});
}

/** On the CPU as x times its slope, 1 or `alpha`, which the gradient needs as well: ONNX Runtime's PRelu is slow there. */
export function prelu(x: Value, alpha: Value): Value {
  if (x.graph.options.target === 'cpu') {
    const slope = binary('Add', binary('Mul', step(x, 0), binary('Sub', scalar(alpha, 1), alpha)), alpha);
    return binary('Mul', x, slope);
  }
  return record('PRelu', [x, alpha], x);
}

export function clip(x: Value, lowest: number, highest: number): Value {
  return record('Clip', [x, scalar(x, lowest), scalar(x, highest)], x);
}

function isInfinite(x: Value): Value {
  return x.graph.node('IsInf', [x], {shape: x.shape, dtype: 'bool'});
}

/** Takes the least normal number of float32 above 1. */
const STEEPEST = 3.4028234663852886e38;

/** 1 above zero, `alpha` elsewhere. */
function step(x: Value, alpha: number): Value {
  // max(0, min(1, STEEPEST · x)) is one pass over the elements where a comparison and a cast are two.
  if (alpha >= 0 && alpha <= 1 && x.dtype === 'float32' && x.graph.options.target === 'cpu') {
    const attributes = {alpha: floatAttribute(STEEPEST), beta: floatAttribute(0)};
    const unit = record('HardSigmoid', [rectifiedOr(x)], x, attributes);
    return alpha === 0 ? unit : clip(unit, alpha, 1);
  }
  const positive = compare('Greater', x, scalar(x, 0));
  if (alpha === 0) return cast(positive, 'float32');
  return where(positive, x.graph.uniform(1, [], 'float32'), x.graph.uniform(alpha, [], 'float32'));
}

/** ⌊a / b⌋ also for integers, whose division ONNX truncates. */
function floorDivide(a: Value, b: Value): Value {
  const quotient = unary('Floor', binary('Div', cast(a, 'float32'), cast(b, 'float32')));
  return cast(quotient, a.dtype);
}

/** The remainder with the sign of the divisor. */
function modulo(a: Value, b: Value): Value {
  const shape = broadcastShape(a.shape, b.shape);
  const remainder = (x: Value, attributes: {fmod: number}): Value =>
    x.graph.node('Mod', [x, b], {shape, dtype: x.dtype}, attributes);
  if (a.dtype === 'int32') return remainder(a, {fmod: 0});
  return remainder(binary('Add', remainder(a, {fmod: 1}), b), {fmod: 1});
}

/** tfjs lets a vector of conditions choose whole rows. */
function selector(condition: Value, chosen: Value): Value {
  if (condition.shape.length !== 1 || chosen.shape.length <= 1) return condition;
  const shape = [condition.shape[0]!, ...chosen.shape.slice(1).map(() => 1)];
  return condition.graph.node('Reshape', [condition, condition.graph.integers(shape)], {shape, dtype: 'bool'});
}

function range(graph: Value['graph'], {start, stop, step: stride, dtype}: tf.RangeAttrs): Value {
  const length = Math.max(0, Math.ceil((stop - start) / stride));
  const at = (_: unknown, index: number): number => start + index * stride;
  const values = dtype === 'int32' ? Int32Array.from({length}, at) : Float32Array.from({length}, at);
  return graph.constant(values, [length], tracedType(dtype));
}
