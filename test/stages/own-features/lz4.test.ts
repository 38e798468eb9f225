import {describe, expect, test} from 'vitest';
import {unpackLz4, unpackLz4Frame} from '../../../stages/own-features/lz4.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (unpacked: Uint8Array) => new TextDecoder().decode(unpacked);
/** Literals 'ab', then 4 + 5 bytes from 2 back; literals 'xyz12' to end. */
const block = Uint8Array.of(0x25, ...bytes('ab'), 2, 0, 0x50, ...bytes('xyz12'));
const unpacked = 'ababababab' + 'a' + 'xyz12';

describe('a block', () => {
  test('is unpacked, also where a match overlaps itself', () => {
    expect(text(unpackLz4(block, unpacked.length))).toBe(unpacked);
  });

  test('has lengths of many bytes', () => {
    const literals = 'q'.repeat(15 + 255 + 3);
    expect(text(unpackLz4(Uint8Array.of(0xf0, 255, 3, ...bytes(literals)), literals.length))).toBe(literals);
    const match = Uint8Array.of(0x1f, ...bytes('z'), 1, 0, 255, 1, 0x10, ...bytes('!'));
    expect(text(unpackLz4(match, 277))).toBe(`${'z'.repeat(1 + 4 + 15 + 256)}!`);
  });

  test.each([
    ['cut short', block.subarray(0, 6)],
    ['pointing before its beginning', Uint8Array.of(0x10, 97, 9, 0, 0x10, 98)],
    ['longer than said', Uint8Array.of(0xff, 255, 255, 255, 0)],
  ])('%s is refused', (_, damaged) => {
    expect(() => unpackLz4(damaged, unpacked.length)).toThrow('LZ4 data are damaged');
  });
});

describe('a frame', () => {
  const size = (length: number) => [length & 255, length >> 8, 0, 0];
  const frame = (flags: number, ...blocks: number[][]) =>
    Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x40 | flags, 0x40, 0, ...blocks.flat(), 0, 0, 0, 0);
  const packed = [...size(block.length), ...block];

  test('joins its blocks, which may point into those before and may be stored as they are', () => {
    const backwards = Uint8Array.of(0x01, 16, 0, 0x10, ...bytes('.'));
    const stored = [3, 0, 0, 0x80, ...bytes('raw')];
    const whole = frame(0, packed, stored, [...size(backwards.length), ...backwards]);
    expect(text(unpackLz4Frame(whole))).toBe(`${unpacked}raw${(unpacked + 'raw').slice(-16).slice(0, 5)}.`);
  });

  test('may have checksums of its blocks', () => {
    expect(text(unpackLz4Frame(frame(16, [...packed, 1, 2, 3, 4])))).toBe(unpacked);
  });

  test('that is cut short, or none, is refused', () => {
    const whole = frame(0, packed);
    for (const damaged of [whole.subarray(0, 12), whole.subarray(0, -4), bytes('no such frame')])
      expect(() => unpackLz4Frame(damaged)).toThrow('LZ4 data are damaged');
  });
});
