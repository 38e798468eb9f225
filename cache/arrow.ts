/**
 * Rows to the bytes of an Arrow IPC file. Types come from the declared schema, batches have a fixed number of rows,
 * and nothing else enters, so equal rows give equal bytes (D7). The messages are framed here, not by Arrow's
 * RecordBatchFileWriter, for two reasons: that one leaves out the schema message with which the file format must start
 * (readers that stream a file need it), and it queues bytes where we must know when they reached the disk.
 */
import {MetadataVersion} from 'apache-arrow/enum';
import {FileBlock, Footer} from 'apache-arrow/ipc/metadata/file';
import {BufferRegion, FieldNode, Message, RecordBatch} from 'apache-arrow/ipc/metadata/message';
import {Field, Schema} from 'apache-arrow/schema';
import type {DataType} from 'apache-arrow/type';
import {Binary, Bool, FixedSizeList, Float32, Float64, Int32, Utf8} from 'apache-arrow/type';
import type {ColumnBatch, ColumnBuffer} from './column-buffers.js';
import {columnBuffer} from './column-buffers.js';
import {CacheError} from './errors.js';
import type {Column, Row, ShardSchema} from './shard.js';

/** Grows when the same rows would be written as other bytes; stands in the schema's metadata. */
export const shardFormat = 1;

export const magic = Buffer.from('ARROW1');

/** Bodies and metadata are padded to multiples of this, as the format demands. */
const alignmentBytes = 8;

/** Marks a message of today's format, as opposed to that before Arrow 0.15. */
const continuation = -1;

/** Returns the Arrow schema of a shard whose vectors have the given widths. Units travel with the columns. */
export function arrowSchema(schema: ShardSchema, widthOf: (column: string) => number): Schema {
  const fields = Object.entries(schema.columns).map(
    ([name, column]) => new Field(name, arrowType(column, widthOf(name)), false, new Map([['unit', column.unit]])),
  );
  const metadata = new Map([
    ['affectflow.kind', schema.kind],
    ['affectflow.format', String(shardFormat)],
  ]);
  return new Schema(fields, metadata);
}

function arrowType(column: Column, width: number): DataType {
  switch (column.type) {
    case 'f64':
      return new Float64();
    case 'f32':
      return new Float32();
    case 'i32':
      return new Int32();
    case 'bool':
      return new Bool();
    case 'text':
      return new Utf8();
    case 'bytes':
      return new Binary();
    case 'f32s':
      return new FixedSizeList(width, new Field('item', new Float32(), false));
  }
}

/** Encodes rows, handing out bytes whenever a record batch is full. Holds one record batch. */
export class ArrowEncoder<S extends ShardSchema> {
  readonly #buffers: readonly (readonly [string, ColumnBuffer])[];
  readonly #blocks: FileBlock[] = [];
  #position = 0;
  #rowCount = 0;

