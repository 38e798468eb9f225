import {readFileSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {InferenceSession} from 'onnxruntime-node';
import {describe, expect, test} from 'vitest';
import {keepSessions} from '../../../../stages/learning/kept-sessions.js';
import type {ModelContract} from '../../../../stages/learning/model-contract.js';
import {openWithOutputs, readGraph, withOutputs} from '../../../../stages/learning/onnx/add-output.js';
import {
  decodeModel,
  encodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
} from '../../../../stages/learning/onnx/model.js';
import {nodeProto, tensorProto, valueInfo} from '../../../../stages/learning/onnx/tensor.js';
import {temporaryFolder} from '../../../helpers/temporary-folder.js';

const folder = temporaryFolder();

const floats = (name: string, shape: readonly number[], values: readonly number[]) =>
  tensorProto(name, {dtype: 'float32', shape, values: Float32Array.from(values)});

/** image [N, 2] → features [N, 3] → logits [N, 2] → probabilities; beside them the sizes of the features as integers. */
function classifier(change: Partial<GraphProto> = {}): ModelProto {
  return {
    irVersion: 8,
    opsetImport: [{domain: '', version: 17}],
    graph: {
      name: 'graph',
      node: [
        nodeProto('MatMul', ['image', 'first'], ['mixed']),
        nodeProto('Relu', ['mixed'], ['features']),
        nodeProto('Shape', ['features'], ['sizes']),
        nodeProto('Gemm', ['features', 'last', 'bias'], ['logits']),
        nodeProto('Softmax', ['logits'], ['probabilities']),
      ],
      initializer: [
        floats('first', [2, 3], [1, 0, -1, 0, 1, -1]),
        floats('last', [3, 2], [1, 1, 1, 1, 1, 1]),
        floats('bias', [2], [0, 1]),
      ],
      input: [valueInfo('image', 'float32', ['N', 2])],
      output: [valueInfo('probabilities', 'float32', ['N', 2])],
      ...change,
    },
  };
}

let count = 0;
function write(model: ModelProto): string {
  const file = path.join(folder, `${count++}.onnx`);
  writeFileSync(file, encodeModel(model));
  return file;
}

const contractFor = (output: string | null, type = 'float32'): ModelContract => ({
  model: 'faces',
  inputs: [{name: null, type: 'float32', shape: ['N', 2], layout: 'NC'}],
  outputs: [{name: output, type, shape: null, meaning: 'anything'}],
});

async function valuesOf(file: string, contract: ModelContract): Promise<{dims: readonly number[]; values: number[]}> {
  const {session, checked} = await openWithOutputs(file, {contract});
  const {Tensor} = await import('onnxruntime-node');
  const feeds = {[checked.inputs[0]!]: new Tensor('float32', Float32Array.of(3, 4, -5, 6), [2, 2])};
  const result = (await session.run(feeds))[checked.outputs[0]!]!;
  await session.release();
  return {dims: result.dims, values: Array.from(result.data as Float32Array | BigInt64Array, Number)};
}

test('a network that was cut stays loaded between tasks, for the same outputs', async () => {
  keepSessions(4);
  try {
    const file = write(classifier());
    const open = async (output: string) => (await openWithOutputs(file, {contract: contractFor(output)})).session;
    const first = await open('features');
    await first.release();
    expect(await open('features')).toBe(first);
    const logits = await open('logits');
    expect(logits.outputNames).toEqual(['logits']);
    await first.release();
    await logits.release();
    const declared = await open('probabilities');
    await declared.release();
    expect(await open('probabilities')).toBe(declared);
  } finally {
    keepSessions(0);
  }
});

describe('a tensor inside a network', () => {
  test('is handed out as if it were an output, and the file stays as it is', async () => {
    const file = write(classifier());
    const before = readFileSync(file);
    expect(await valuesOf(file, contractFor('features'))).toEqual({dims: [2, 3], values: [3, 4, 0, 0, 6, 0]});
    expect(readFileSync(file)).toEqual(before);
  });

  test('may be of any type that is asked for; another is refused', async () => {
    const file = write(classifier());
    expect(await valuesOf(file, contractFor('sizes', 'int64'))).toEqual({dims: [2], values: [2, 3]});
    await expect(openWithOutputs(file, {contract: contractFor('sizes')})).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining("output 'sizes' is int64 [2], expected float32") as string,
    });
  });

  test('that the optimiser would fuse away is there nonetheless', async () => {
    // MatMul and Add become one Gemm unless their values in between are asked for.
    const node = [nodeProto('MatMul', ['image', 'first'], ['mixed']), nodeProto('Add', ['mixed', 'three'], ['sum'])];
    const initializer = [floats('first', [2, 3], [1, 0, -1, 0, 1, -1]), floats('three', [3], [9, 9, 9])];
    const file = write(classifier({node, initializer, output: [valueInfo('sum', 'float32', ['N', 3])]}));
    expect((await valuesOf(file, contractFor('mixed'))).values).toEqual([3, 4, -7, -5, 6, -1]);
  });

  test('has the declared shape where the file declares one, and is not declared twice', async () => {
    const file = write(classifier({valueInfo: [valueInfo('features', 'float32', ['N', 3])]}));
    expect((await valuesOf(file, contractFor('features'))).dims).toEqual([2, 3]);
    const graph = withOutputs((await readGraph(file))!, ['features'], 'faces').graph!;
    expect([graph.valueInfo, graph.output]).toEqual([[], [valueInfo('features', 'float32', ['N', 3])]]);
  });

  test('of a network whose weights lie in a second file is computed with those', async () => {
    const model = classifier();
    const [first, ...others] = model.graph!.initializer!;
    const {rawData, ...rest} = first!;
    writeFileSync(path.join(folder, 'weights.bin'), rawData!);
    const entry = (key: string, value: string) => ({key, value});
    // 1 is DataLocation.EXTERNAL of field 14, which the project's own tables do not declare.
    const outside = {
      ...rest,
      externalData: [entry('location', 'weights.bin'), entry('offset', '0'), entry('length', '24')],
      unknownFields: [Uint8Array.of(0x70, 1)],
    };
    const file = write({...model, graph: {...model.graph!, initializer: [outside, ...others]}});
    expect((await valuesOf(file, contractFor('features'))).values).toEqual([3, 4, 0, 0, 6, 0]);
    rmSync(path.join(folder, 'weights.bin'));
    await expect(openWithOutputs(file, {contract: contractFor('features')})).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('its weights lie in a second file that is not beside it') as string,
    });
  });

  test('that a branch reads from outside is computed before it', async () => {
    const branch = (name: string, op: string): GraphProto => ({
      name,
      node: [nodeProto(op, ['mixed'], [`${name}Out`])],
      output: [valueInfo(`${name}Out`, 'float32', ['N', 3])],
    });
    const choice: NodeProto = {
      ...nodeProto('If', ['yes'], ['chosen']),
      attribute: [
        {name: 'then_branch', type: 5, g: branch('then', 'Neg')},
        {name: 'else_branch', type: 5, g: branch('else', 'Abs')},
      ],
    };
    const model = classifier();
    const node = [...model.graph!.node!.slice(0, 1), choice, nodeProto('Abs', ['chosen'], ['after'])];
    const yes = tensorProto('yes', {dtype: 'bool', shape: [], values: Uint8Array.of(1)});
    const initializer = [...model.graph!.initializer!, yes];
    const file = write(classifier({node, initializer, output: [valueInfo('after', 'float32', ['N', 3])]}));
    expect((await valuesOf(file, contractFor('chosen'))).values).toEqual([-3, -4, 7, 5, -6, 1]);
  });
});

