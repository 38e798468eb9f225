/**
 * A shard is an immutable Arrow IPC file named by its digest. This file declares what a shard can hold;
 * `arrow.ts` turns rows into bytes and back, `shard-store.ts` keeps the files.
 */

/** Arrow types are declared, never inferred, so that equal rows always give equal bytes (D7). */
export type ColumnType =
  | 'f64'
  | 'f32'
  | 'i32'
  | 'bool'
  | 'text'
  /** A vector of one length per shard, taken from the first row: FixedSizeList<Float32>. */
  | 'f32s'
  /** Opaque bytes, such as a JPEG image: Binary. */
  | 'bytes';

export interface Column<T extends ColumnType = ColumnType> {
  readonly type: T;
  /** Unit of the value, for example 's', 'px', 'Hz'; '1' for pure numbers. */
  readonly unit: string;
  /** One sentence that says what the column holds. */
  readonly doc: string;
}

export interface ShardSchema {
  /** Kind of shard, for example 'faces'; unique among all schemas. */
  readonly kind: string;
  readonly columns: Readonly<Record<string, Column>>;
  /** Rows per Arrow record batch; fixed, so that equal rows give equal bytes and windows can be read at random. */
  readonly batchRows: number;
}

interface ValueOf {
  f64: number;
  f32: number;
  i32: number;
  bool: boolean;
  text: string;
  f32s: Float32Array;
  bytes: Uint8Array;
}

/** The row type of a schema: one value per declared column. */
export type Row<S extends ShardSchema> = {
  [K in keyof S['columns']]: ValueOf[S['columns'][K]['type']];
};

/** What `ShardReader.column` gives: numbers as typed arrays, `f32s` as one row-major array, the rest as plain arrays. */
export type ColumnValues<T extends ColumnType> = T extends 'f64'
  ? Float64Array
  : T extends 'f32' | 'f32s'
    ? Float32Array
    : T extends 'i32'
      ? Int32Array
      : T extends 'bool'
        ? Uint8Array
        : T extends 'text'
          ? string[]
          : Uint8Array[];

export interface ShardReader<S extends ShardSchema = ShardSchema> {
  readonly schema: S;
  readonly rowCount: number;
  /** Vector length of an `f32s` column; 0 in an empty shard. */
  width(column: keyof S['columns'] & string): number;
  /** Streams rows [start, end), holding one record batch at a time. */
  rows(start?: number, end?: number): AsyncIterable<Row<S>>;
  /** Reads rows [start, end) of one column without decoding the others. */
  column<K extends keyof S['columns'] & string>(
    name: K,
    start?: number,
    end?: number,
  ): Promise<ColumnValues<S['columns'][K]['type']>>;
}

export interface ShardWriter<S extends ShardSchema = ShardSchema> {
  readonly schema: S;
  /** Appends one row; resolves when there is room for the next (memory holds one record batch). */
  append(row: Row<S>): Promise<void>;
}
