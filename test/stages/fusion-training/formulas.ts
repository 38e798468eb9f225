/** The formulas of test/fixtures/reference/systems.py: weights, inputs and masks as functions of name and index. */
import type {ArrayValue, Arrays} from '../../../stages/learning/program.js';
import type {Declaration} from '../../../stages/learning/layers/declaration.js';
import {sizeOf} from '../../../stages/learning/layers/declaration.js';

/** A sine of index and letters. */
export function wave(name: string, size: number, scale = 1): Float32Array {
  const phase = [...name].reduce((sum, letter, i) => sum + (i + 1) * letter.charCodeAt(0), 0) % 997;
  return Float32Array.from({length: size}, (_, i) => scale * Math.sin(0.731 * i + phase));
}

export function weightOf(name: string, shape: readonly number[]): ArrayValue {
  const size = sizeOf(shape);
  if (/running_var$|weight_g$/.test(name)) return {shape, values: wave(name, size, 0.3).map((v) => v + 1)};
  const scale = shape.length === 1 ? 0.5 : 1.2 / Math.sqrt(sizeOf(shape.slice(1)));
  const offset = shape.length === 1 && name.endsWith('.weight') ? 1 : 0;
  return {shape, values: wave(name, size, scale).map((v) => v + offset)};
}

export function weightsOf({weights, statistics}: Declaration): {weights: Arrays; statistics: Arrays} {
  const of = (specs: Readonly<Record<string, {readonly shape: readonly number[]}>>) =>
    Object.fromEntries(Object.entries(specs).map(([name, {shape}]) => [name, weightOf(name, shape)]));
  return {weights: of(weights), statistics: of(statistics)};
}

/** `suffix` tells the masks of steps apart. */
export function masksOf({masks}: Declaration, batchSize: number, suffix = ''): Arrays {
  return Object.fromEntries(
    Object.entries(masks).map(([name, {shape, rate}]) => {
      const full = [batchSize, ...shape];
      const values = wave(`${name}${suffix}`, sizeOf(full)).map((v) => (v > 2 * rate - 1 ? 1 / (1 - rate) : 0));
      return [name, {shape: full, values}];
    }),
  );
}
