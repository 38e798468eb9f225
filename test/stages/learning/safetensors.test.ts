import {readFileSync} from 'node:fs';
import {describe, expect, it} from 'vitest';
import type {Arrays} from '../../../stages/learning/program.js';
import {readSafetensors, writeSafetensors} from '../../../stages/learning/safetensors.js';

const tensors: Arrays = {
  'layer.weight': {shape: [2, 3], values: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25)},
  count: {shape: [3], values: Int32Array.of(1, -2, 2 ** 31 - 1)},
  scalar: {shape: [], values: Float32Array.of(0.5)},
  empty: {shape: [0, 4], values: new Float32Array()},
};

describe('safetensors', () => {
  it('reads what the reference implementation wrote', () => {
    const {base64} = JSON.parse(readFileSync('test/fixtures/reference/safetensors.json', 'utf8')) as {base64: string};
    const file = readSafetensors(Buffer.from(base64, 'base64'), 'fixture');
    expect(file).toEqual({tensors, metadata: {'made by': 'python'}});
  });

  it('reads back what it wrote, and writes equal bytes whatever the order of names', () => {
    const bytes = writeSafetensors({tensors, metadata: {a: 'b'}});
    expect(readSafetensors(bytes, 'ours')).toEqual({tensors, metadata: {a: 'b'}});
    const reversed = Object.fromEntries(Object.entries(tensors).reverse());
    expect(writeSafetensors({tensors: reversed, metadata: {a: 'b'}})).toEqual(bytes);
  });

  it('says what is wrong with a file that is none, is cut short, or holds another type', () => {
    const bytes = writeSafetensors({tensors, metadata: {}});
    const seen = (changed: Uint8Array) => () => readSafetensors(changed, 'weights.safetensors');
    expect(seen(bytes.subarray(0, 5))).toThrow('weights.safetensors is no readable safetensors file: it has 5 bytes');
    expect(seen(bytes.subarray(0, 40))).toThrow('its header claims');
    expect(seen(bytes.subarray(0, bytes.length - 1))).toThrow('lies outside the file');
    expect(seen(new Uint8Array(20))).toThrow('its header is not JSON');
    const half = Buffer.from(Buffer.from(bytes).toString('latin1').replace('"F32"', '"F16"'), 'latin1');
    expect(seen(half)).toThrow('has type F16');
  });
});
