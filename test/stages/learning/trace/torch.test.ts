import {readFileSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {describe, expect, test} from 'vitest';
import type {Arrays, Tensors} from '../../../../stages/learning/program.js';
import {expectArraysClose, runTraced} from './oracle.js';

interface Reference {
  readonly shapes: number[][];
  readonly outputShape: number[];
  readonly output: number[];
  readonly gradients: number[][];
}

const {cases} = JSON.parse(
  readFileSync(new URL('../../../fixtures/reference/kernels.json', import.meta.url), 'utf8'),
) as {cases: Record<string, Reference>};

/** PyTorch keeps channels first; tfjs last, with filters [H, W, in, out]. */
const last = (x: tf.Tensor): tf.Tensor4D => tf.transpose(x as tf.Tensor4D, [0, 2, 3, 1]);
const first = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 3, 1, 2]);
const filter = (w: tf.Tensor): tf.Tensor4D => tf.transpose(w as tf.Tensor4D, [2, 3, 1, 0]);

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** The operations of kernels.py, in tfjs. */
const operations: Readonly<Record<string, Operation>> = {
  matmul: (a, b) => tf.reshape(tf.matMul(tf.reshape(a!, [6, 4]), b!), [2, 3, 5]),
  softmax: (x) => tf.softmax(x!),
  logSoftmax: (x) => tf.logSoftmax(x!),
  gelu: (x) => tf.mul(tf.mul(x!, 0.5), tf.add(1, tf.erf(tf.div(x!, Math.SQRT2)))),
  elu: (x) => tf.elu(x!),
  softplus: (x) => tf.softplus(x!),
  prelu: (x, a) => first(tf.prelu(last(x!), a!)),
  leakyRelu: (x) => tf.leakyRelu(x!, 0.01),
  layerNorm: (x, w, b) => tf.add(tf.mul(standardised(x!, [-1]), w!), b!),
  batchNorm: (x, w, b) => first(tf.add(tf.mul(standardised(last(x!), [0, 1, 2]), w!), b!)),
  conv2d: (x, w, b) => first(tf.add(tf.conv2d(last(x!), filter(w!), 1, 'valid'), b!)),
  conv2dStrided: (x, w) => first(tf.conv2d(last(x!), filter(w!), 2, 1)),
  conv2dPointwise: (x, w) => first(tf.conv2d(last(x!), filter(w!), 2, 'valid')),
  conv1dCausal: (x, w) => {
    const padded = tf.pad(tf.transpose(x!, [0, 2, 1]), [
      [0, 0],
      [8, 0],
      [0, 0],
    ]) as tf.Tensor3D;
    return tf.transpose(tf.conv1d(padded, tf.transpose(w as tf.Tensor3D, [2, 1, 0]), 1, 'valid', 'NWC', 4), [0, 2, 1]);
  },
  conv2dDepthwise: (x, w) => first(tf.depthwiseConv2d(last(x!), tf.transpose(w as tf.Tensor4D, [2, 3, 0, 1]), 1, 1)),
  convTranspose2d: (x, w) => first(tf.conv2dTranspose(last(x!), filter(w!), [1, 8, 8, 2], 2, 'valid')),
  maxPool2d: (x) => first(tf.maxPool(last(x!), 3, 2, 1)),
  avgPool2d: (x) => first(tf.avgPool(last(x!), 2, 2, 'valid')),
  avgPool2dPadded: (x) => first(tf.avgPool(last(x!), 3, 2, 1)),
  cumsum: (x) => tf.cumsum(x!, 1),
  lstm: (x, wi, wh, bi, bh) => recurrent(x!, wh!.shape[1]!, lstmCell({wi: wi!, wh: wh!, bi: bi!, bh: bh!})),
  gru: (x, wi, wh, bi, bh) => recurrent(x!, wh!.shape[1]!, gruCell({wi: wi!, wh: wh!, bi: bi!, bh: bh!})),
  bilinear: (x) => first(tf.image.resizeBilinear(last(x!), [5, 7], true)),
};

