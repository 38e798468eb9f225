/** Kernels that tfjs 4.22 reaches through no operation, or only an uncommon one; the common ones are in trace/. */
import * as tf from '@tensorflow/tfjs';
import {describe, test} from 'vitest';
import type {Arrays} from '../../../stages/learning/program.js';
import type {Body} from './trace/oracle.js';
import {expectArraysClose, expectTraced, runTraced} from './trace/oracle.js';

const wave = (shape: readonly number[], phase: number): Arrays[string] => ({
  shape,
  values: Float32Array.from({length: shape.reduce((product, size) => product * size, 1)}, (_, index) =>
    Math.sin(1.7 * index + phase),
  ),
});
const kernel = (name: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap = {}): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attributes);

/** The kernel, and the operations that say the same. */
const equivalents: Readonly<Record<string, readonly [kernel: Body, operations: Body]>> = {
  BroadcastTo: [
    ({x}) => ({y: kernel('BroadcastTo', {x: x!}, {shape: [2, 3, 4], inputShape: [3, 1]})}),
    ({x}) => ({y: tf.tile(tf.reshape(x!, [1, 3, 1]), [2, 1, 4])}),
  ],
  LogSoftmax: [({x}) => ({y: kernel('LogSoftmax', {logits: x!}, {axis: -1})}), ({x}) => ({y: tf.log(tf.softmax(x!))})],
  LogicalXor: [
    ({x}) => ({y: kernel('LogicalXor', {a: tf.greater(x!, 0), b: tf.less(x!, 0.5)})}),
    ({x}) => ({y: tf.notEqual(tf.greater(x!, 0), tf.less(x!, 0.5))}),
  ],
};

describe('a kernel that no operation reaches', () => {
  for (const [name, [body, operations]] of Object.entries(equivalents)) {
    test(`${name} is what its operations are`, async () => {
      const inputs = {x: wave([3, 1], 0.3)};
      const given = name === 'BroadcastTo' ? inputs : {x: wave([3, 4], 0.3)};
      expectArraysClose(await runTraced(body, given), await runTraced(operations, given), 1e-6);
    });
  }
});

test('tensorScatterUpdate replaces rows as on the CPU backend', async () => {
  const body: Body = ({x, rows, at}) => ({y: tf.tensorScatterUpdate(x!, at!, rows!)});
  const at = {shape: [2, 1], values: Int32Array.of(3, 1)};
  await expectTraced(body, {x: wave([4, 3], 0), rows: wave([2, 3], 1), at}, {gradient: 'none', target: 'cpu'});
});
