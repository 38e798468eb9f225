/**
 * Arrays of NumPy: `.npy` of format version 1, 2 or 3 with float16, float32 or float64 values in C order.
 * Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
 */
import {open, type FileHandle} from 'node:fs/promises';
import {badFeatures, type FeatureRow} from './feature-row.js';
import {toFloat32} from './half.js';

const magic = '\x93NUMPY';
const convert = 'Save it with np.save(path, np.ascontiguousarray(features, dtype="<f4")).';
/** Bytes that are read at once. */
const blockBytes = 2 ** 20;

interface Header {
  readonly type: '<f2' | '<f4' | '<f8';
  readonly rowCount: number;
  /** Values per row. */
  readonly width: number;
  /** Where the values begin. */
  readonly offset: number;
}

/**
 * Streams the rows of an array of shape [rows, values] (or [rows]: one value each).
 *
 * @throws StageError 'bad-features' for other types, orders and shapes, and for files that were cut short.
 */
export async function* readNpy(file: string): AsyncGenerator<FeatureRow, void, undefined> {
  await using handle = await open(file, 'r');
  const {type, rowCount, width, offset} = await readHeader(handle, file);
  const rowBytes = width * Number(type.slice(2));
  const {size} = await handle.stat();
  if (size !== offset + rowCount * rowBytes) {
    const seen = `${size - offset} bytes of values, where shape [${rowCount}, ${width}] of ${type} needs ${rowCount * rowBytes}`;
    throw badFeatures(file, seen, 'The file was cut short or is another array; write or copy it again.');
  }
  const rowsAtOnce = Math.max(1, Math.floor(blockBytes / Math.max(1, rowBytes)));
  for (let row = 0; row < rowCount; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rowCount - row);
    const bytes = new Uint8Array(count * rowBytes);
    await handle.read(bytes, 0, bytes.length, offset + row * rowBytes);
    const values = toFloat32(bytes, type);
    for (let k = 0; k < count; k++) yield {key: undefined, values: values.slice(k * width, (k + 1) * width)};
  }
}

async function readHeader(handle: FileHandle, file: string): Promise<Header> {
  const start = await readBytes(handle, 0, 12);
  if (start.toString('latin1', 0, 6) !== magic)
    throw badFeatures(file, `it is ${kindOf(start)}, no .npy file`, convert);
  const version = start[6]!;
  if (version < 1 || version > 3) throw badFeatures(file, `its .npy format has version ${version}`, convert);
  const [lengthBytes, length] = version === 1 ? [2, start.readUInt16LE(8)] : [4, start.readUInt32LE(8)];
  const text = (await readBytes(handle, 8 + lengthBytes, length)).toString('utf8');
  return {...parseHeader(text, file), offset: 8 + lengthBytes + length};
}

async function readBytes(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const {buffer} = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer;
}

function kindOf(start: Buffer): string {
  if (start.toString('latin1', 0, 2) === 'PK') return 'a zip archive (.npz?)';
  return start[0] === 0x80 ? 'a Python pickle' : 'another kind of file';
}

/** The header is a literal of Python: {'descr': '<f4', 'fortran_order': False, 'shape': (300, 512), }. */
function parseHeader(text: string, file: string): Omit<Header, 'offset'> {
  const type = /'descr':\s*'([^']*)'/.exec(text)?.[1] ?? 'a record';
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (shapeText === undefined) throw badFeatures(file, `its header says ${text.trim().slice(0, 80)}`, convert);
  const shape = shapeText
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number);
  const seen = `an array of shape (${shape.join(', ')}) and type ${type}`;
  if (!isReadable(type)) throw badFeatures(file, `${seen}; readable are <f2, <f4 and <f8`, convert);
  if (/'fortran_order':\s*True/.test(text)) throw badFeatures(file, `${seen} in Fortran order`, convert);
  if (shape.length < 1 || shape.length > 2) {
    throw badFeatures(file, seen, 'Save one row per frame: shape (frames, values).');
  }
  return {type, rowCount: shape[0]!, width: shape[1] ?? 1};
}

function isReadable(type: string): type is Header['type'] {
  return type === '<f2' || type === '<f4' || type === '<f8';
}
