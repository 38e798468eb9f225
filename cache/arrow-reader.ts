/**
 * Reads rows and columns from any place of a shard. The footer and the small headers of the batches that are touched
 * stay in memory; values are read from the file straight into the arrays that are returned, only those asked for.
 */
import {Footer} from 'apache-arrow/ipc/metadata/file';
import type {FileBlock} from 'apache-arrow/ipc/metadata/file';
import type {RecordBatch} from 'apache-arrow/ipc/metadata/message';
import {Message} from 'apache-arrow/ipc/metadata/message';
import type {DataType} from 'apache-arrow/type';
import {arrowSchema, magic, shardFormat} from './arrow.js';
import {CacheError} from './errors.js';
import type {ColumnType, ColumnValues, Row, ShardReader, ShardSchema} from './shard.js';

/** Bytes that can be read at any place, such as a file in the pool of descriptors. */
export interface ByteSource {
  /** Where the bytes are, for messages. */
  readonly name: string;
  readonly byteCount: number;
  /** Fills `into` with the bytes from `position` on. */
  read(into: Uint8Array, position: number): Promise<void>;
}

/** Where the buffers of a record batch lie in the file. */
interface BatchLayout {
  readonly rowCount: number;
  readonly starts: readonly number[];
}

/** The rows of a request that lie in one batch: [first, end) counted within the batch. */
interface Span {
  readonly layout: BatchLayout;
  readonly first: number;
  readonly end: number;
}

interface ColumnPlace {
  readonly type: ColumnType;
  readonly width: number;
  /** Position of the column's first buffer, its validity, among the buffers of a batch. */
  readonly firstBuffer: number;
}

type Numbers = Float64Array | Float32Array | Int32Array;

/** One read usually holds the whole footer: about 0.5 KiB and 24 bytes per record batch. */
const tailBytes = 16 * 1024;

/**
 * Opens an Arrow file as a shard of the given schema.
 *
 * @throws CacheError 'bad-shard' if it is no Arrow file, or of another kind, format or set of columns.
 */
export async function openArrow<S extends ShardSchema>(source: ByteSource, schema: S): Promise<ArrowReader<S>> {
  const footer = await understood(source, async () => Footer.decode(await footerBytes(source)));
  const places = columnPlaces(source, schema, footer);
  const batches = new Batches(source, [...footer.recordBatches()], places);
  return new ArrowReader(source, schema, places, batches, await batches.measure());
}

async function footerBytes(source: ByteSource): Promise<Uint8Array> {
  const tail = await bytesAt(source, Math.max(0, source.byteCount - tailBytes), Math.min(tailBytes, source.byteCount));
  const suffixBytes = 4 + magic.byteLength;
  if (tail.byteLength < suffixBytes || !tail.subarray(-magic.byteLength).equals(magic))
    throw new Error('no Arrow file');
  const byteCount = tail.readInt32LE(tail.byteLength - suffixBytes);
  if (byteCount <= 0 || byteCount + suffixBytes > source.byteCount) throw new Error('no footer');
  return byteCount + suffixBytes <= tail.byteLength
    ? tail.subarray(tail.byteLength - suffixBytes - byteCount, tail.byteLength - suffixBytes)
    : bytesAt(source, source.byteCount - suffixBytes - byteCount, byteCount);
}

async function bytesAt(source: ByteSource, position: number, byteCount: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(byteCount);
  await source.read(bytes, position);
  return bytes;
}

/** Checks the stored schema against the asked one and finds each column's buffers. */
function columnPlaces(source: ByteSource, schema: ShardSchema, footer: Footer): Map<string, ColumnPlace> {
  const {metadata, fields} = footer.schema;
  const seen = `${metadata.get('affectflow.kind')} of format ${metadata.get('affectflow.format')}`;
  const expected = `${schema.kind} of format ${shardFormat}`;
  if (seen !== expected) throw badShard(source, `expected ${expected}, got ${seen}`);
  const widths = new Map(fields.map(({name, type}) => [name, widthOf(type as DataType)]));
  const wanted = arrowSchema(schema, (name) => widths.get(name) ?? 0).fields.map(({name, type}) => `${name}: ${type}`);
  const stored = fields.map(({name, type}) => `${name}: ${type}`);
  if (wanted.join() !== stored.join()) {
    throw badShard(source, `expected the columns ${wanted.join(', ')}, got ${stored.join(', ')}`);
  }
  const places = new Map<string, ColumnPlace>();
  let firstBuffer = 0;
  for (const [name, {type}] of Object.entries(schema.columns)) {
    places.set(name, {type, width: widths.get(name)!, firstBuffer});
    firstBuffer += type === 'text' || type === 'bytes' || type === 'f32s' ? 3 : 2;
  }
  return places;
}

