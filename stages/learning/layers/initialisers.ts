/** Initial weights as a function of seed, name and shape alone: adding a layer does not change the others. */
import type {Random} from '../random.js';

export interface InitialiserArguments {
  readonly random: Random;
  readonly name: string;
  readonly shape: readonly number[];
}

export type Initialiser = (args: InitialiserArguments) => Float32Array;

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** Fans of PyTorch layouts: [out, in] of a linear map, [out, in, k] of a convolution. */
function fans(shape: readonly number[]): {fanIn: number; fanOut: number} {
  const receptive = size(shape.slice(2));
  return {fanIn: (shape[1] ?? 1) * receptive, fanOut: (shape[0] ?? 1) * receptive};
}

export const constant =
  (value: number): Initialiser =>
  ({shape}) =>
    new Float32Array(size(shape)).fill(value);

export const zeros = constant(0);
export const ones = constant(1);

export const uniform =
  (bound: number): Initialiser =>
  ({random, name, shape}) =>
    random.stream(`weights/${name}`).at(0).uniform(size(shape), -bound, bound);

export const normal =
  (deviation: number): Initialiser =>
  ({random, name, shape}) =>
    random.stream(`weights/${name}`).at(0).normal(size(shape), 0, deviation);

/** Glorot and Bengio, AISTATS 2010, eq. 16: uniform with variance 2 / (fan in + fan out). */
export const xavierUniform =
  (gain = 1): Initialiser =>
  (args) => {
    const {fanIn, fanOut} = fans(args.shape);
    return uniform(gain * Math.sqrt(6 / (fanIn + fanOut)))(args);
  };

export const xavierNormal =
  (gain = 1): Initialiser =>
  (args) => {
    const {fanIn, fanOut} = fans(args.shape);
    return normal(gain * Math.sqrt(2 / (fanIn + fanOut)))(args);
  };

/** What PyTorch gives linear maps and convolutions: uniform within ± 1 / √(fan in). */
export const torchDefault: Initialiser = (args) => uniform(1 / Math.sqrt(fans(args.shape).fanIn))(args);

/** Norms over all axes but the first of another weight, as weight normalisation starts with [out, 1, 1]. */
export const normsOf =
  (name: string, shape: readonly number[], initialise: Initialiser): Initialiser =>
  ({random}) => {
    const values = initialise({random, name, shape});
    const rowLength = size(shape.slice(1));
    return Float32Array.from({length: shape[0] ?? 0}, (_, row) =>
      Math.hypot(...values.subarray(row * rowLength, (row + 1) * rowLength)),
    );
  };
