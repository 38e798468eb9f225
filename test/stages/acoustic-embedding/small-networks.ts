/** Small ONNX networks that hand out what they were given, to see what a stage feeds and how it batches. */
import {writeFile} from 'node:fs/promises';
import {encodeModel, type NodeProto} from '../../../stages/learning/onnx/model.js';
import {nodeProto, valueInfo} from '../../../stages/learning/onnx/tensor.js';

export interface SmallNetwork {
  readonly input: readonly (number | string)[];
  readonly nodes: readonly NodeProto[];
  readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
}

export async function writeNetwork(file: string, {input, nodes, outputs}: SmallNetwork): Promise<string> {
  const model = encodeModel({
    irVersion: 8,
    opsetImport: [{domain: '', version: 17}],
    graph: {
      name: 'graph',
      node: [...nodes],
      initializer: [],
      input: [valueInfo('input', 'float32', input)],
      output: Object.entries(outputs).map(([name, shape]) => valueInfo(name, 'float32', shape)),
    },
  });
  await writeFile(file, model);
  return file;
}

/** [N, …] → [N, all values] */
export const flatten = (input: readonly (number | string)[]): SmallNetwork => ({
  input,
  nodes: [nodeProto('Flatten', ['input'], ['same'], {attributes: {axis: 1}})],
  outputs: {same: [input[0]!, 'width']},
});
