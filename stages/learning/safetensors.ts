/**
 * Weights as safetensors: eight bytes with the length of a JSON header, the header, then raw little-endian values.
 * Format: https://github.com/huggingface/safetensors.
 */
import {StageError} from '../errors.js';
import type {ArrayValue, Arrays} from './program.js';

/** Readers reject larger headers as malicious; so does the reference implementation. */
const MAXIMUM_HEADER_BYTES = 100_000_000;

export interface SafetensorsFile {
  readonly tensors: Arrays;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Writes tensors in order of their names, so that equal tensors give equal bytes. */
export function writeSafetensors(file: SafetensorsFile): Uint8Array {
  return Buffer.concat(safetensorsParts(file));
}

/** The same bytes in parts that share memory with the tensors: the header, then one part per tensor. */
export function safetensorsParts({tensors, metadata}: SafetensorsFile): Uint8Array[] {
  const names = Object.keys(tensors).sort();
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? {__metadata__: metadata} : {};
  let offset = 0;
  for (const name of names) {
    const {shape, values} = tensors[name]!;
    header[name] = {dtype: dtypeOf(values), shape, data_offsets: [offset, (offset += values.byteLength)]};
  }
  return [headerBytes(header), ...names.map((name) => bytesOf(tensors[name]!.values))];
}

/** The header with its length in front; spaces keep the values aligned to eight bytes, as the reference code does. */
function headerBytes(header: Record<string, unknown>): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

const bytesOf = ({buffer, byteOffset, byteLength}: ArrayValue['values']): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/**
 * Reads F32 and I32 tensors whose names are wanted; any other content, or a file cut short, is a `bad-weights` error.
 */
export function readSafetensors(
  bytes: Uint8Array,
  source: string,
  isWanted: (name: string) => boolean = () => true,
): SafetensorsFile {
  const header = headerOf(bytes, source);
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const tensors: Arrays = {};
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') metadata = entry as Record<string, string>;
    else if (isWanted(name)) tensors[name] = tensorOf(bytes, start, {name, entry: entry as Entry, source});
  }
  return {tensors, metadata};
}

function headerOf(bytes: Uint8Array, source: string): Record<string, unknown> {
  if (bytes.length < 8) throw bad(source, `it has ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAXIMUM_HEADER_BYTES, bytes.length - 8)))
    throw bad(source, `its header claims ${length} bytes`);
  try {
    return JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(bytes.subarray(8, 8 + Number(length)))) as Record<
      string,
      unknown
    >;
  } catch (error) {
    throw bad(source, 'its header is not JSON', error);
  }
}

function tensorOf(
  bytes: Uint8Array,
  start: number,
  {name, entry, source}: {readonly name: string; readonly entry: Entry; readonly source: string},
): ArrayValue {
  const {dtype, shape, data_offsets: offsets} = entry;
  const [begin, end] = offsets;
  if (dtype !== 'F32' && dtype !== 'I32') throw bad(source, `tensor '${name}' has type ${dtype}, not F32 or I32`);
  const size = 4 * shape.reduce((product, n) => product * n, 1);
  if (end - begin !== size || start + end > bytes.length) throw bad(source, `tensor '${name}' lies outside the file`);
  // A copy, because the values of a view may not be aligned to four bytes; `slice` of a Buffer would be a view.
  const copy = new Uint8Array(bytes.subarray(start + begin, start + end)).buffer;
  return {shape, values: dtype === 'F32' ? new Float32Array(copy) : new Int32Array(copy)};
}

const dtypeOf = (values: ArrayValue['values']): 'F32' | 'I32' => (values instanceof Float32Array ? 'F32' : 'I32');

const bad = (source: string, seen: string, cause?: unknown): StageError =>
  new StageError(
    'bad-weights',
    `${source} is no readable safetensors file: ${seen}.`,
    'Write or fetch the file again.',
    {cause},
  );
