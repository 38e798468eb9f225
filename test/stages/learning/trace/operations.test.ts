import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import type {Tensors} from '../../../../stages/learning/program.js';
import {ab, array, checkOperations, fixed, integers, nonzero, shape, size, x} from './cases.js';
import type {Case} from './cases.js';

const unary = (
  compute: (x: tf.Tensor) => tf.Tensor,
  range?: readonly [number, number],
  gradient: Case['gradient'] = 'slope',
): Case => ({compute: ({x}) => compute(x!), inputs: x(range), gradient});
const binary = (
  compute: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  inputs = ab(),
  gradient: Case['gradient'] = 'slope',
): Case => ({compute: ({a, b}) => compute(a!, b!), inputs, gradient});
const truth = (compute: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Case => binary(compute, ab(), 'none');
/** A reduction over some axes of a tensor of rank 1 to 4. */
const reduction = (
  compute: (x: tf.Tensor, axes: number[], keep: boolean) => tf.Tensor,
  gradient: Case['gradient'] = 'slope',
): Case => ({
  inputs: x([0.3, 2], [1, 4]),
  compute: ({x}) => {
    const rank = x!.rank;
    const axes = rank === 1 ? [0] : [0, rank - 1];
    return compute(x!, axes, rank % 2 === 0);
  },
  gradient,
});
const x4 = ({x}: Tensors): tf.Tensor4D => x as tf.Tensor4D;

const cases: Readonly<Record<string, Case>> = {
  add: binary(tf.add),
  sub: binary(tf.sub),
  mul: binary(tf.mul),
  div: binary(tf.div, ab([-2, 2], nonzero)),
  pow: binary(tf.pow, ab(nonzero, [-2, 2])),
  maximum: binary(tf.maximum, undefined, 'eager'),
  minimum: binary(tf.minimum, undefined, 'eager'),
  squaredDifference: binary(tf.squaredDifference),
  floorDiv: binary(tf.floorDiv, ab([-2, 2], nonzero), 'none'),
  mod: binary(tf.mod, ab([-2, 2], nonzero), 'none'),
  addN: {
    compute: ({a, b, c}) => tf.addN([a!, b!, c!]),
    inputs: fixed({a: [2, 3], b: [2, 3], c: [2, 3]}),
    gradient: 'slope',
  },
  equal: truth((a, b) => tf.equal(tf.round(a), tf.round(b))),
  notEqual: truth((a, b) => tf.notEqual(tf.round(a), tf.round(b))),
  greater: truth(tf.greater),
  greaterEqual: truth(tf.greaterEqual),
  less: truth(tf.less),
  lessEqual: truth(tf.lessEqual),
  logicalAnd: truth((a, b) => tf.logicalAnd(tf.greater(a, 0), tf.greater(b, 0))),
  logicalOr: truth((a, b) => tf.logicalOr(tf.greater(a, 0), tf.greater(b, 0))),
  logicalXor: truth((a, b) => tf.logicalXor(tf.greater(a, 0), tf.greater(b, 0))),
  logicalNot: truth((a) => tf.logicalNot(tf.greater(a, 0))),
  where: {
    compute: ({a, b, c}) => tf.where(tf.greater(c!, 0), a!, b!),
    inputs: fc.record({a: array([2, 3]), b: array([2, 3]), c: integers([2, 3], 2)}),
    gradient: 'slope',
  },
  integers: binary(
    (a, b) =>
      tf.add(tf.floorDiv(tf.cast(a, 'int32'), tf.cast(b, 'int32')), tf.mod(tf.cast(a, 'int32'), tf.cast(b, 'int32'))),
    ab([-9, 9], [2, 5]),
    'none',
  ),

  abs: unary(tf.abs, undefined, 'eager'),
  acos: unary(tf.acos, [-0.8, 0.8]),
  acosh: unary(tf.acosh, [1.3, 3]),
  asin: unary(tf.asin, [-0.8, 0.8]),
  asinh: unary(tf.asinh),
  atan: unary(tf.atan),
  atanh: unary(tf.atanh, [-0.8, 0.8]),
  ceil: unary(tf.ceil, undefined, 'none'),
  cos: unary(tf.cos),
  cosh: unary(tf.cosh),
  elu: unary(tf.elu),
  erf: unary(tf.erf),
  exp: unary(tf.exp),
  expm1: unary(tf.expm1),
  floor: unary(tf.floor, undefined, 'none'),
  log: unary(tf.log, nonzero),
  log1p: unary(tf.log1p, nonzero),
  neg: unary(tf.neg),
  reciprocal: unary(tf.reciprocal, nonzero),
  relu: unary(tf.relu, undefined, 'eager'),
  relu6: unary(tf.relu6, [-8, 8], 'eager'),
  round: unary(tf.round, undefined, 'none'),
  rsqrt: unary(tf.rsqrt, nonzero),
  selu: unary(tf.selu, undefined, 'eager'),
  sigmoid: unary(tf.sigmoid),
  sign: unary(tf.sign, undefined, 'none'),
  sin: unary(tf.sin),
  sinh: unary(tf.sinh),
  softplus: unary(tf.softplus),
  sqrt: unary(tf.sqrt, nonzero),
  square: unary(tf.square),
  tan: unary(tf.tan, [-1, 1]),
  tanh: unary(tf.tanh),
  step: unary((x) => tf.step(x, 0.25), undefined, 'none'),
  stepExactly: {
    compute: ({x}) => [tf.step(x!), tf.step(tf.mul(x!, 1e-37)), tf.step(tf.neg(tf.relu(x!)))],
    inputs: x(),
    gradient: 'none',
  },
  leakyRelu: unary((x) => tf.leakyRelu(x, 0.1), undefined, 'eager'),
  prelu: {compute: ({x, a}) => tf.prelu(x!, a!), inputs: fixed({x: [2, 3, 4], a: [4]}), gradient: 'eager'},
  clipByValue: unary((x) => tf.clipByValue(x, -1, 0.5), undefined, 'eager'),
  gelu: unary((x) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.div(x, Math.SQRT2))))),
  isNaN: unary((x) => tf.isNaN(tf.sqrt(x)), undefined, 'none'),
  isInf: unary((x) => tf.isInf(tf.div(x, tf.relu(x))), undefined, 'none'),
  isFinite: unary((x) => tf.isFinite(tf.log(tf.relu(x))), undefined, 'none'),
  cast: unary((x) => tf.cast(tf.cast(x, 'int32'), 'float32'), undefined, 'none'),
  onesAndZeros: unary((x) => tf.add(tf.mul(x, tf.onesLike(x)), tf.zerosLike(x))),

  sum: reduction((x, axes, keep) => tf.sum(x, axes, keep)),
  sumAll: reduction((x) => tf.sum(x)),
  mean: reduction((x, axes, keep) => tf.mean(x, axes, keep)),
  sumOfManyRows: {
    compute: ({x}) => [tf.sum(x!, 0), tf.mean(x!, 0, true), tf.sum(x!, [1, 0]), tf.mean(x!, [0, 1], true)],
    inputs: fixed({x: [33, 37, 16]}, [-2, 3]),
    gradient: 'eager',
  },
  max: reduction((x, axes, keep) => tf.max(x, axes, keep), 'eager'),
  min: reduction((x, axes, keep) => tf.min(x, axes, keep), 'eager'),
  prod: reduction((x, axes, keep) => tf.prod(x, axes, keep), 'none'),
  all: reduction((x, axes, keep) => tf.all(tf.greater(x, 1), axes, keep), 'none'),
  any: reduction((x, axes, keep) => tf.any(tf.greater(x, 1), axes, keep), 'none'),
  countTrue: reduction((x, axes, keep) => tf.sum(tf.greater(x, 1), axes, keep), 'none'),
  logSumExp: reduction((x, axes, keep) => tf.logSumExp(x, axes, keep), 'eager'),
  moments: {
    compute: ({x}) => {
      const {mean, variance} = tf.moments(x!, [0], true);
      return [mean, variance];
    },
    inputs: x(undefined, [1, 4]),
    gradient: 'slope',
  },
  argMax: {compute: ({x}) => tf.argMax(x!, -1), inputs: x(undefined, [1, 4]), gradient: 'none'},
  argMin: {compute: ({x}) => tf.argMin(x!, 0), inputs: x(undefined, [1, 4]), gradient: 'none'},
  softmax: {compute: ({x}) => tf.softmax(x!), inputs: x(undefined, [1, 4]), gradient: 'slope'},
  logSoftmax: {compute: ({x}) => tf.logSoftmax(x!), inputs: x(undefined, [1, 4]), gradient: 'slope'},
  cumsum: {compute: ({x}) => tf.cumsum(x!, x!.rank - 1, true, true), inputs: x(undefined, [2, 4]), gradient: 'slope'},
  cumsumFirst: {compute: ({x}) => tf.cumsum(x!, 0), inputs: x(undefined, [2, 3]), gradient: 'slope'},
  einsum: {
    compute: ({a, b}) => tf.einsum('bij,bjk->bki', a!, b!),
    inputs: fixed({a: [2, 3, 4], b: [2, 4, 2]}),
    gradient: 'none',
  },
  layerNorm: {
    compute: ({x, scale}) => {
      const {mean, variance} = tf.moments(x!, -1, true);
      return tf.mul(tf.div(tf.sub(x!, mean), tf.sqrt(tf.add(variance, 1e-5))), scale!);
    },
    inputs: fixed({x: [2, 3, 4], scale: [4]}),
    gradient: 'eager',
  },

  ...matmulCases(),

  reshape: {
    compute: ({x}) => tf.reshape(tf.reshape(x!, [3, -1]), [4, 3]),
    inputs: fixed({x: [2, 3, 2]}),
    gradient: 'slope',
  },
  expandDims: {compute: ({x}) => tf.expandDims(x!, -1), inputs: x(undefined, [1, 3]), gradient: 'slope'},
  squeeze: {compute: ({x}) => tf.squeeze(x!), inputs: fixed({x: [1, 3, 1, 2]}), gradient: 'slope'},
  transpose: {
    compute: ({x}) => tf.transpose(tf.transpose(x!, [2, 0, 1]), [1, 0, 2]),
    inputs: fixed({x: [2, 3, 4]}),
    gradient: 'slope',
  },
  reverse: {compute: ({x}) => tf.reverse(x!, [0, 2]), inputs: fixed({x: [2, 3, 4]}), gradient: 'slope'},
  concat: {
    compute: ({a, b}) => tf.concat([a!, b!, a!], 1),
    inputs: fixed({a: [2, 3, 2], b: [2, 1, 2]}),
    gradient: 'slope',
  },
  stack: {compute: ({a, b}) => tf.stack([a!, b!], -1), inputs: fixed({a: [2, 3], b: [2, 3]}), gradient: 'slope'},
  unstack: {compute: ({x}) => tf.unstack(x!, 1), inputs: fixed({x: [2, 3, 2]}), gradient: 'slope'},
  split: {compute: ({x}) => tf.split(x!, [1, 2, 3], -1), inputs: fixed({x: [2, 6]}), gradient: 'slope'},
  slice: {compute: ({x}) => tf.slice(x!, [0, 1], [-1, 2]), inputs: fixed({x: [3, 4, 2]}), gradient: 'slope'},
  stridedSlice: {
    compute: ({x}) => [tf.stridedSlice(x!, [3, 0, 1], [0, 4, 2], [-2, 2, 1], 1, 2), tf.stridedSlice(x!, [1], [3])],
    inputs: fixed({x: [4, 4, 2]}),
    gradient: 'none',
  },
  pad: {
    compute: ({x}) =>
      tf.pad(
        x!,
        [
          [1, 2],
          [0, 1],
        ],
        0.5,
      ),
    inputs: fixed({x: [2, 3]}),
    gradient: 'slope',
  },
  mirrorPad: {
    compute: ({x}) => [
      tf.mirrorPad(
        x!,
        [
          [1, 2],
          [2, 1],
        ],
        'reflect',
      ),
      tf.mirrorPad(
        x!,
        [
          [1, 2],
          [0, 3],
        ],
        'symmetric',
      ),
    ],
    inputs: fixed({x: [3, 3]}),
    gradient: 'none',
  },
  tile: {compute: ({x}) => tf.tile(x!, [2, 1, 3]), inputs: fixed({x: [2, 3, 1]}), gradient: 'slope'},
  tileColumn: {compute: ({x}) => tf.tile(x!, [1, 3]), inputs: fixed({x: [2, 1]}), gradient: 'slope'},
  broadcastTo: {compute: ({x}) => tf.broadcastTo(x!, [2, 3, 4]), inputs: fixed({x: [3, 1]}), gradient: 'eager'},
  depthToSpace: {compute: ({x}) => tf.depthToSpace(x4({x: x!}), 2), inputs: fixed({x: [1, 2, 3, 8]}), gradient: 'none'},
  flipLeftRight: {compute: (t) => tf.image.flipLeftRight(x4(t)), inputs: fixed({x: [1, 2, 3, 2]}), gradient: 'none'},
  constants: {
    compute: ({x}) => tf.add(tf.add(x!, tf.range(0, 6, 1)), tf.add(tf.linspace(0, 1, 6), tf.fill([6], 0.25))),
    inputs: fixed({x: [6]}),
    gradient: 'slope',
  },

  gather: gathering(1, 0, [2, 3]),
  gatherRows: gathering(0, 0, [4]),
  gatherBatch: gathering(1, 1, [2, 2]),
  gatherND: {
    compute: ({x, indices}) => tf.gatherND(x!, indices!),
    inputs: fc.record({x: array([3, 3, 2]), indices: integers([4, 2], 3)}),
    gradient: 'none',
  },
  scatterND: {
    compute: ({x, indices}) => tf.scatterND(indices as tf.Tensor2D, x!, [5, 2]),
    inputs: fc.record({x: array([4, 2]), indices: integers([4, 1], 5)}),
    gradient: 'none',
  },
  segmentSum: {
    compute: ({x, indices}) => tf.unsortedSegmentSum(x!, indices as tf.Tensor1D, 3),
    inputs: fc.record({x: array([5, 2]), indices: integers([5], 3)}),
    gradient: 'slope',
  },
  oneHot: {
    compute: ({indices}) => tf.oneHot(indices!, 5, 0.9, 0.1),
    inputs: fc.record({indices: integers([2, 3], 5)}),
    gradient: 'none',
  },
  topk: {
    compute: ({x}) => {
      const {values: largest, indices} = tf.topk(x!, 2);
      return [largest, indices];
    },
    inputs: fc.uniqueArray(fc.integer({min: -50, max: 50}), {minLength: 12, maxLength: 12}).map((list) => ({
      x: {shape: [3, 4], values: Float32Array.from(list)},
    })),
    gradient: 'none',
  },
};

