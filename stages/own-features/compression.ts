/** How tables are compressed by the programs that write them, beyond what their readers know. */
import zlib from 'node:zlib';
import {unpackLz4, unpackLz4Frame} from './lz4.js';

type Unpack = (packed: Uint8Array) => Uint8Array;

/** Polars writes Parquet with it. Node has it from 22.15 and 23.8 on. */
const zstd: Unpack = (packed) => {
  const {zstdDecompressSync: unpack} = zlib as {zstdDecompressSync?: Unpack};
  if (unpack === undefined) throw new Error('Zstandard is read by Node 22.15 and later alone');
  return unpack(packed);
};

/** By the names of Parquet. */
export const parquetCompressors = {
  GZIP: (packed: Uint8Array) => zlib.gunzipSync(packed),
  BROTLI: (packed: Uint8Array) => zlib.brotliDecompressSync(packed),
  ZSTD: zstd,
  LZ4_RAW: unpackLz4,
};

/** By the names of Arrow. pandas and pyarrow write Feather with LZ4 unless they are told otherwise. */
export const arrowCodecs = {LZ4_FRAME: {decode: unpackLz4Frame}, ZSTD: {decode: zstd}};
