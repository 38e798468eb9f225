/**
 * A digest is 128 bits of content hash: xxh64 with seed 0, then xxh64 with seed 1, as 32 hex digits (D3). It finds
 * accidents, not adversaries; model files are checked by SHA-256 as well, where they are downloaded.
 */
import {open} from 'node:fs/promises';
import xxhash from 'xxhash-wasm';
import {canonicalJson} from './canonical-json.js';

export {canonicalJson} from './canonical-json.js';

declare const digestBrand: unique symbol;

/** Digest of bytes: 32 lower-case hex digits. */
export type Digest = string & {readonly [digestBrand]: 'Digest'};

const {create64, h64Raw} = await xxhash();

/** WebAssembly memory grows to the largest buffer ever hashed in one call and never shrinks; this bounds it. */
const oneCallBytes = 1 << 20;

/** Bytes read at a time from a file that is hashed. */
const fileChunkBytes = 1 << 18;

/** Returns the digest of bytes held in memory. */
export function digestOf(bytes: Uint8Array): Digest {
  if (bytes.byteLength > oneCallBytes) return new Digester().update(bytes).digest();
  return hex(h64Raw(bytes, 0n), h64Raw(bytes, 1n));
}

/** Returns the digest of a text's UTF-8 bytes. */
export function digestOfText(text: string): Digest {
  return digestOf(Buffer.from(text, 'utf8'));
}

/**
 * Returns the digest of a value's canonical JSON, prefixed with the type of record it belongs to, so that equal values
 * of different meaning (params of a stage, a row of a table) never share a digest.
 *
 * @throws TypeError if the value is not plain JSON data, or the tag holds a zero character.
 */
export function digestOfValue(tag: string, value: unknown): Digest {
  if (tag.includes('\0')) throw new TypeError('Expected a tag without zero characters');
  return digestOfText(`${tag}\0${canonicalJson(value)}`);
}

/** Returns the digest of a file's bytes, holding 256 KiB of them; errors are those of the file system. */
export async function digestOfFile(path: string): Promise<Digest> {
  await using file = await open(path, 'r');
  const digester = new Digester();
  const chunk = Buffer.allocUnsafeSlow(fileChunkBytes);
  for (;;) {
    const {bytesRead} = await file.read(chunk, 0, fileChunkBytes, null);
    if (bytesRead === 0) return digester.digest();
    digester.update(chunk.subarray(0, bytesRead));
  }
}

/** Whether a text has the form of a digest. */
export function isDigest(text: string): text is Digest {
  return /^[0-9a-f]{32}$/.test(text);
}

/** Takes a digest of bytes that arrive in pieces; the pieces' borders do not matter. */
export class Digester {
  readonly #low = create64(0n);
  readonly #high = create64(1n);

  update(bytes: Uint8Array): this {
    for (let start = 0; start < bytes.byteLength; start += oneCallBytes) {
      const piece = bytes.subarray(start, start + oneCallBytes);
      this.#low.update(piece);
      this.#high.update(piece);
    }
    return this;
  }

  /** Returns the digest of everything so far; more may follow. */
  digest(): Digest {
    return hex(this.#low.digest(), this.#high.digest());
  }
}

function hex(first: bigint, second: bigint): Digest {
  return (first.toString(16).padStart(16, '0') + second.toString(16).padStart(16, '0')) as Digest;
}
