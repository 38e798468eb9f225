import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {decodeModel, encodeModel} from '../../../../stages/learning/onnx/model.js';
import type {ModelProto} from '../../../../stages/learning/onnx/model.js';
import {
  FloatAttribute,
  nodeProto,
  tensorProto,
  tensorValues,
  valueInfo,
} from '../../../../stages/learning/onnx/tensor.js';

const model: ModelProto = {
  irVersion: 8,
  producerName: 'tests',
  graph: {
    node: [
      nodeProto('LeakyRelu', ['x'], ['y'], {attributes: {alpha: new FloatAttribute(0.5)}, name: 'a'}),
      nodeProto('Custom', ['y', ''], ['z'], {
        attributes: {axes: [-1, 0, 300, 2 ** 40], mode: 'up', count: -7},
        domain: 'd',
      }),
    ],
    name: 'graph',
    initializer: [
      tensorProto('w', {dtype: 'float32', shape: [2, 2], values: Float32Array.of(1, -2, 3.5, NaN)}),
      tensorProto('i', {dtype: 'int64', shape: [2], values: BigInt64Array.of(-1n, 2n ** 60n)}),
      tensorProto('b', {dtype: 'bool', shape: [3], values: Uint8Array.of(1, 0, 1)}),
      tensorProto('large', {dtype: 'float32', shape: [5000], values: new Float32Array(5000).fill(0.25)}),
    ],
    input: [valueInfo('x', 'float32', ['frames', 3])],
    output: [valueInfo('z', 'float32', [])],
    valueInfo: [],
  },
  opsetImport: [{domain: '', version: 18}],
  metadataProps: [{key: 'digest', value: 'äöü'}],
};

describe('an ONNX file', () => {
  test('reads back as it was written', () => {
    const decoded = decodeModel(encodeModel(model));
    expect(encodeModel(decoded)).toEqual(encodeModel(model));
    expect(decoded.graph!.node![1]!.attribute!.map(({name, i, ints}) => [name, i, ints])).toEqual([
      ['axes', undefined, [-1, 0, 300, 2 ** 40]],
      ['mode', undefined, []],
      ['count', -7, []],
    ]);
    expect(decoded.graph!.input).toEqual([
      {name: 'x', type: {tensorType: {elemType: 1, shape: {dim: [{dimParam: 'frames'}, {dimValue: 3}]}}}},
    ]);
    expect(decoded.graph!.initializer!.map(tensorValues).map(({values}) => [...values].slice(0, 4))).toEqual([
      [1, -2, 3.5, NaN],
      [-1n, 2n ** 60n],
      [1, 0, 1],
      [0.25, 0.25, 0.25, 0.25],
    ]);
  });

  test('keeps fields that the project does not know', () => {
    // Field 15 of ModelProto is training_info, field 25 of GraphProto does not exist.
    const unknown = {...model, unknownFields: [Uint8Array.of(0x7a, 2, 8, 1)]};
    unknown.graph = {...model.graph!, unknownFields: [Uint8Array.of(0xc8, 1, 5)]};
    const decoded = decodeModel(encodeModel(unknown));
    expect([decoded.unknownFields, decoded.graph!.unknownFields]).toEqual([
      unknown.unknownFields,
      unknown.graph.unknownFields,
    ]);
  });

  test('of any tensor keeps its numbers', () => {
    fc.assert(
      fc.property(fc.float32Array({maxLength: 20}), (values) => {
        const tensor = tensorProto('t', {dtype: 'float32', shape: [values.length], values});
        const decoded = decodeModel(encodeModel({graph: {initializer: [tensor]}}));
        expect(tensorValues(decoded.graph!.initializer![0]!).values).toEqual(values);
      }),
      {seed: 5, numRuns: 30},
    );
  });

  test('that is cut short is refused', () => {
    const bytes = encodeModel(model);
    expect(() => decodeModel(bytes.subarray(0, bytes.length - 3))).toThrow(
      expect.objectContaining({code: 'bad-weights'}),
    );
    expect(() => decodeModel(readFileSync(new URL(import.meta.url)))).toThrow(
      expect.objectContaining({code: 'bad-weights'}),
    );
  });

  test('whose weights lie in another file or in half precision is refused', () => {
    expect(() => tensorValues({dataType: 1, externalData: [{key: 'location', value: 'w.bin'}]})).toThrow(
      /storage is not supported/,
    );
    expect(() => tensorValues({dataType: 10, rawData: new Uint8Array(2)})).toThrow(/element type 10/);
  });
});
