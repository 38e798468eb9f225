/**
 * Buffers that hold the rows of one record batch, one per column, in the memory layout of Arrow. Checking a value and
 * storing it are separate, so that a refused row leaves no trace.
 */
import type {ColumnType} from './shard.js';

/** The rows of one column, as Arrow stores them. */
export interface ColumnBatch {
  /** Length of the column's node and, for a vector, of its child's. */
  readonly nodeLengths: readonly number[];
  /** Validity buffers (always empty: nothing is null), offsets and values, in Arrow's order. */
  readonly buffers: readonly Uint8Array[];
}

export interface ColumnBuffer {
  /** Says what was expected where a value does not fit the column; undefined where it does. */
  refuse(value: unknown): string | undefined;
  /** Stores a value that was not refused. */
  push(value: unknown): void;
  /** Hands over the values stored so far and starts afresh. */
  take(): ColumnBatch;
  /** Vector length of an `f32s` column, 0 before its first row; 1 for all others. */
  readonly width: number;
}

/** Arrow's 32-bit offsets address this many bytes of text or bytes per record batch. */
const mostBytesPerBatch = 2 ** 31 - 1;

const noValidity = new Uint8Array(0);

/** Returns an empty buffer for a column, with room for one record batch. */
export function columnBuffer(type: ColumnType, batchRows: number): ColumnBuffer {
  switch (type) {
    case 'f64':
      return new NumberBuffer(() => new Float64Array(batchRows), refuseNumber);
    case 'f32':
      return new NumberBuffer(() => new Float32Array(batchRows), refuseFloat32);
    case 'i32':
      return new NumberBuffer(() => new Int32Array(batchRows), refuseInt32);
    case 'bool':
      return new BoolBuffer(batchRows);
    case 'f32s':
      return new VectorBuffer(batchRows);
    case 'text':
      return new BytesBuffer(batchRows, refuseText, (value) => Buffer.from(value as string, 'utf8'));
    case 'bytes':
      return new BytesBuffer(batchRows, refuseBytes, (value) => value as Uint8Array);
  }
}

class NumberBuffer implements ColumnBuffer {
  readonly width = 1;
  #values: Float64Array | Float32Array | Int32Array | undefined;
  #count = 0;

  constructor(
    private readonly room: () => Float64Array | Float32Array | Int32Array,
    readonly refuse: (value: unknown) => string | undefined,
  ) {}

  push(value: unknown): void {
    this.#values ??= this.room();
    // One bit pattern for every NaN, so that equal rows give equal bytes.
    this.#values[this.#count++] = Number.isNaN(value) ? NaN : (value as number);
  }

  take(): ColumnBatch {
    const batch = {nodeLengths: [this.#count], buffers: [noValidity, bytesOf(this.#values?.subarray(0, this.#count))]};
    this.#values = undefined;
    this.#count = 0;
    return batch;
  }
}

class BoolBuffer implements ColumnBuffer {
  readonly width = 1;
  #bits: Uint8Array | undefined;
  #count = 0;

  constructor(private readonly batchRows: number) {}

  refuse(value: unknown): string | undefined {
    return typeof value === 'boolean' ? undefined : 'true or false';
  }

  push(value: unknown): void {
    this.#bits ??= new Uint8Array(Math.ceil(this.batchRows / 8));
    if (value === true) this.#bits[this.#count >> 3]! |= 1 << (this.#count & 7);
    this.#count++;
  }

  take(): ColumnBatch {
    const bytes = this.#bits?.subarray(0, Math.ceil(this.#count / 8));
    const batch = {nodeLengths: [this.#count], buffers: [noValidity, bytesOf(bytes)]};
    this.#bits = undefined;
    this.#count = 0;
    return batch;
  }
}

class VectorBuffer implements ColumnBuffer {
  width = 0;
  #values: Float32Array | undefined;
  #count = 0;

  constructor(private readonly batchRows: number) {}

  refuse(value: unknown): string | undefined {
    if (!(value instanceof Float32Array)) return 'a Float32Array';
    if (value.length === 0) return 'a vector of at least one value';
    if (this.width !== 0 && value.length !== this.width) return `a vector of ${this.width} values like the first row's`;
    for (let index = 0; index < value.length; index++) {
      if (!Number.isFinite(value[index])) return `finite values, but the value at ${index} is ${value[index]}`;
    }
    return undefined;
  }

  push(value: unknown): void {
    const vector = value as Float32Array;
    this.width = vector.length;
    this.#values ??= new Float32Array(this.batchRows * this.width);
    this.#values.set(vector, this.#count * this.width);
    this.#count++;
  }

  take(): ColumnBatch {
    const length = this.#count * this.width;
    const values = bytesOf(this.#values?.subarray(0, length));
    const batch = {nodeLengths: [this.#count, length], buffers: [noValidity, noValidity, values]};
    this.#values = undefined;
    this.#count = 0;
    return batch;
  }
}

class BytesBuffer implements ColumnBuffer {
  readonly width = 1;
  #offsets: Int32Array | undefined;
  #bytes: Uint8Array = noValidity;
  #count = 0;
  #size = 0;

  constructor(
    private readonly batchRows: number,
    private readonly refuseType: (value: unknown) => string | undefined,
    private readonly encode: (value: unknown) => Uint8Array,
  ) {}

  refuse(value: unknown): string | undefined {
    const reason = this.refuseType(value);
    if (reason !== undefined) return reason;
    const room = mostBytesPerBatch - this.#size;
    const size = typeof value === 'string' ? Buffer.byteLength(value, 'utf8') : (value as Uint8Array).byteLength;
    return size <= room ? undefined : `at most ${room} more bytes in this record batch`;
  }

  push(value: unknown): void {
    const bytes = this.encode(value);
    this.#offsets ??= new Int32Array(this.batchRows + 1);
    this.#makeRoom(this.#size + bytes.byteLength);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.byteLength;
    this.#offsets[++this.#count] = this.#size;
  }

  #makeRoom(size: number): void {
    if (size <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(size, Math.min(2 * this.#bytes.byteLength, mostBytesPerBatch), 1024));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }

  take(): ColumnBatch {
    const offsets = bytesOf(this.#offsets?.subarray(0, this.#count + 1));
    const bytes = this.#bytes.subarray(0, this.#size);
    const batch = {nodeLengths: [this.#count], buffers: [noValidity, offsets, bytes]};
    this.#offsets = undefined;
    this.#bytes = noValidity;
    this.#count = 0;
    this.#size = 0;
    return batch;
  }
}

function refuseNumber(value: unknown): string | undefined {
  return typeof value === 'number' ? undefined : 'a number';
}

function refuseFloat32(value: unknown): string | undefined {
  if (typeof value !== 'number') return 'a number';
  return Number.isFinite(value) && !Number.isFinite(Math.fround(value))
    ? 'a number in the range of float32'
    : undefined;
}

function refuseInt32(value: unknown): string | undefined {
  return Number.isInteger(value) && (value as number) === ((value as number) | 0) ? undefined : 'a 32-bit integer';
}

function refuseText(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'a text';
  // With the u flag, \p{Surrogate} finds those without a partner; UTF-8 cannot hold them.
  return /\p{Surrogate}/u.test(value) ? 'a text without lone surrogates' : undefined;
}

function refuseBytes(value: unknown): string | undefined {
  return value instanceof Uint8Array ? undefined : 'a Uint8Array';
}

function bytesOf(view: ArrayBufferView | undefined): Uint8Array {
  return view === undefined ? noValidity : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