function matmulCases(): Record<string, Case> {
  const found: Record<string, Case> = {};
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const name = `matMul${transposeA ? 'T' : ''}${transposeB ? 'xT' : ''}`;
      const compute = ({a, b}: Tensors): tf.Tensor => tf.matMul(a!, b!, transposeA, transposeB);
      const dims = fc.tuple(shape(0, 2), size, size, size);
      const inputs = dims.chain(([batch, rows, inner, columns]) =>
        fc.record({
          a: array([...batch, ...(transposeA ? [inner, rows] : [rows, inner])]),
          b: array([...batch, ...(transposeB ? [columns, inner] : [inner, columns])]),
        }),
      );
      found[name] = {compute, inputs, gradient: 'slope'};
    }
  }
  return {
    ...found,
    dot: {compute: ({a, b}) => tf.dot(a!, b!), inputs: fixed({a: [4], b: [4, 3]}), gradient: 'slope'},
    matMulOfTransposed: {
      compute: ({a, b}) => tf.matMul(tf.transpose(a!, [0, 2, 1]), tf.transpose(b!, [0, 2, 1])),
      inputs: fixed({a: [2, 4, 3], b: [2, 2, 4]}),
      gradient: 'slope',
    },
    matMulBroadcast: {
      compute: ({a, b}) => tf.matMul(a!, b!),
      inputs: fixed({a: [2, 3, 4, 2], b: [3, 2, 3]}),
      gradient: 'slope',
    },
    fusedMatMul: {
      compute: ({a, b, bias}) =>
        tf.fused.matMul({a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias: bias!, activation: 'relu'}),
      inputs: fixed({a: [3, 4], b: [4, 2], bias: [2]}),
      gradient: 'eager',
    },
  };
}

function gathering(axis: number, batchDims: number, dims: number[]): Case {
  return {
    compute: ({x, indices}) => tf.gather(x!, indices!, axis, batchDims),
    inputs: fc.record({x: array([2, 3, 2]), indices: integers(dims, 2)}),
    gradient: batchDims === 0 && dims.length === 1 ? 'slope' : 'none',
  };
}

checkOperations(cases);
