import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import {describe, expect, it} from 'vitest';
import {encodeModel} from '../../../../stages/learning/onnx/model.js';
import {
  fastConvolve,
  fastFilterGradient,
  fastInputGradient,
} from '../../../../stages/learning/trace/fast-convolution.js';
import {fastForm, turned} from '../../../../stages/learning/trace/fast-form.js';
import type {Convolution, Form} from '../../../../stages/learning/trace/fast-form.js';
import {Graph} from '../../../../stages/learning/trace/graph.js';
import {Tiling} from '../../../../stages/learning/trace/tiling.js';
import type {AxisGeometry} from '../../../../stages/learning/trace/tiling.js';
import {TILE_SIZES} from '../../../../stages/learning/trace/toom-cook.js';
import {arraysOf, direct, errorOf, shapesOf} from './direct-convolution.js';
import type {Arrays, Results} from './direct-convolution.js';

async function fast(convolution: Convolution, sizes: readonly [number, number], arrays: Arrays): Promise<Results> {
  const formOf = ({axes}: Convolution): Form => [new Tiling(axes[0], sizes[0]), new Tiling(axes[1], sizes[1])];
  const graph = new Graph({target: 'cpu'});
  const shapes = shapesOf(convolution);
  const input = (name: keyof Arrays) => graph.input(name, {shape: shapes[name], dtype: 'float32'});
  const [x, filter, dy] = [input('x'), input('filter'), input('dy')];
  const model = graph.model({
    y: fastConvolve(x, filter, formOf(convolution)),
    dx: fastInputGradient(dy, filter, formOf(turned(convolution))),
    dfilter: fastFilterGradient(x, dy, formOf(convolution)),
  });
  const session = await ort.InferenceSession.create(encodeModel(model), {intraOpNumThreads: 1, logSeverityLevel: 3});
  const tensor = (name: keyof Arrays) => new ort.Tensor('float32', arrays[name], shapes[name]);
  const {y, dx, dfilter} = await session.run({x: tensor('x'), filter: tensor('filter'), dy: tensor('dy')});
  await session.release();
  const values = ({data}: ort.Tensor): Float32Array => data as Float32Array;
  return {y: values(y!), dx: values(dx!), dfilter: values(dfilter!)};
}

async function errorsOf(convolution: Convolution, sizes: readonly [number, number], seed = 1): Promise<number[]> {
  const arrays = arraysOf(convolution, seed);
  const [actual, expected] = [await fast(convolution, sizes, arrays), direct(convolution, arrays)];
  return (['y', 'dx', 'dfilter'] as const).map((name) => errorOf(actual[name], expected[name]));
}

const axis: fc.Arbitrary<{axis: AxisGeometry; size: number}> = fc
  .record({
    size: fc.constantFrom(...TILE_SIZES),
    taps: fc.integer({min: 1, max: 5}),
    dilation: fc.integer({min: 1, max: 3}),
    before: fc.integer({min: -1, max: 6}),
    outputs: fc.integer({min: 1, max: 20}),
    after: fc.integer({min: -1, max: 6}),
  })
  .map(({size, taps, dilation, before, outputs, after}) => {
    const few = Math.min(taps, size - 1);
    const inputs = Math.max(1, outputs + (few - 1) * dilation - before - after);
    return {axis: {taps: few, dilation, before, inputs, outputs}, size: few === 1 ? 1 : size};
  });
const channels = fc.integer({min: 1, max: 6});

const sequence = (length: number, dilation: number): readonly [AxisGeometry, AxisGeometry] => [
  {taps: 1, dilation: 1, before: 0, inputs: 1, outputs: 1},
  {taps: 5, dilation, before: 4 * dilation, inputs: length, outputs: length},
];
const square = (length: number): readonly [AxisGeometry, AxisGeometry] => {
  const side = {taps: 3, dilation: 1, before: 1, inputs: length, outputs: length};
  return [side, side];
};

describe('a fast convolution', () => {
  it('has the values and gradients of the direct one for any padding, dilation, and tiling', async () => {
    const convolution = fc.tuple(fc.integer({min: 1, max: 3}), axis, axis, channels, channels);
    await fc.assert(
      fc.asyncProperty(convolution, async ([batch, rows, columns, inChannels, outChannels]) => {
        const shape: Convolution = {batch, axes: [rows.axis, columns.axis], inChannels, outChannels};
        // Tiles of ten along both axes, which no convolution takes, square the error.
        for (const error of await errorsOf(shape, [rows.size, columns.size])) expect(error).toBeLessThan(5e-5);
      }),
      {numRuns: 40, seed: 3},
    );
  });

  it('is as exact as float32 lets expect over the channels it is used for', async () => {
    const temporal = await errorsOf({batch: 2, axes: sequence(75, 2), inChannels: 96, outChannels: 64}, [1, 10]);
    for (const error of temporal) expect(error).toBeLessThan(3e-6);
    const image = await errorsOf({batch: 1, axes: square(14), inChannels: 96, outChannels: 32}, [6, 6]);
    for (const error of image) expect(error).toBeLessThan(5e-6);
  });

  it('gives equal bytes in every run', async () => {
    const shape: Convolution = {batch: 2, axes: sequence(40, 4), inChannels: 24, outChannels: 16};
    const arrays = arraysOf(shape, 7);
    expect(await fast(shape, [1, 10], arrays)).toEqual(await fast(shape, [1, 10], arrays));
  });
});

describe('fastForm', () => {
  const sizes = (convolution: Convolution) => fastForm(convolution)?.map(({size}) => size);

  it('takes tiles of ten for the temporal convolutions of the fusion systems', () => {
    expect(sizes({batch: 12, axes: sequence(300, 1), inChannels: 512, outChannels: 256})).toEqual([1, 10]);
    expect(sizes({batch: 12, axes: sequence(300, 8), inChannels: 128, outChannels: 128})).toEqual([1, 10]);
  });

  it('takes no tiles of more than six where both axes have some', () => {
    expect(sizes({batch: 32, axes: square(28), inChannels: 128, outChannels: 128})).toEqual([6, 6]);
  });

  it('leaves small convolutions, few channels and few positions to the direct form', () => {
    expect(sizes({batch: 12, axes: sequence(300, 1), inChannels: 16, outChannels: 16})).toBeUndefined();
    expect(sizes({batch: 1, axes: sequence(20, 1), inChannels: 256, outChannels: 256})).toBeUndefined();
    const [, single] = sequence(1, 1);
    expect(
      sizes({
        batch: 12,
        axes: [
          {...single, taps: 1},
          {...single, taps: 1},
        ],
        inChannels: 256,
        outChannels: 256,
      }),
    ).toBeUndefined();
  });
});
