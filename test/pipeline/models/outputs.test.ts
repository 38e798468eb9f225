import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {describe, expect, test} from 'vitest';
import {networkTensors} from '../../../pipeline/models/outputs.js';
import {encodeModel, type NodeProto} from '../../../stages/learning/onnx/model.js';
import {nodeProto, tensorProto, valueInfo} from '../../../stages/learning/onnx/tensor.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

const folder = temporaryFolder();

const weights = (name: string, ...shape: number[]) =>
  tensorProto(name, {
    dtype: 'float32',
    shape,
    values: new Float32Array(shape.reduce((product, size) => product * size, 1)),
  });

/** x [N, 4, 2, 2] through nodes that may use the weights w [8, 3], b [3], k [8, 4, 1, 1] and f [4, 4]. */
async function tensorsOf(output: string, ...nodes: NodeProto[]) {
  const file = path.join(folder, 'network.onnx');
  const model = encodeModel({
    irVersion: 8,
    opsetImport: [{domain: '', version: 17}],
    graph: {
      name: 'graph',
      node: nodes,
      initializer: [weights('w', 8, 3), weights('b', 3), weights('k', 8, 4, 1, 1), weights('f', 4, 4)],
      input: [valueInfo('x', 'float32', ['N', 4, 2, 2])],
      output: [{name: output}],
    },
  });
  writeFileSync(file, model);
  return networkTensors(file);
}

const features = (tensors: Awaited<ReturnType<typeof tensorsOf>>) =>
  tensors.filter(({isBeforeLastLayer}) => isBeforeLastLayer).map(({name}) => name);

const convolution = nodeProto('Conv', ['x', 'k'], ['maps']);
const pooled = [nodeProto('GlobalAveragePool', ['maps'], ['mean']), nodeProto('Flatten', ['mean'], ['flat'])];

test('every tensor that depends on the input is listed with operator, type and shape', async () => {
  const constant = nodeProto('Identity', ['b'], ['b2']);
  const last = nodeProto('Gemm', ['flat', 'w', 'b2'], ['scores']);
  const tensors = await tensorsOf('p', convolution, ...pooled, constant, last, nodeProto('Softmax', ['scores'], ['p']));
  expect(tensors.map(({name, operator, type, shape}) => [name, operator, type, shape])).toEqual([
    ['maps', 'Conv', 'float32', ['N', 8, 2, 2]],
    ['mean', 'GlobalAveragePool', 'float32', ['N', 8, 1, 1]],
    ['flat', 'Flatten', 'float32', ['N', 8]],
    ['scores', 'Gemm', 'float32', ['N', 3]],
    ['p', 'Softmax', 'float32', ['N', 3]],
  ]);
  expect(tensors.filter(({isOutput}) => isOutput).map(({name}) => name)).toEqual(['p']);
});

describe('the features before the last layer are what its dense layer reads', () => {
  test('behind a softmax', async () => {
    const last = nodeProto('Gemm', ['flat', 'w', 'b'], ['scores']);
    expect(
      features(await tensorsOf('p', convolution, ...pooled, last, nodeProto('Softmax', ['scores'], ['p']))),
    ).toEqual(['flat']);
  });

  test('where the layer is written as a product and a sum', async () => {
    const last = [nodeProto('MatMul', ['flat', 'w'], ['product']), nodeProto('Add', ['b', 'product'], ['y'])];
    expect(features(await tensorsOf('y', convolution, ...pooled, ...last))).toEqual(['flat']);
  });

  test('and are not guessed where the network ends otherwise, or attends', async () => {
    expect(features(await tensorsOf('flat', convolution, ...pooled))).toEqual([]);
    const attention = [
      nodeProto('Flatten', ['x'], ['rows'], {attributes: {axis: 3}}),
      nodeProto('Transpose', ['rows'], ['columns'], {attributes: {perm: [1, 0]}}),
      nodeProto('MatMul', ['rows', 'columns'], ['y']),
    ];
    expect(features(await tensorsOf('y', ...attention))).toEqual([]);
  });
});

test('a file that is no network is refused as it is anywhere', async () => {
  const file = path.join(folder, 'text.onnx');
  writeFileSync(file, '<html>');
  await expect(networkTensors(file)).rejects.toMatchObject({
    code: 'bad-model',
    message: expect.stringContaining('it is a web page') as string,
  });
});
