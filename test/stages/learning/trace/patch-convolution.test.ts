import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {Tensors} from '../../../../stages/learning/program.js';
import type {Axis} from '../../../../stages/learning/trace/image-geometry.js';
import {trace} from '../../../../stages/learning/trace/trace.js';
import {arraysOf, direct, errorOf, shapesOf} from './direct-convolution.js';
import {runTraced} from './oracle.js';

interface Convolution {
  readonly batch: number;
  readonly axes: readonly [Axis, Axis];
  readonly inChannels: number;
  readonly outChannels: number;
}

/** y, and what dy amounts to for x and the filter, as a user of tfjs writes it. */
function traced({axes: [rows, columns]}: Convolution): (inputs: Tensors) => Tensors {
  const after = ({taps, stride, dilation, before, inputs, outputs}: Axis): number =>
    (outputs - 1) * stride + (taps - 1) * dilation + 1 - inputs - before;
  const pad: Parameters<typeof tf.conv2d>[3] = [
    [0, 0],
    [rows.before, after(rows)],
    [columns.before, after(columns)],
    [0, 0],
  ];
  const strides: [number, number] = [rows.stride, columns.stride];
  const dilations: [number, number] = [rows.dilation, columns.dilation];
  const convolve = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
    tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad, 'NHWC', dilations);
  return ({x, filter, dy}) => {
    const [dx, dfilter] = tf.grads((a, b) => convolve(a!, b!))([x!, filter!], dy);
    return {y: convolve(x!, filter!), dx: dx!, dfilter: dfilter!};
  };
}

/** Windows that lie in the image or in zeros around it; tfjs takes strides or dilations. */
const axis: fc.Arbitrary<Axis> = fc
  .record({
    taps: fc.integer({min: 1, max: 4}),
    apart: fc.constantFrom({stride: 1, dilation: 1}, {stride: 2, dilation: 1}, {stride: 3, dilation: 1}),
    before: fc.integer({min: 0, max: 2}),
    outputs: fc.integer({min: 1, max: 6}),
    after: fc.integer({min: 0, max: 2}),
  })
  .map(({taps, apart, before, outputs, after}) => {
    const reach = (outputs - 1) * apart.stride + taps;
    const [front, back] = reach > before + after ? [before, after] : [0, 0];
    return {...apart, taps, before: front, inputs: reach - front - back, outputs};
  });
const channels = fc.constantFrom(1, 3, 16, 20);

async function check(convolution: Convolution, seed: number): Promise<void> {
  const [shapes, values] = [shapesOf(convolution), arraysOf(convolution, seed)];
  const names = ['x', 'filter', 'dy'] as const;
  const inputs = Object.fromEntries(names.map((name) => [name, {shape: shapes[name], values: values[name]}]));
  const [actual, expected] = [await runTraced(traced(convolution), inputs), direct(convolution, values)];
  for (const name of ['y', 'dx', 'dfilter'] as const) {
    expect(errorOf(actual[name]!.values as Float32Array, expected[name])).toBeLessThan(3e-6);
  }
}

describe('a convolution by patches', () => {
  it('has the values and gradients of the direct one for any strides, padding and channels', async () => {
    const convolution = fc.record({
      batch: fc.integer({min: 1, max: 3}),
      axes: fc.tuple(axis, axis),
      inChannels: channels,
      outChannels: channels,
    });
    await fc.assert(
      fc.asyncProperty(convolution, (shape) => check(shape, 1)),
      {numRuns: 60, seed: 5},
    );
  });

  it('follows dilations', async () => {
    const rows = {taps: 3, stride: 1, dilation: 2, before: 2, inputs: 7, outputs: 6};
    const columns = {taps: 2, stride: 1, dilation: 3, before: 0, inputs: 9, outputs: 6};
    await check({batch: 2, axes: [rows, columns], inChannels: 16, outChannels: 24}, 2);
  });

  it('needs no convolution of ONNX Runtime where rows of channels are long and images small or strided', () => {
    const side = {taps: 3, stride: 2, dilation: 1, before: 1, inputs: 14, outputs: 7};
    const convolution: Convolution = {batch: 2, axes: [side, side], inChannels: 32, outChannels: 64};
    const shapes = shapesOf(convolution);
    const specs = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, {shape, dtype: 'float32' as const}]),
    );
    const used = trace(traced(convolution), specs, {target: 'cpu'}).model.graph!.node!.map(({opType}) => opType);
    expect(used).not.toContain('Conv');
    expect(used).not.toContain('ConvTranspose');
    expect(used.filter((op) => op === 'Transpose')).toHaveLength(2);
  });

  it('gathers the patches of a large image once for its values and the gradient of its filter', () => {
    const side = {taps: 3, stride: 2, dilation: 1, before: 1, inputs: 40, outputs: 20};
    const shapes = shapesOf({batch: 2, axes: [side, side], inChannels: 32, outChannels: 64});
    const specs = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, {shape, dtype: 'float32' as const}]),
    );
    const convolve = traced({batch: 2, axes: [side, side], inChannels: 32, outChannels: 64});
    const {model} = trace(
      (inputs) => {
        const {y, dfilter} = convolve(inputs);
        return {y: y!, dfilter: dfilter!};
      },
      specs,
      {target: 'cpu'},
    );
    expect(model.graph!.node!.filter(({opType}) => opType === 'Gather')).toHaveLength(1);
  });
});