test('what only later tensors need is left out, weights included', () => {
  const {node, initializer} = withOutputs(classifier(), ['features'], 'faces').graph!;
  expect(node!.map(({opType}) => opType)).toEqual(['MatMul', 'Relu']);
  expect(initializer!.map(({name}) => name)).toEqual(['first']);
  // What was cut out is still a file that can be written and read.
  expect(decodeModel(encodeModel(withOutputs(classifier(), ['features'], 'faces'))).graph!.node).toHaveLength(2);
});

describe('a name', () => {
  test('of an output is opened as the file is', async () => {
    const {values} = await valuesOf(write(classifier()), contractFor('probabilities'));
    expect(values[0]! + values[1]!).toBeCloseTo(1, 6);
    const {session} = await openWithOutputs(write(classifier()), {contract: contractFor(null)});
    expect((session satisfies InferenceSession).outputNames).toEqual(['probabilities']);
    await session.release();
  });

  test('that is nowhere is refused, with the nearest that are', async () => {
    await expect(openWithOutputs(write(classifier()), {contract: contractFor('feature')})).rejects.toMatchObject({
      code: 'bad-model',
      message: "model faces: it has no tensor 'feature'. Its outputs are 'probabilities'.",
      remedy: "Did you mean 'features'? `affectflow models outputs faces` lists every tensor.",
    });
    await expect(openWithOutputs(write(classifier()), {contract: contractFor('xyzzy')})).rejects.toMatchObject({
      remedy: '`affectflow models outputs faces` lists every tensor.',
    });
  });

  test('in a file that was cut short, or is none, is a matter of the file', async () => {
    const cut = write(classifier());
    truncateSync(cut, 150);
    const text = path.join(folder, 'page.onnx');
    writeFileSync(text, '<!doctype html>');
    for (const file of [cut, text]) {
      await expect(openWithOutputs(file, {contract: contractFor('features')})).rejects.toMatchObject({
        code: 'bad-model',
        message: expect.stringMatching(/cannot be loaded: it is (a web page|no ONNX file, or was cut short)/) as string,
      });
    }
  });
});