  constructor(readonly schema: S) {
    this.#buffers = Object.entries(schema.columns).map(([name, {type}]) => [
      name,
      columnBuffer(type, schema.batchRows),
    ]);
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /**
   * Takes one row and returns the bytes that are ready to be written, often none.
   *
   * @throws CacheError 'bad-row' if the row does not fit the schema; the rows before it stay.
   */
  append(row: Row<S>): Uint8Array[] {
    const values: Readonly<Record<string, unknown>> = row;
    this.#check(values);
    for (const [name, buffer] of this.#buffers) buffer.push(values[name]);
    return ++this.#rowCount % this.schema.batchRows === 0 ? this.#batch(this.schema.batchRows) : [];
  }

  /** Returns the bytes that complete the file. */
  finish(): Uint8Array[] {
    const rest = this.#rowCount % this.schema.batchRows;
    const chunks = rest > 0 ? this.#batch(rest) : this.#head();
    const footer = Footer.encode(new Footer(this.#arrowSchema(), MetadataVersion.V5, this.#blocks, []));
    return [...chunks, int32s(continuation, 0), footer, int32s(footer.byteLength), magic];
  }

  #check(values: Readonly<Record<string, unknown>>): void {
    for (const [name, buffer] of this.#buffers) {
      const expected = buffer.refuse(values[name]);
      if (expected !== undefined) throw this.#badRow(name, `expected ${expected}, got ${describe(values[name])}`);
    }
    const names = Object.keys(values);
    if (names.length === this.#buffers.length) return;
    throw this.#badRow(
      names.find((name) => !Object.hasOwn(this.schema.columns, name))!,
      'no such column is declared',
    );
  }

  #badRow(column: string, seen: string): CacheError {
    const remedy = seen.startsWith('expected finite values')
      ? 'Networks give such numbers where they overflow, mostly in half precision, or where their weights are damaged: take another file of the network.'
      : 'The stage that writes this shard does not keep to its schema in stages/schemas.ts; correct the stage.';
    const message = `shard '${this.schema.kind}', row ${this.#rowCount}, column '${column}': ${seen}`;
    return new CacheError('bad-row', message, remedy);
  }

  #arrowSchema(): Schema {
    const widths = new Map(this.#buffers.map(([name, buffer]) => [name, buffer.width]));
    return arrowSchema(this.schema, (name) => widths.get(name) ?? 0);
  }

  /** The start of the file; it needs the widths, which the first row tells. */
  #head(): Uint8Array[] {
    if (this.#position > 0) return [];
    const chunks = [magic, new Uint8Array(2), ...framed(Message.encode(Message.from(this.#arrowSchema())))];
    this.#position = byteLength(chunks);
    return chunks;
  }

  #batch(rows: number): Uint8Array[] {
    const head = this.#head();
    const {header, body} = recordBatch(
      rows,
      this.#buffers.map(([, buffer]) => buffer.take()),
    );
    const bodyBytes = byteLength(body);
    const message = framed(Message.encode(Message.from(header, bodyBytes)));
    this.#blocks.push(new FileBlock(byteLength(message), bodyBytes, this.#position));
    this.#position += byteLength(message) + bodyBytes;
    return [...head, ...message, ...body];
  }
}

function recordBatch(rows: number, columns: readonly ColumnBatch[]): {header: RecordBatch; body: Uint8Array[]} {
  const nodes = columns.flatMap(({nodeLengths}) => nodeLengths.map((length) => new FieldNode(length, 0)));
  const regions: BufferRegion[] = [];
  const body: Uint8Array[] = [];
  let offset = 0;
  for (const buffer of columns.flatMap(({buffers}) => buffers)) {
    regions.push(new BufferRegion(offset, buffer.byteLength));
    body.push(...padded(buffer));
    offset += aligned(buffer.byteLength);
  }
  return {header: new RecordBatch(rows, nodes, regions, null), body};
}

/** A message's metadata with the prefix and the padding of the format: marker, length, flatbuffer. */
function framed(metadata: Uint8Array): Uint8Array[] {
  const prefixBytes = 8;
  const length = aligned(prefixBytes + metadata.byteLength) - prefixBytes;
  return [int32s(continuation, length), metadata, new Uint8Array(length - metadata.byteLength)];
}

function padded(bytes: Uint8Array): Uint8Array[] {
  const padding = aligned(bytes.byteLength) - bytes.byteLength;
  return padding === 0 ? [bytes] : [bytes, new Uint8Array(padding)];
}

/** Not a bit mask: that would end at 2 GiB. */
function aligned(byteCount: number): number {
  return Math.ceil(byteCount / alignmentBytes) * alignmentBytes;
}

function int32s(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeInt32LE(value, 4 * index));
  return bytes;
}

function byteLength(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

/** Says what a refused value is, without printing a whole vector. */
function describe(value: unknown): string {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`;
  return value === undefined || value === null ? String(value) : `${String(value)} (${typeof value})`;
}
