/** Reads a byte stream in portions of the caller's choice; the stream waits while the caller works. */
import type {Readable} from 'node:stream';

export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(stream: Readable) {
    this.#chunks = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  }

  /** The next `byteCount` bytes in an array of their own; undefined where fewer are left. */
  async read(byteCount: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(byteCount);
    let filled = 0;
    while (filled < byteCount) {
      if (this.#chunk.length === 0 && !(await this.#advance())) return undefined;
      const taken = this.#chunk.subarray(0, byteCount - filled);
      bytes.set(taken, filled);
      filled += taken.length;
      this.#chunk = this.#chunk.subarray(taken.length);
    }
    return bytes;
  }

  async #advance(): Promise<boolean> {
    const {done, value} = await this.#chunks.next();
    if (done === true) return false;
    this.#chunk = value;
    return true;
  }
}
