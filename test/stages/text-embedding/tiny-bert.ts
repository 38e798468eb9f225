/**
 * A BERT whose vectors can be worked out by hand: layer k of sub-word number n in a sentence of L tokens is
 * [k · n, L]. The tokenizer is a real one with a small vocabulary, made by test/fixtures/tiny-bert.py.
 */
import {copyFile, mkdir, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {encodeModel, type NodeProto} from '../../../stages/learning/onnx/model.js';
import {nodeProto, tensorProto, valueInfo} from '../../../stages/learning/onnx/tensor.js';

export const fixtures = path.resolve(import.meta.dirname, '../../fixtures/tiny-bert');

export interface TinyBert {
  /** Output names and the layers whose sum each one is. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly shape?: readonly (number | string)[];
  readonly types?: boolean;
}

export async function writeTinyBert(
  folder: string,
  {outputs, shape = ['N', 'L'], types = true}: TinyBert,
): Promise<string> {
  await mkdir(path.join(folder, 'onnx'), {recursive: true});
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(path.join(fixtures, name), path.join(folder, name));
  await writeFile(path.join(folder, 'config.json'), JSON.stringify({model_type: 'bert', hidden_size: 2}));
  const scales = Object.values(outputs).map((layers, index) =>
    tensorProto(`scale${index}`, {
      dtype: 'float32',
      shape: [2],
      values: Float32Array.of(
        layers.reduce((sum, layer) => sum + layer, 0),
        layers.length,
      ),
    }),
  );
  const nodes: NodeProto[] = [
    nodeProto('Cast', ['input_ids'], ['numbers'], {attributes: {to: 1}}),
    nodeProto('Cast', ['attention_mask'], ['mask'], {attributes: {to: 1}}),
    nodeProto('ReduceSum', ['mask', 'one'], ['lengths'], {attributes: {keepdims: 1}}),
    nodeProto('Mul', ['mask', 'lengths'], ['wide']),
    nodeProto('Unsqueeze', ['numbers', 'two'], ['n']),
    nodeProto('Unsqueeze', ['wide', 'two'], ['l']),
    nodeProto('Concat', ['n', 'l'], ['both'], {attributes: {axis: 2}}),
    ...Object.keys(outputs).map((name, index) => nodeProto('Mul', ['both', `scale${index}`], [name])),
  ];
  const integers = (name: string, value: bigint) =>
    tensorProto(name, {dtype: 'int64', shape: [1], values: BigInt64Array.of(value)});
  const inputs = ['input_ids', 'attention_mask', ...(types ? ['token_type_ids'] : [])];
  const model = encodeModel({
    irVersion: 8,
    opsetImport: [{domain: '', version: 17}],
    graph: {
      name: 'graph',
      node: nodes,
      initializer: [...scales, integers('one', 1n), integers('two', 2n)],
      input: inputs.map((name) => valueInfo(name, 'int64', shape)),
      output: Object.keys(outputs).map((name) => valueInfo(name, 'float32', [...shape, 2])),
    },
  });
  await writeFile(path.join(folder, 'onnx/model.onnx'), model);
  return folder;
}
