/**
 * LZ4: blocks, as Parquet's LZ4_RAW has them, and frames of blocks, as Arrow and Feather do.
 * Sources: "LZ4 Block Format Description" and "LZ4 Frame Format Description" 1.6 (github.com/lz4/lz4, doc/).
 */

const frameMagic = 0x184d2204;
const shortestMatch = 4;
/** A length of 15 in a token goes on in the bytes that follow, up to the first that is not 255. */
const openLength = 15;
/** Bytes of a block after unpacking, at most, by the number in the frame's header. */
const blockSizes: Readonly<Record<number, number>> = {4: 2 ** 16, 5: 2 ** 18, 6: 2 ** 20, 7: 2 ** 22};

/** Unpacks a block of which the length is known. Throws RangeError where it is damaged. */
export function unpackLz4(packed: Uint8Array, length: number): Uint8Array {
  const unpacked = new Uint8Array(length);
  if (unpackBlock(packed, unpacked, 0) !== length) throw damaged();
  return unpacked;
}

/** Unpacks a frame; its checksums are not checked. Throws RangeError where it is none, or damaged. */
export function unpackLz4Frame(packed: Uint8Array): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  if (packed.length < 7 || view.getUint32(0, true) !== frameMagic) throw damaged();
  const flags = view.getUint8(4);
  const [hasSize, hasDictionary, hasChecksums] = [flags & 8, flags & 1, flags & 16];
  const blockBytes = blockSizes[(view.getUint8(5) >> 4) & 7];
  if (blockBytes === undefined) throw damaged();
  let unpacked = new Uint8Array(blockBytes);
  let length = 0;
  for (let at = 7 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0); ;) {
    if (at + 4 > packed.length) throw damaged();
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) return unpacked.subarray(0, length);
    // A block may point back into those before it, so they are unpacked behind one another.
    if (unpacked.length < length + blockBytes) unpacked = grown(unpacked, length + blockBytes);
    const [isPacked, bytes] = [size < 2 ** 31, size % 2 ** 31];
    if (at + bytes > packed.length) throw damaged();
    const block = packed.subarray(at, at + bytes);
    if (isPacked) length = unpackBlock(block, unpacked, length);
    else {
      unpacked.set(block, length);
      length += bytes;
    }
    at += bytes + (hasChecksums ? 4 : 0);
  }
}

/** Unpacks a block to a place in `target`. Returns where it ends. */
function unpackBlock(packed: Uint8Array, target: Uint8Array, start: number): number {
  let [from, to] = [0, start];
  const longer = (length: number): number => {
    if (length < openLength) return length;
    let [sum, byte] = [length, 255];
    while (byte === 255) {
      if (from >= packed.length) throw damaged();
      sum += byte = packed[from++]!;
    }
    return sum;
  };
  while (from < packed.length) {
    const token = packed[from++]!;
    const literals = longer(token >> 4);
    if (from + literals > packed.length || to + literals > target.length) throw damaged();
    target.set(packed.subarray(from, from + literals), to);
    [from, to] = [from + literals, to + literals];
    // The last sequence is literals alone.
    if (from === packed.length) return to;
    const back = packed[from]! + 256 * (packed[from + 1] ?? 0);
    from += 2;
    const match = longer(token & 15) + shortestMatch;
    if (back === 0 || back > to || to + match > target.length) throw damaged();
    // Byte by byte: what is copied may overlap what it is copied to.
    for (const end = to + match; to < end; to++) target[to] = target[to - back]!;
  }
  return to;
}

function grown(bytes: Uint8Array, atLeast: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(atLeast, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}

const damaged = () => new RangeError('its LZ4 data are damaged');
