/** Convolutions of images with channels last and their gradients by definition, in float64. */
import {expect} from 'vitest';
import type {Axis} from '../../../../stages/learning/trace/image-geometry.js';

type DirectAxis = Omit<Axis, 'stride'> & Partial<Axis>;

interface Direct {
  readonly batch: number;
  readonly axes: readonly [DirectAxis, DirectAxis];
  readonly inChannels: number;
  readonly outChannels: number;
}

export type Arrays = Record<'x' | 'filter' | 'dy', Float32Array>;
export type Results = Record<'y' | 'dx' | 'dfilter', Float32Array | Float64Array>;

export function shapesOf({batch, axes: [rows, columns], inChannels, outChannels}: Direct) {
  return {
    x: [batch, rows.inputs, columns.inputs, inChannels],
    filter: [rows.taps, columns.taps, inChannels, outChannels],
    dy: [batch, rows.outputs, columns.outputs, outChannels],
  };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Numbers with mean 0 and variance 1/3 that no regularity makes cancel. */
function noise(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({length}, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

export function arraysOf(convolution: Direct, seed: number): Arrays {
  const {x, filter, dy} = shapesOf(convolution);
  return {x: noise(sizeOf(x), seed), filter: noise(sizeOf(filter), seed + 1), dy: noise(sizeOf(dy), seed + 2)};
}

/** The definition, in float64. */
export function direct(convolution: Direct, {x, filter, dy}: Arrays): Results {
  const {batch, axes, inChannels, outChannels} = convolution;
  const [rows, columns] = axes;
  const results = {
    y: new Float64Array(dy.length),
    dx: new Float64Array(x.length),
    dfilter: new Float64Array(filter.length),
  };
  const seen = ({taps, stride = 1, dilation, before, inputs, outputs}: DirectAxis) =>
    Array.from({length: outputs * taps}, (_, at) => {
      const [output, tap] = [Math.floor(at / taps), at % taps];
      return {output, tap, input: output * stride + tap * dilation - before};
    }).filter(({input}) => input >= 0 && input < inputs);
  for (let image = 0; image < batch; image++) {
    for (const row of seen(rows)) {
      for (const column of seen(columns)) {
        const atX = ((image * rows.inputs + row.input) * columns.inputs + column.input) * inChannels;
        const atY = ((image * rows.outputs + row.output) * columns.outputs + column.output) * outChannels;
        const atFilter = (row.tap * columns.taps + column.tap) * inChannels * outChannels;
        for (let c = 0; c < inChannels; c++) {
          for (let o = 0; o < outChannels; o++) {
            const tap = atFilter + c * outChannels + o;
            results.y[atY + o]! += x[atX + c]! * filter[tap]!;
            results.dx[atX + c]! += dy[atY + o]! * filter[tap]!;
            results.dfilter[tap]! += x[atX + c]! * dy[atY + o]!;
          }
        }
      }
    }
  }
  return results;
}

/** The largest difference, relative to the largest number, or to that of the inputs where the result is smaller. */
export function errorOf(actual: Results['y'], expected: Results['y']): number {
  expect(actual).toHaveLength(expected.length);
  let [difference, largest] = [0, 1];
  for (const [at, value] of expected.entries()) {
    difference = Math.max(difference, Math.abs(value - actual[at]!));
    largest = Math.max(largest, Math.abs(value));
  }
  return difference / largest;
}
