/** Image networks of the papers' sizes with random weights: what they cost, without what they know. */
import {encodeModel, type NodeProto, type TensorProto} from '../../stages/learning/onnx/model.js';
import {nodeProto, tensorProto, valueInfo, type Attributes} from '../../stages/learning/onnx/tensor.js';
import {random} from '../../stages/learning/random.js';

export interface BenchNetwork {
  readonly name: string;
  /** Side of the image that it reads, cut out of the middle of `resizeTo`. */
  readonly inputSize: number;
  readonly resizeTo: number;
  readonly file: Uint8Array;
}

/** ResNet-18 (arXiv 1512.03385, table 1) on 112-pixel crops, without its last layer: 0.48 · 10⁹ multiplications. */
export function resNet18(): BenchNetwork {
  const graph = new Writer();
  let at = graph.convolution('image', {from: 3, to: 64, size: 7, stride: 2});
  at = graph.add('MaxPool', [graph.add('Relu', [at])], {kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]});
  let from = 64;
  for (const to of [64, 128, 256, 512]) {
    for (const stride of [to > from ? 2 : 1, 1]) {
      const first = graph.add('Relu', [graph.convolution(at, {from, to, size: 3, stride})]);
      const second = graph.convolution(first, {from: to, to, size: 3, stride: 1});
      const shortcut = to === from ? at : graph.convolution(at, {from, to, size: 1, stride});
      at = graph.add('Relu', [graph.add('Add', [second, shortcut])]);
      from = to;
    }
  }
  const file = graph.file(graph.add('Flatten', [graph.add('GlobalAveragePool', [at])]), {inputSize: 112, width: 512});
  return {name: 'ResNet-18, 112 px', inputSize: 112, resizeTo: 112, file};
}

/** IR-50 of InsightFace as RCMA and GRJCA use it, on the middle 40 of 48 pixels: [3, 4, 14, 3] units, 0.8 · 10⁹ multiplications. */
export function ir50(): BenchNetwork {
  const graph = new Writer();
  let at = graph.prelu(graph.convolution('image', {from: 3, to: 64, size: 3, stride: 1}), 64);
  let from = 64;
  for (const [to, units] of [
    [64, 3],
    [128, 4],
    [256, 14],
    [512, 3],
  ] as const) {
    for (let unit = 0; unit < units; unit++) {
      const stride = unit === 0 ? 2 : 1;
      const first = graph.prelu(graph.convolution(at, {from, to, size: 3, stride: 1}), to);
      const second = graph.convolution(first, {from: to, to, size: 3, stride});
      const shortcut =
        to !== from
          ? graph.convolution(at, {from, to, size: 1, stride})
          : stride === 1
            ? at
            : graph.add('MaxPool', [at], {kernel_shape: [1, 1], strides: [2, 2]});
      at = graph.add('Add', [second, shortcut]);
      from = to;
    }
  }
  const vector = graph.dense(graph.add('Flatten', [at]), {from: 512 * 3 * 3, to: 512});
  return {
    name: 'IR-50, 40 of 48 px',
    inputSize: 40,
    resizeTo: 48,
    file: graph.file(vector, {inputSize: 40, width: 512}),
  };
}

interface Convolution {
  readonly from: number;
  readonly to: number;
  readonly size: number;
  readonly stride: number;
}

/** Adds nodes to a graph; each method returns the name of its output. */
class Writer {
  readonly #nodes: NodeProto[] = [];
  readonly #weights: TensorProto[] = [];

  add(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = `${operator}${this.#nodes.length}`;
    this.#nodes.push(nodeProto(operator, inputs, [output], {attributes}));
    return output;
  }

  convolution(input: string, {from, to, size, stride}: Convolution): string {
    const pad = (size - 1) / 2;
    const weights = [this.#tensor([to, from, size, size], from * size ** 2), this.#tensor([to], to)];
    return this.add('Conv', [input, ...weights], {strides: [stride, stride], pads: [pad, pad, pad, pad]});
  }

  prelu(input: string, channels: number): string {
    return this.add('PRelu', [input, this.#tensor([channels, 1, 1], 16)]);
  }

  dense(input: string, {from, to}: {from: number; to: number}): string {
    return this.add('Gemm', [input, this.#tensor([from, to], from), this.#tensor([to], to)]);
  }

  file(output: string, {inputSize, width}: {inputSize: number; width: number}): Uint8Array {
    return encodeModel({
      irVersion: 8,
      opsetImport: [{domain: '', version: 17}],
      graph: {
        name: 'graph',
        node: this.#nodes,
        initializer: this.#weights,
        input: [valueInfo('image', 'float32', ['N', 3, inputSize, inputSize])],
        output: [valueInfo(output, 'float32', ['N', width])],
      },
    });
  }

  /** Uniform with variance 1 / fanIn, so that activations neither vanish nor overflow. */
  #tensor(shape: readonly number[], fanIn: number): string {
    const name = `weight${this.#weights.length}`;
    const limit = Math.sqrt(3 / fanIn);
    const count = shape.reduce((product, size) => product * size, 1);
    const values = random(1).stream(name).at(0).uniform(count, -limit, limit);
    this.#weights.push(tensorProto(name, {dtype: 'float32', shape, values}));
    return name;
  }
}
