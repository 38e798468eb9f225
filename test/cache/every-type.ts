import fc from 'fast-check';
import type {Row, ShardSchema} from '../../cache/shard.js';

/** A schema with a column of every type and batches so short that a few rows cross their borders. */
export const everyType = {
  kind: 'every-type',
  columns: {
    f64: {type: 'f64', unit: 's', doc: 'A double.'},
    f32: {type: 'f32', unit: '1', doc: 'A float.'},
    i32: {type: 'i32', unit: '1', doc: 'An integer.'},
    bool: {type: 'bool', unit: '1', doc: 'A bool.'},
    text: {type: 'text', unit: '1', doc: 'A text.'},
    f32s: {type: 'f32s', unit: 'px', doc: 'A vector.'},
    bytes: {type: 'bytes', unit: '1', doc: 'Bytes.'},
  },
  batchRows: 9,
} as const satisfies ShardSchema;

export type EveryType = Row<typeof everyType>;

/** Rows of all that a shard can hold, with vectors of one width. */
export const someRows: fc.Arbitrary<EveryType[]> = fc.integer({min: 1, max: 5}).chain((width) =>
  fc.array(
    fc.record({
      f64: fc.double(),
      f32: fc.float(),
      i32: fc.integer({min: -(2 ** 31), max: 2 ** 31 - 1}),
      bool: fc.boolean(),
      text: fc.string({unit: 'grapheme'}),
      f32s: fc.float32Array({minLength: width, maxLength: width, noNaN: true, noDefaultInfinity: true}),
      bytes: fc.uint8Array({maxLength: 40}),
    }),
    {maxLength: 40},
  ),
);

/** One row, with changes. */
export function oneRow(changes: Partial<Record<keyof EveryType, unknown>> = {}): EveryType {
  const row = {
    f64: 1 / 3,
    f32: 0.5,
    i32: 7,
    bool: true,
    text: 'Grüße 👋',
    f32s: Float32Array.of(1, 2),
    bytes: Uint8Array.of(1, 2, 3),
  };
  return {...row, ...changes} as EveryType;
}
