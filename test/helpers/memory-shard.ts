import type {ColumnValues, Row, ShardReader, ShardSchema} from '../../cache/shard.js';

/** Rows in memory that can be read like a shard, for parts that need no store. */
export class MemoryShard<S extends ShardSchema> implements ShardReader<S> {
  constructor(
    readonly schema: S,
    readonly all: readonly Row<S>[],
  ) {}

  get rowCount(): number {
    return this.all.length;
  }

  width(column: keyof S['columns'] & string): number {
    const value: unknown = this.all[0]?.[column];
    return value instanceof Float32Array ? value.length : 0;
  }

  async *rows(start = 0, end = this.all.length): AsyncGenerator<Row<S>> {
    for (const row of this.all.slice(start, end)) yield await Promise.resolve(row);
  }

  column<K extends keyof S['columns'] & string>(
    name: K,
    start = 0,
    end = this.all.length,
  ): Promise<ColumnValues<S['columns'][K]['type']>> {
    const values = this.all.slice(start, end).map((row) => row[name]) as unknown[];
    return Promise.resolve(packed(this.schema.columns[name]!.type, values) as ColumnValues<S['columns'][K]['type']>);
  }
}

function packed(type: string, values: unknown[]): unknown {
  if (type === 'f64') return Float64Array.from(values as number[]);
  if (type === 'f32') return Float32Array.from(values as number[]);
  if (type === 'i32') return Int32Array.from(values as number[]);
  if (type === 'bool') return Uint8Array.from(values as boolean[], Number);
  if (type === 'f32s') return Float32Array.from((values as Float32Array[]).flatMap((vector) => [...vector]));
  return values;
}
