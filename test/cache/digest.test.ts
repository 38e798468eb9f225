import {writeFileSync} from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import {expect, test} from 'vitest';
import {
  canonicalJson,
  digestOf,
  digestOfFile,
  digestOfText,
  digestOfValue,
  Digester,
  isDigest,
} from '../../cache/digest.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

/** Plain JSON values as they come out of a parser: strings in NFC, no −0. */
const json = fc.jsonValue({stringUnit: 'binary'}).map((value) => normalised(value));

function normalised(value: unknown): unknown {
  if (typeof value === 'string') return value.normalize('NFC');
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(normalised);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.normalize('NFC'), normalised(item)]));
}

function reversedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversedKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversedKeys(item)]),
  );
}

test('a digest is xxh64 with seed 0 and then with seed 1', () => {
  // The reference values of xxHash 0.8 (xxhsum -H1), computed with python-xxhash.
  expect(digestOfText('')).toBe('ef46db3751d8e999d5afba1336a3be4b');
  expect(digestOfText('abc')).toBe('44bc2cf5ad770999bea9ca8199328908');
  expect(isDigest(digestOfText('abc'))).toBe(true);
  expect(isDigest('44BC')).toBe(false);
});

test('the pieces in which bytes arrive do not matter', () => {
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 300}), fc.nat(300), (bytes, cut) => {
      const digester = new Digester().update(bytes.subarray(0, cut)).update(bytes.subarray(cut));
      expect(digester.digest()).toBe(digestOf(bytes));
    }),
  );
  const large = new Uint8Array(3_000_000).map((_, index) => index * 31);
  expect(new Digester().update(large.subarray(0, 7)).update(large.subarray(7)).digest()).toBe(digestOf(large));
});

test('a file has the digest of its bytes', async () => {
  const folder = temporaryFolder();
  const bytes = new Uint8Array(2_500_000).map((_, index) => index * 17);
  writeFileSync(path.join(folder, 'file'), bytes);
  expect(await digestOfFile(path.join(folder, 'file'))).toBe(digestOf(bytes));
});

test('the order of keys does not matter', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(canonicalJson(reversedKeys(value))).toBe(canonicalJson(value));
    }),
  );
  expect(canonicalJson({b: [1, {d: null, c: 'x'}], a: true})).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}');
});

test('the text says all of the value: parsing it gives the value back, so different values have different texts', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(value);
    }),
  );
});

test('the two spellings of an accented letter, and of zero, are one', () => {
  expect(canonicalJson({'caf\u0065\u0301': 'e\u0301', x: -0})).toBe(canonicalJson({'caf\u00e9': '\u00e9', x: 0}));
});

test.each([
  [{a: undefined}, '$.a'],
  [[1, NaN], '$[1]'],
  [{a: [Infinity]}, '$.a[0]'],
  [{a: 1n}, '$.a'],
  [() => 1, '$'],
  [{a: new Date(0)}, '$.a'],
  [{a: new Map()}, '$.a'],
  [new Float32Array(1), '$'],
  [{[Symbol('s')]: 1}, '$'],
  [{'e\u0301': 1, '\u00e9': 2}, '$'],
  [[1, , 2], '$[1]'],
])('what JSON cannot say is refused with its place: %o', (value, place) => {
  expect(() => canonicalJson(value)).toThrow(TypeError);
  expect(() => canonicalJson(value)).toThrow(`Expected plain JSON data at ${place}, got `);
});

test('a cycle is refused, the same object in two places is not', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  expect(() => canonicalJson(cycle)).toThrow('at $.self, got a cycle');
  const shared = {a: 1};
  expect(canonicalJson([shared, shared])).toBe('[{"a":1},{"a":1}]');
});

test('equal values of different record types have different digests, and a tag cannot run into its value', () => {
  const digests = ['task', 'params', ''].map((tag) => digestOfValue(tag, {a: 1}));
  expect(new Set(digests).size).toBe(3);
  expect(() => digestOfValue('a\0', 1)).toThrow(TypeError);
  expect(digestOfValue('task', {a: 1})).toBe(digestOfText('task\0{"a":1}'));
});