function standardised(x: tf.Tensor, axes: number[]): tf.Tensor {
  const {mean, variance} = tf.moments(x, axes, true);
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
}

interface CellWeights {
  readonly wi: tf.Tensor;
  readonly wh: tf.Tensor;
  readonly bi: tf.Tensor;
  readonly bh: tf.Tensor;
}
/** From what a step remembers, hidden state first, to what it remembers next. */
type Cell = (x: tf.Tensor, state: tf.Tensor[]) => tf.Tensor[];

const gates = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor, count: number): tf.Tensor[] =>
  tf.split(tf.add(tf.matMul(x, w, false, true), b), count, 1);

const lstmCell =
  ({wi, wh, bi, bh}: CellWeights): Cell =>
  (x, [h, c]) => {
    const both = gates(x, wi, bi, 4).map((gate, at) => tf.add(gate, gates(h!, wh, bh, 4)[at]!));
    const [input, forget, candidate, output] = both as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const cell = tf.add(tf.mul(tf.sigmoid(forget), c!), tf.mul(tf.sigmoid(input), tf.tanh(candidate)));
    return [tf.mul(tf.sigmoid(output), tf.tanh(cell)), cell];
  };

const gruCell =
  ({wi, wh, bi, bh}: CellWeights): Cell =>
  (x, [h]) => {
    const [ri, zi, ni] = gates(x, wi, bi, 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const [rh, zh, nh] = gates(h!, wh, bh, 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const update = tf.sigmoid(tf.add(zi, zh));
    const candidate = tf.tanh(tf.add(ni, tf.mul(tf.sigmoid(tf.add(ri, rh)), nh)));
    return [tf.add(candidate, tf.mul(update, tf.sub(h!, candidate)))];
  };

function recurrent(x: tf.Tensor, width: number, cell: Cell): tf.Tensor {
  let state: tf.Tensor[] = [tf.zeros([x.shape[0]!, width]), tf.zeros([x.shape[0]!, width])];
  const outputs = tf.unstack(x, 1).map((step) => {
    state = cell(step, state);
    return state[0]!;
  });
  return tf.stack(outputs, 1);
}

const wave = (shape: number[], phase: number): Float32Array =>
  Float32Array.from({length: shape.reduce((product, size) => product * size, 1)}, (_, index) =>
    Math.sin(1.3 * index + phase),
  );

describe('a traced operation equals PyTorch, with all gradients', () => {
  for (const [name, reference] of Object.entries(cases)) {
    test(name, async () => {
      const operation = operations[name]!;
      const names = reference.shapes.map((_, at) => `x${String(at)}`);
      const body = (inputs: Tensors): Tensors => {
        const given = names.map((each) => inputs[each]!);
        const weights = tf.tensor(
          Float32Array.from(reference.output, (_, at) => Math.cos(0.7 * at)),
          reference.outputShape,
        );
        let output: tf.Tensor | undefined;
        const gradients = tf.grads((...each) => {
          output = tf.keep(operation(...each));
          return tf.sum(tf.mul(output, weights));
        })(given);
        return {output: output!, ...Object.fromEntries(gradients.map((gradient, at) => [`d${String(at)}`, gradient]))};
      };
      const inputs = Object.fromEntries(
        reference.shapes.map((shape, at) => [names[at]!, {shape, values: wave(shape, at)}]),
      );
      const expected: Arrays = {
        output: {shape: reference.outputShape, values: Float32Array.from(reference.output)},
        ...Object.fromEntries(
          reference.gradients.map((gradient, at) => [
            `d${String(at)}`,
            {shape: reference.shapes[at]!, values: Float32Array.from(gradient)},
          ]),
        ),
      };
      // The reference is float64; single precision loses up to 1e-5 in long sums.
      expectArraysClose(await runTraced(body, inputs), expected, 1e-5);
    });
  }

  test('and every reference case is known here', () => {
    expect(Object.keys(operations)).toEqual(Object.keys(cases));
  });
});
