import {createHash} from 'node:crypto';

/** Bytes that do not compress and are the same in every run. */
export function incompressible(length: number): Buffer {
  const blocks = Array.from({length: Math.ceil(length / 32)}, (_, index) =>
    createHash('sha256').update(String(index)).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}
