/** Numbers that test/fixtures/reference/backbones.py computes as well. */
import type {Declaration} from '../../../stages/learning/layers/declaration.js';
import {sizeOf} from '../../../stages/learning/layers/declaration.js';
import type {Arrays, ArrayValue} from '../../../stages/learning/program.js';
import {prefixed} from '../../../stages/learning/records.js';

/** Tensor number `tensor`: the finaliser of MurmurHash3, as numbers in [-1, 1), scaled and shifted. */
export function tensorOf(tensor: number, shape: readonly number[], scale = 1, offset = 0): ArrayValue {
  const start = Math.imul(tensor, 0x85ebca77);
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) {
    let x = (Math.imul(i, 0x9e3779b1) + start) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    values[i] = scale * (((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1) + offset;
  }
  return {shape, values};
}

/** 'weights/…' and 'statistics/…' of a declaration, numbered in the order of their sorted names. */
export function filled({weights, statistics}: Declaration): Arrays {
  const names = [...Object.keys(weights), ...Object.keys(statistics)].sort();
  const all = names.map((name, number) => [name, valueOf(name, number, (weights[name] ?? statistics[name])!.shape)]);
  const arrays = Object.fromEntries(all) as Arrays;
  const of = (keys: object) => Object.fromEntries(Object.keys(keys).map((name) => [name, arrays[name]!]));
  return {...prefixed('weights', of(weights)), ...prefixed('statistics', of(statistics))};
}

function valueOf(name: string, number: number, shape: readonly number[]): ArrayValue {
  if (name.endsWith('running_var')) return tensorOf(number, shape, 0.2, 1);
  if (name.endsWith('running_mean') || name.endsWith('bias')) return tensorOf(number, shape, 0.1);
  if (shape.length === 1) return tensorOf(number, shape, 0.05, 0.5);
  return tensorOf(number, shape, Math.sqrt(6 / sizeOf(shape.slice(1))));
}

/** What the script keeps of a tensor: a product with another, its norm, and three elements. */
export function kept({values}: ArrayValue): number[] {
  const direction = tensorOf(7, [values.length]).values;
  let [product, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    product += values[i]! * direction[i]!;
    squares += values[i]! ** 2;
  }
  return [product, Math.sqrt(squares), values[0]!, values[values.length >> 1]!, values.at(-1)!];
}
