/** Tiny ONNX files with the interfaces of the real networks, written by the project's own writer. */
import {encodeModel, type NodeProto} from '../../../stages/learning/onnx/model.js';
import {nodeProto, tensorProto, valueInfo, type DataType} from '../../../stages/learning/onnx/tensor.js';

export interface TinyTensor {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly type?: DataType;
}

export interface TinyModel {
  readonly inputs: readonly TinyTensor[];
  /** Each output is zeros of its shape, unless `nodes` say otherwise. */
  readonly outputs: readonly TinyTensor[];
  readonly nodes?: readonly NodeProto[];
  readonly opset?: number;
  readonly irVersion?: number;
}

/** Bytes of a model that has the inputs and outputs asked for and computes nothing of interest. */
export function tinyModel({inputs, outputs, nodes, opset = 17, irVersion = 9}: TinyModel): Uint8Array {
  const [first] = inputs;
  return encodeModel({
    irVersion,
    opsetImport: [
      {domain: '', version: opset},
      ...(nodes ?? []).flatMap(({domain}) => (domain === undefined ? [] : [{domain, version: 1}])),
    ],
    graph: {
      name: 'tiny',
      node: [...(nodes ?? outputs.flatMap((output, index) => zeros(output, index, first!.name)))],
      initializer: outputs.map(({shape}, index) => {
        // A leading name is the batch, and comes from the first input; other names count as 1.
        const rest = (typeof shape[0] === 'string' ? shape.slice(1) : shape).map((size) =>
          typeof size === 'number' ? size : 1,
        );
        return tensorProto(`rest${index}`, {
          dtype: 'int64',
          shape: [rest.length],
          values: BigInt64Array.from(rest, BigInt),
        });
      }),
      input: inputs.map(({name, type = 'float32', shape}) => valueInfo(name, type, shape)),
      output: outputs.map(({name, type = 'float32', shape}) => valueInfo(name, type, shape)),
    },
  });
}

function zeros({name, shape}: TinyTensor, index: number, input: string): NodeProto[] {
  if (typeof shape[0] !== 'string') return [nodeProto('ConstantOfShape', [`rest${index}`], [name])];
  return [
    nodeProto('Shape', [input], [`batch${index}`], {attributes: {start: 0, end: 1}}),
    nodeProto('Concat', [`batch${index}`, `rest${index}`], [`shape${index}`], {attributes: {axis: 0}}),
    nodeProto('ConstantOfShape', [`shape${index}`], [name]),
  ];
}
