/** Networks with the interfaces of YuNet and SCRFD, whose outputs a test decides. */
import {writeFile} from 'node:fs/promises';
import {
  encodeModel,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../../../../stages/learning/onnx/model.js';
import {nodeProto, tensorProto, valueInfo} from '../../../../stages/learning/onnx/tensor.js';

export const strides = [8, 16, 32] as const;
export type Stride = (typeof strides)[number];

/** What stands at one prediction of one feature map; everything else is 0. */
export interface Planted {
  readonly stride: Stride;
  /** Cell of YuNet, anchor of SCRFD. */
  readonly index: number;
  readonly score: number;
  readonly box: readonly [number, number, number, number];
  readonly points: readonly number[];
}

interface Network {
  readonly file: string;
  readonly input: ValueInfoProto;
  readonly node: NodeProto[];
  readonly initializer: TensorProto[];
  readonly output: ValueInfoProto[];
}

async function write({file, input, node, initializer, output}: Network): Promise<string> {
  const opsetImport = [{domain: '', version: 17}];
  const graph = {name: 'detector', node, initializer, input: [input], output};
  await writeFile(file, encodeModel({irVersion: 8, opsetImport, graph}));
  return file;
}

function plant(
  planted: readonly Planted[],
  stride: Stride,
  count: number,
  width: number,
  of: (one: Planted) => readonly number[],
) {
  const values = new Float32Array(count * width);
  for (const one of planted) if (one.stride === stride) values.set(of(one), one.index * width);
  return values;
}

/** obj is what was planted, and cls the mean of the cell in the first plane that the network reads, over 255. */
export async function yunetNetwork(
  file: string,
  planted: readonly Planted[],
  {size = 640, without = ''} = {},
): Promise<string> {
  const network: Network = {
    file,
    input: valueInfo('input', 'float32', [1, 3, size, size]),
    node: [],
    initializer: [],
    output: [],
  };
  network.initializer.push(tensorProto('white', {dtype: 'float32', shape: [1], values: Float32Array.of(255)}));
  network.node.push(nodeProto('Split', ['input'], ['first', 'second', 'third'], {attributes: {axis: 1}}));
  for (const stride of strides) {
    const cells = (size / stride) ** 2;
    const shape = BigInt64Array.of(1n, BigInt(cells), 1n);
    network.initializer.push(tensorProto(`shape_${stride}`, {dtype: 'int64', shape: [3], values: shape}));
    network.node.push(
      nodeProto('AveragePool', ['first'], [`pooled_${stride}`], {
        attributes: {kernel_shape: [stride, stride], strides: [stride, stride]},
      }),
      nodeProto('Div', [`pooled_${stride}`, 'white'], [`share_${stride}`]),
      nodeProto('Reshape', [`share_${stride}`, `shape_${stride}`], [`cls_${stride}`]),
    );
    addConstant(
      network,
      `obj_${stride}`,
      [1, cells, 1],
      plant(planted, stride, cells, 1, ({score}) => [score]),
    );
    addConstant(
      network,
      `bbox_${stride}`,
      [1, cells, 4],
      plant(planted, stride, cells, 4, ({box}) => box),
    );
    addConstant(
      network,
      `kps_${stride}`,
      [1, cells, 10],
      plant(planted, stride, cells, 10, ({points}) => points),
    );
    network.output.push(valueInfo(`cls_${stride}`, 'float32', [1, cells, 1]));
  }
  return write({...network, output: network.output.filter(({name}) => name !== without)});
}

/** The names that det_10g.onnx gives its outputs: scores, distances, points. */
const scrfdNames = ['448', '471', '494', '451', '474', '497', '454', '477', '500'];

/** Scores are what was planted, times the mean of the cell in the first plane that the network reads. */
export async function scrfdNetwork(
  file: string,
  planted: readonly Planted[],
  {size = 640, withPoints = true} = {},
): Promise<string> {
  const network: Network = {
    file,
    input: valueInfo('input.1', 'float32', [1, 3, 'H', 'W']),
    node: [],
    initializer: [],
    output: [],
  };
  network.node.push(nodeProto('Split', ['input.1'], ['first', 'second', 'third'], {attributes: {axis: 1}}));
  for (const [at, stride] of strides.entries()) {
    const anchors = 2 * (size / stride) ** 2;
    const shape = BigInt64Array.of(BigInt(anchors), 1n);
    network.initializer.push(
      tensorProto(`shape_${stride}`, {dtype: 'int64', shape: [2], values: shape}),
      tensorProto(`planted_${stride}`, {
        dtype: 'float32',
        shape: [anchors, 1],
        values: plant(planted, stride, anchors, 1, ({score}) => [score]),
      }),
    );
    network.node.push(
      nodeProto('AveragePool', ['first'], [`pooled_${stride}`], {
        attributes: {kernel_shape: [stride, stride], strides: [stride, stride]},
      }),
      nodeProto('Concat', [`pooled_${stride}`, `pooled_${stride}`], [`both_${stride}`], {attributes: {axis: 1}}),
      nodeProto('Transpose', [`both_${stride}`], [`last_${stride}`], {attributes: {perm: [0, 2, 3, 1]}}),
      nodeProto('Reshape', [`last_${stride}`, `shape_${stride}`], [`seen_${stride}`]),
      nodeProto('Mul', [`seen_${stride}`, `planted_${stride}`], [scrfdNames[at]!]),
    );
    addConstant(
      network,
      scrfdNames[at + 3]!,
      [anchors, 4],
      plant(planted, stride, anchors, 4, ({box}) => box),
    );
    addConstant(
      network,
      scrfdNames[at + 6]!,
      [anchors, 10],
      plant(planted, stride, anchors, 10, ({points}) => points),
    );
  }
  const names = withPoints ? scrfdNames : scrfdNames.slice(0, 6);
  return write({...network, output: names.map((name) => valueInfo(name, 'float32', ['anchors', 'values']))});
}

function addConstant(
  {node, initializer, output}: Network,
  name: string,
  shape: readonly number[],
  values: Float32Array,
): void {
  initializer.push(tensorProto(`${name}_values`, {dtype: 'float32', shape, values}));
  node.push(nodeProto('Identity', [`${name}_values`], [name]));
  output.push(valueInfo(name, 'float32', shape));
}