function widthOf(type: DataType): number {
  return 'listSize' in type && typeof type.listSize === 'number' ? type.listSize : 1;
}

/** The record batches of a file: all but the last have as many rows as the first. */
class Batches {
  /** Headers read so far; a few numbers per column. */
  readonly #layouts = new Map<number, Promise<BatchLayout>>();
  #batchRows = 0;
  readonly #bufferCount: number;

  constructor(
    private readonly source: ByteSource,
    private readonly blocks: readonly FileBlock[],
    places: ReadonlyMap<string, ColumnPlace>,
  ) {
    this.#bufferCount = [...places.values()].reduce((sum, place) => sum + bufferCount(place.type), 0);
  }

  /** Reads the first and the last header and returns the number of rows. */
  async measure(): Promise<number> {
    if (this.blocks.length === 0) return 0;
    this.#batchRows = (await this.#layout(0)).rowCount;
    const last = await this.#layout(this.blocks.length - 1);
    return (this.blocks.length - 1) * this.#batchRows + last.rowCount;
  }

  /** Returns where rows [start, end) lie, batch by batch. */
  async *spans(start: number, end: number): AsyncIterable<Span> {
    for (let row = start; row < end;) {
      const index = Math.floor(row / this.#batchRows);
      const batchStart = index * this.#batchRows;
      const batchEnd = Math.min(end, batchStart + this.#batchRows);
      yield {layout: await this.#layout(index), first: row - batchStart, end: batchEnd - batchStart};
      row = batchEnd;
    }
  }

  #layout(index: number): Promise<BatchLayout> {
    const known = this.#layouts.get(index);
    if (known !== undefined) return known;
    const layout = this.#readLayout(this.blocks[index]!);
    this.#layouts.set(index, layout);
    // A failed read is not remembered: the disk may recover.
    layout.catch(() => this.#layouts.delete(index));
    return layout;
  }

  async #readLayout({offset, metaDataLength}: FileBlock): Promise<BatchLayout> {
    return understood(this.source, async () => {
      const prefixBytes = 8;
      const bytes = await bytesAt(this.source, offset, metaDataLength);
      const header = Message.decode(bytes.subarray(prefixBytes)).header() as RecordBatch;
      if (header.buffers.length !== this.#bufferCount) throw new Error('unexpected buffers');
      return {rowCount: header.length, starts: header.buffers.map((region) => offset + metaDataLength + region.offset)};
    });
  }
}

function bufferCount(type: ColumnType): number {
  return type === 'text' || type === 'bytes' || type === 'f32s' ? 3 : 2;
}

/** A shard that is open for reading; see ShardReader for what it gives. */
export class ArrowReader<S extends ShardSchema> implements ShardReader<S> {
  constructor(
    private readonly source: ByteSource,
    readonly schema: S,
    private readonly places: ReadonlyMap<string, ColumnPlace>,
    private readonly batches: Batches,
    readonly rowCount: number,
  ) {}

  width(column: keyof S['columns'] & string): number {
    return this.#place(column).width;
  }

  async *rows(start = 0, end = this.rowCount): AsyncIterable<Row<S>> {
    this.#checkRange(start, end);
    const names = [...this.places.keys()];
    let row = start;
    for await (const span of this.batches.spans(start, end)) {
      const next = row + span.end - span.first;
      const columns = await Promise.all(names.map((name) => this.column(name, row, next)));
      for (let index = 0; index < next - row; index++) {
        yield Object.fromEntries(names.map((name, k) => [name, this.#value(name, columns[k]!, index)])) as Row<S>;
      }
      row = next;
    }
  }

  async column<K extends keyof S['columns'] & string>(
    name: K,
    start = 0,
    end = this.rowCount,
  ): Promise<ColumnValues<S['columns'][K]['type']>> {
    this.#checkRange(start, end);
    // The one place where declared and decoded types meet: `#decode` switches on the declared type.
    return (await this.#decode(this.#place(name), start, end)) as ColumnValues<S['columns'][K]['type']>;
  }

  async #decode(place: ColumnPlace, start: number, end: number): Promise<ColumnValues<ColumnType>> {
    const count = end - start;
    switch (place.type) {
      case 'f64':
        return this.#numbers(new Float64Array(count), place, start, end);
      case 'f32':
        return this.#numbers(new Float32Array(count), place, start, end);
      case 'i32':
        return this.#numbers(new Int32Array(count), place, start, end);
      case 'f32s':
        return this.#numbers(new Float32Array(count * place.width), place, start, end);
      case 'bool':
        return this.#bools(place, start, end);
      case 'text':
        return this.#slices(place, start, end, (bytes, first, last) => bytes.toString('utf8', first, last));
      case 'bytes':
        // Copies, so that a value kept for long does not keep its whole batch, and is aligned for typed arrays.
        return this.#slices(place, start, end, (bytes, first, last) => new Uint8Array(bytes.subarray(first, last)));
    }
  }

  /** Numbers lie in the file as they lie in memory: little-endian, row after row. */
  async #numbers<A extends Numbers>(into: A, place: ColumnPlace, start: number, end: number): Promise<A> {
    const values = place.firstBuffer + (place.type === 'f32s' ? 2 : 1);
    const rowBytes = into.BYTES_PER_ELEMENT * place.width;
    let filled = 0;
    for await (const {layout, first, end: last} of this.batches.spans(start, end)) {
      const byteCount = (last - first) * rowBytes;
      const bytes = new Uint8Array(into.buffer, filled, byteCount);
      await this.source.read(bytes, layout.starts[values]! + first * rowBytes);
      filled += byteCount;
    }
    return into;
  }

  /** Bools lie in the file as bits, the first row in the lowest bit. */
  async #bools(place: ColumnPlace, start: number, end: number): Promise<Uint8Array> {
    const into = new Uint8Array(end - start);
    let filled = 0;
    for await (const {layout, first, end: last} of this.batches.spans(start, end)) {
      const firstByte = first >> 3;
      const bits = await bytesAt(
        this.source,
        layout.starts[place.firstBuffer + 1]! + firstByte,
        ((last + 7) >> 3) - firstByte,
      );
      for (let row = first; row < last; row++) into[filled++] = (bits[(row >> 3) - firstByte]! >> (row & 7)) & 1;
    }
    return into;
  }

  /** Texts and bytes lie in the file end to end, with the offset of each row's first byte beside them. */
  async #slices<T>(
    place: ColumnPlace,
    start: number,
    end: number,
    slice: (bytes: Buffer, first: number, last: number) => T,
  ): Promise<T[]> {
    const into: T[] = [];
    for await (const {layout, first, end: last} of this.batches.spans(start, end)) {
      const offsets = new Int32Array(last - first + 1);
      await this.source.read(new Uint8Array(offsets.buffer), layout.starts[place.firstBuffer + 1]! + 4 * first);
      const base = offsets[0]!;
      const bytes = await bytesAt(
        this.source,
        layout.starts[place.firstBuffer + 2]! + base,
        offsets[last - first]! - base,
      );
      for (let k = 0; k < last - first; k++) into.push(slice(bytes, offsets[k]! - base, offsets[k + 1]! - base));
    }
    return into;
  }

  #value(name: string, values: ColumnValues<ColumnType>, index: number): unknown {
    const {type, width} = this.#place(name);
    if (type === 'f32s') return (values as Float32Array).subarray(index * width, (index + 1) * width);
    return type === 'bool' ? values[index] === 1 : values[index];
  }

  #place(column: string): ColumnPlace {
    const place = this.places.get(column);
    if (place === undefined) throw new TypeError(`Expected a column of '${this.schema.kind}', got '${column}'`);
    return place;
  }

  #checkRange(start: number, end: number): void {
    if (Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= this.rowCount) return;
    throw new RangeError(`Expected rows within [0, ${this.rowCount}), got [${start}, ${end})`);
  }
}

/** Turns whatever a decoder trips over into 'bad-shard'; errors of the disk pass. */
async function understood<T>(source: ByteSource, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof CacheError || (error instanceof Error && 'syscall' in error)) throw error;
    throw badShard(source, error instanceof Error ? error.message : String(error), error);
  }
}

function badShard(source: ByteSource, seen: string, cause?: unknown): CacheError {
  return new CacheError(
    'bad-shard',
    `${source.name}: not the shard that was asked for: ${seen}`,
    'Run again: the shard is set aside and computed anew. If it returns, two versions of a stage share one name.',
    {cause},
  );
}
