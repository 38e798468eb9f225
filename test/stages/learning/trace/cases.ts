/** Random inputs of operations, and the check that runs over them. */
import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {describe, test} from 'vitest';
import type {Arrays, ArrayValue, Tensors} from '../../../../stages/learning/program.js';
import {expectTraced} from './oracle.js';
import type {Check} from './oracle.js';

/** One operation, where it may be evaluated, and whether finite differences apply. */
export interface Case {
  readonly compute: (inputs: Tensors) => tf.Tensor | readonly tf.Tensor[];
  readonly inputs: fc.Arbitrary<Arrays>;
  readonly gradient: Check['gradient'];
}

export const size = fc.integer({min: 1, max: 4});
export const shape = (min: number, max: number): fc.Arbitrary<number[]> =>
  fc.array(size, {minLength: min, maxLength: max});

/** Values in [low, high], never equal and never on a kink at a whole or half number, also after shrinking. */
const values = (count: number, [low, high]: readonly [number, number]): fc.Arbitrary<Float32Array> =>
  fc.array(fc.integer({min: 0, max: 99}), {minLength: count, maxLength: count}).map((list) =>
    Float32Array.from(list, (at, index) => {
      const wave = 0.5 + 0.45 * Math.sin(1.9 * index + 0.3);
      return low + (high - low) * (0.5 * wave + (0.5 * (at + 0.17)) / 100);
    }),
  );

const sizeOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);
export const array = (dims: number[], range: readonly [number, number] = [-2, 2]): fc.Arbitrary<ArrayValue> =>
  values(sizeOf(dims), range).map((list) => ({shape: dims, values: list}));
export const integers = (dims: number[], below: number): fc.Arbitrary<ArrayValue> =>
  fc
    .array(fc.integer({min: 0, max: below - 1}), {minLength: sizeOf(dims), maxLength: sizeOf(dims)})
    .map((list) => ({shape: dims, values: Int32Array.from(list)}));

/** Two shapes that repeat along each other, as numpy has it. */
const pair = shape(0, 4).chain((dims) => {
  const part = fc
    .tuple(
      fc.array(fc.boolean(), {minLength: dims.length, maxLength: dims.length}),
      fc.integer({min: 0, max: dims.length}),
    )
    .map(([narrow, drop]) => dims.map((dim, axis) => (narrow[axis] === true ? 1 : dim)).slice(drop));
  return fc.tuple(part, part);
});

export const x = (range?: readonly [number, number], rank: readonly [number, number] = [0, 4]): fc.Arbitrary<Arrays> =>
  shape(...rank).chain((dims) => fc.record({x: array(dims, range)}));
export const ab = (a?: readonly [number, number], b = a): fc.Arbitrary<Arrays> =>
  pair.chain(([left, right]) => fc.record({a: array(left, a), b: array(right, b)}));
export const nonzero: readonly [number, number] = [0.3, 2];
export const fixed = (
  shapes: Readonly<Record<string, number[]>>,
  range?: readonly [number, number],
): fc.Arbitrary<Arrays> =>
  fc.record(Object.fromEntries(Object.entries(shapes).map(([name, dims]) => [name, array(dims, range)])));

const targets = ['any', 'cpu', 'gpu'] as const;

/** One test for each operation, over inputs drawn at random. */
export function checkOperations(cases: Readonly<Record<string, Case>>): void {
  describe('a traced operation equals the operation on the CPU backend', () => {
    for (const [name, {compute, inputs, gradient}] of Object.entries(cases)) {
      test(name, async () => {
        for (const [seed, target] of targets.entries()) {
          const holds = (arrays: Arrays): Promise<void> => expectTraced(named(compute), arrays, {gradient, target});
          await fc.assert(fc.asyncProperty(inputs, holds), {numRuns: 1, seed});
        }
      });
    }
  });
}

function named(compute: Case['compute']): (inputs: Tensors) => Tensors {
  return (inputs) => {
    const result = compute(inputs);
    const list = Array.isArray(result) ? (result as readonly tf.Tensor[]) : [result as tf.Tensor];
    return Object.fromEntries(list.map((tensor, index) => [`y${String(index)}`, tensor]));
  };
}
