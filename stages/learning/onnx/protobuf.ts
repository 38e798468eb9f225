/**
 * A small protobuf codec. A message is declared once as a table of fields, and the table both writes and reads it.
 * Fields the table does not know are kept as bytes and written back, so that editing a file loses nothing.
 * Source: protobuf.dev/programming-guides/encoding.
 */

/** Wire types that still occur: varint, 8 bytes, length-delimited, 4 bytes. */
type Wire = 0 | 1 | 2 | 5;

/** How one value is written after its tag, and read back. */
export interface Codec<T> {
  readonly wire: Wire;
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

interface Field {
  readonly number: number;
  readonly codec: Codec<unknown>;
  readonly repeated: boolean;
  readonly packed: boolean;
}

declare const fieldType: unique symbol;

/** A field whose property holds a `T`; the type exists only so that a table is checked against its interface. */
export interface FieldOf<T> extends Field {
  readonly [fieldType]?: (value: T) => T;
}

/** The table of a message: one field for each property of its interface. */
export type Fields<T> = {readonly [K in Exclude<keyof T, 'unknownFields'>]-?: FieldOf<NonNullable<T[K]>>};

/** What every message may carry: fields that its table does not declare, tags included. */
export interface Message {
  unknownFields?: Uint8Array[];
}

/** Declares a field that occurs at most once. */
export const one = <T>(number: number, codec: Codec<T>): FieldOf<T> => ({
  number,
  codec,
  repeated: false,
  packed: false,
});
/** Declares a repeated field, one tag for each value. */
export const many = <T>(number: number, codec: Codec<T>): FieldOf<T[]> => ({
  number,
  codec,
  repeated: true,
  packed: false,
});
/** Declares a repeated field of numbers behind one tag; unpacked ones are read as well. */
export const packed = (number: number, codec: Codec<number>): FieldOf<number[]> => ({
  number,
  codec,
  repeated: true,
  packed: true,
});

export const integer: Codec<number> = {
  wire: 0,
  write: (writer, value) => writer.varint(value),
  read: (reader) => reader.integer(),
};
export const float: Codec<number> = {
  wire: 5,
  write: (writer, value) => writer.copy(new Uint8Array(Float32Array.of(value).buffer)),
  read: (reader) => reader.view(4).getFloat32(0, true),
};
export const double: Codec<number> = {
  wire: 1,
  write: (writer, value) => writer.copy(new Uint8Array(Float64Array.of(value).buffer)),
  read: (reader) => reader.view(8).getFloat64(0, true),
};
export const bytes: Codec<Uint8Array> = {
  wire: 2,
  write: (writer, value) => {
    writer.varint(value.length);
    writer.copy(value);
  },
  read: (reader) => reader.take(reader.integer()),
};
export const text: Codec<string> = {
  wire: 2,
  write: (writer, value) => {
    writer.nested(() => {
      writer.text(value);
    });
  },
  read: (reader) => new TextDecoder().decode(reader.take(reader.integer())),
};

/** Declares a message; `fields` is a function, because messages may contain themselves. */
export function message<T extends object>(fields: () => Fields<T>): Codec<T> {
  return {
    wire: 2,
    write(writer, value) {
      writer.nested(() => {
        writeFields(writer, fields(), value);
      });
    },
    read: (reader) => readFields(new Reader(reader.take(reader.integer())), fields()),
  };
}

/** Encodes a message that is a whole file. */
export function encode<T extends object>(fields: Fields<T>, value: T): Uint8Array {
  const writer = new Writer();
  writeFields(writer, fields, value);
  return writer.finish();
}

/** Decodes a message that is a whole file. Byte fields are views of `data`. Throws RangeError where it is cut short. */
export function decode<T extends object>(fields: Fields<T>, data: Uint8Array): T {
  return readFields(new Reader(data), fields);
}

function writeFields<T extends object>(writer: Writer, fields: Fields<T>, value: T): void {
  const values = value as Message & Readonly<Record<string, unknown>>;
  for (const [name, declared] of Object.entries<Field>(fields)) {
    const {number, codec, repeated} = declared;
    const present = values[name];
    if (present === undefined) continue;
    const list = repeated ? (present as readonly unknown[]) : [present];
    if (declared.packed && list.length > 0) {
      writer.varint(number * 8 + 2);
      writer.nested(() => {
        for (const item of list) codec.write(writer, item);
      });
    } else {
      for (const item of list) {
        writer.varint(number * 8 + codec.wire);
        codec.write(writer, item);
      }
    }
  }
  for (const unknown of values.unknownFields ?? []) writer.copy(unknown);
}

function readFields<T extends object>(reader: Reader, fields: Fields<T>): T {
  const result: Record<string, unknown> = {};
  const byNumber = new Map(
    Object.entries<Field>(fields).map(([name, declared]) => [declared.number, {name, declared}]),
  );
  for (const {name, declared} of byNumber.values()) if (declared.repeated) result[name] = [];
  while (!reader.done) {
    const start = reader.position;
    const tag = reader.integer();
    const known = byNumber.get(Math.floor(tag / 8));
    if (known === undefined) {
      reader.skip(tag % 8);
      ((result['unknownFields'] ??= []) as Uint8Array[]).push(reader.since(start));
      continue;
    }
    const {name, declared} = known;
    const values = readValues(reader, declared.codec, tag % 8);
    if (declared.repeated) (result[name] as unknown[]).push(...values);
    else result[name] = values.at(-1);
  }
  return result as T;
}

/** One value, or all values of a packed run. */
function readValues(reader: Reader, codec: Codec<unknown>, wire: number): unknown[] {
  if (wire === codec.wire) return [codec.read(reader)];
  const run = new Reader(reader.take(reader.integer()));
  const values: unknown[] = [];
  while (!run.done) values.push(codec.read(run));
  return values;
}

/** Bytes longer than this are referred to while writing, and copied only once. */
const COPY_LIMIT_BYTES = 1024;

class Writer {
  /** What was written before the buffer. */
  readonly #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #buffer = Buffer.allocUnsafe(65536);
  #used = 0;

