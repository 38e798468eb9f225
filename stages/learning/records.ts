/** Records of arrays and tensors, treated entry by entry. */
import type {Arrays, ArrayValue, TensorSpec, TensorSpecs} from './program.js';

export function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  convert: (value: A, name: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, convert(value, name)]));
}

export function mapKeys<A>(record: Readonly<Record<string, A>>, rename: (name: string) => string): Record<string, A> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [rename(name), value]));
}

/** Entries named '<prefix>/<name>', by <name>. */
export function under<A>(record: Readonly<Record<string, A>>, prefix: string): Record<string, A> {
  const start = `${prefix}/`;
  const found = Object.entries(record).filter(([name]) => name.startsWith(start));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(start.length), value]));
}

export function prefixed<A>(prefix: string, record: Readonly<Record<string, A>>): Record<string, A> {
  return mapKeys(record, (name) => `${prefix}/${name}`);
}

/** Numbers as arrays without an axis. */
export function scalarArrays(scalars: Readonly<Record<string, number>>): Arrays {
  return mapValues(scalars, (value) => ({shape: [], values: Float32Array.of(value)}));
}

export function specOf({shape, values}: ArrayValue): TensorSpec {
  return {shape, dtype: values instanceof Float32Array ? 'float32' : 'int32'};
}

export function specsOf(arrays: Arrays): TensorSpecs {
  return mapValues(arrays, specOf);
}

export function copyOf({shape, values}: ArrayValue): ArrayValue {
  return {shape, values: values.slice()};
}
