import * as ort from 'onnxruntime-node';
import {describe, expect, test} from 'vitest';
import {encodeModel} from '../../../../stages/learning/onnx/model.js';
import type {ModelProto} from '../../../../stages/learning/onnx/model.js';
import {BoundSession, createSession, emptyTensor, writingInPlace} from '../../../../stages/learning/onnx/session.js';
import {nodeProto, valueInfo} from '../../../../stages/learning/onnx/tensor.js';

const LENGTH = 1 << 20;

/** negative = −x and double = x + x, of a million numbers. */
const graph: ModelProto = {
  irVersion: 8,
  opsetImport: [{domain: '', version: 18}],
  graph: {
    name: 'g',
    node: [nodeProto('Neg', ['x'], ['negative']), nodeProto('Add', ['x', 'x'], ['double'])],
    input: [valueInfo('x', 'float32', [LENGTH])],
    output: ['negative', 'double'].map((name) => valueInfo(name, 'float32', [LENGTH])),
  },
};

async function bind(model: ModelProto): Promise<BoundSession> {
  return new BoundSession(await createSession(encodeModel(model), {provider: 'cpu', threads: 1}));
}

const x = (): ort.Tensor => new ort.Tensor('float32', new Float32Array(LENGTH).fill(3), [LENGTH]);
const empty = (): ort.Tensor => emptyTensor({shape: [LENGTH], dtype: 'float32'});

describe('a graph that writes in place', () => {
  test('fills the given tensors, run after run, and makes no others', async () => {
    const bound = await bind(writingInPlace(graph));
    const [negative, double] = [empty(), empty()];
    bound.feeds['x'] = x();
    Object.assign(bound.fetches, {negative, double});
    await bound.run();
    const before = process.memoryUsage().arrayBuffers;
    for (let run = 0; run < 5; run++) {
      (bound.feeds['x'].data as Float32Array).fill(run);
      const results = await bound.run();
      expect(results['negative']).toBe(negative);
      expect([negative.data[7], double.data[LENGTH - 1]]).toEqual([-run, 2 * run]);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * LENGTH);
    await bound.session.release();
  });

  test('tells of what goes wrong in a run', async () => {
    const bound = await bind(writingInPlace(graph));
    Object.assign(bound.fetches, {negative: empty(), double: empty()});
    await expect(bound.run()).rejects.toThrow("input 'x' is missing");
    bound.feeds['x'] = new ort.Tensor('float32', new Float32Array(2), [2]);
    await expect(bound.run()).rejects.toThrow('invalid dimensions');
    await bound.session.release();
  });
});

test('any other graph makes the outputs that no tensor was given for', async () => {
  const bound = await bind(graph);
  bound.feeds['x'] = x();
  Object.assign(bound.fetches, {negative: null, double: null});
  const {negative, double} = await bound.run();
  expect([negative!.data[0], double!.data[0]]).toEqual([-3, 6]);
  await bound.session.release();
});