  varint(value: number): void {
    // Negative numbers are ten bytes of two's complement; 2⁶³ is what INT64_MAX becomes as a double.
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) return this.#wide(value);
    for (const byte of varintBytes(value)) this.#byte(byte);
  }

  #wide(value: number): void {
    let rest = BigInt.asUintN(64, value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value));
    while (rest > 0x7fn) {
      this.#byte(Number(rest & 0x7fn) + 128);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
  }

  text(value: string): void {
    this.#reserve(3 * value.length);
    this.#used += this.#buffer.write(value, this.#used);
  }

  copy(data: Uint8Array): void {
    if (data.length > COPY_LIMIT_BYTES) {
      this.#flush();
      this.#push(data);
      return;
    }
    this.#reserve(data.length);
    this.#buffer.set(data, this.#used);
    this.#used += data.length;
  }

  /** Writes the length of what `write` writes, then that. */
  nested(write: () => void): void {
    const [chunk, start, before] = [this.#chunks.length, this.#used, this.#size];
    // Room for the length, which nearly always is short.
    this.#byte(0);
    write();
    const length = varintBytes(this.#size - before - 1);
    if (this.#chunks.length === chunk) {
      this.#reserve(length.length);
      this.#buffer.copyWithin(start + length.length, start + 1, this.#used);
      this.#buffer.set(length, start);
      this.#used += length.length - 1;
    } else {
      const whole = this.#chunks[chunk]!;
      this.#chunks.splice(chunk, 1, whole.subarray(0, start), Uint8Array.from(length), whole.subarray(start + 1));
      this.#chunkBytes += length.length - 1;
    }
  }

  finish(): Uint8Array {
    this.#flush();
    const result = new Uint8Array(this.#size);
    let offset = 0;
    for (const chunk of this.#chunks) {
      result.set(chunk, offset);
      offset += chunk.length;
    }
    return result;
  }

  get #size(): number {
    return this.#chunkBytes + this.#used;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#used++] = value;
  }

  #reserve(length: number): void {
    if (this.#used + length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#used + length));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }

  #flush(): void {
    this.#push(new Uint8Array(this.#buffer.subarray(0, this.#used)));
    this.#used = 0;
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
  }
}

/** Seven bits in each byte, the lowest first; the eighth bit says that more follow. */
function varintBytes(value: number): readonly number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varintBytes(Math.floor(value / 128))];
}

class Reader {
  position = 0;

  constructor(readonly data: Uint8Array) {}

  get done(): boolean {
    return this.position >= this.data.length;
  }

  /** A signed 64-bit integer, as near as a double can hold it. */
  integer(): number {
    let value = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 128) return value;
    }
    let wide = BigInt(value);
    for (let shift = 49n; ; shift += 7n) {
      const byte = this.#byte();
      wide |= BigInt(byte & 0x7f) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, wide));
    }
  }

  take(length: number): Uint8Array {
    const end = this.position + length;
    if (length < 0 || end > this.data.length) {
      throw new RangeError(`Expected ${String(length)} more bytes, got ${String(this.data.length - this.position)}`);
    }
    const taken = this.data.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  view(length: number): DataView {
    const taken = this.take(length);
    return new DataView(taken.buffer, taken.byteOffset, length);
  }

  since(start: number): Uint8Array {
    return this.data.subarray(start, this.position);
  }

  skip(wire: number): void {
    if (wire === 0) this.integer();
    else if (wire === 1) this.take(8);
    else if (wire === 2) this.take(this.integer());
    else if (wire === 5) this.take(4);
    else throw new RangeError(`Expected a wire type of 0, 1, 2 or 5, got ${String(wire)}`);
  }

  #byte(): number {
    const byte = this.data[this.position++];
    if (byte === undefined) throw new RangeError('Expected more bytes, got the end of the data');
    return byte;
  }
}
