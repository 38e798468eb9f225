/**
 * The graph a trace records. Nodes are pure, so equal nodes are one node, constants are held once, and whatever no
 * output needs is never written.
 */
import type {ModelProto, NodeProto, TensorProto, ValueInfoProto} from '../onnx/model.js';
import {FloatAttribute, nodeProto, tensorProto, valueInfo} from '../onnx/tensor.js';
import type {Attributes, DataType, TensorValues} from '../onnx/tensor.js';

export type Shape = readonly number[];

/** What a value is known to hold: all its elements, or the one number that all of them are. */
export type Constant = {readonly values: TensorValues} | {readonly uniform: number};

/** One tensor of the graph. */
export interface Value {
  readonly graph: Graph;
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DataType;
  /** The node that computes it; absent for inputs and constants. */
  readonly node?: Node;
  readonly constant?: Constant;
  /** Name of a graph input. */
  readonly input?: string;
}

export interface Node {
  readonly op: string;
  readonly domain: string;
  /** `undefined` stands for an optional input that is left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
  /** The tfjs kernel it was recorded for, which names it in a profile. */
  readonly label: string;
}

export interface Output {
  readonly shape: Shape;
  readonly dtype: DataType;
}

/** ONNX 1.13: the oldest operator set whose reductions all take their axes as an input. */
const OPSET_VERSION = 18;
const IR_VERSION = 8;
/** ONNX Runtime's own operators, used only where a graph may not leave it. */
export const RUNTIME_DOMAIN = 'com.microsoft';
/** Constants above this many elements are not compared with each other, and written as one number where they are one. */
const LARGE_ELEMENTS = 1024;

export type Target = 'any' | 'cpu' | 'gpu';

export interface GraphOptions {
  /** What runs the graph: `any` runtime, with the operators of ONNX alone, or ONNX Runtime, also with its own. */
  readonly target: Target;
}

export class Graph {
  readonly #inputs: Value[] = [];
  readonly #nodes = new Map<string, Node>();
  readonly #constants = new Map<string, Value>();
  /** Transposes that something else than another change of shape reads. */
  readonly #read = new Set<Node>();
  /** Transposes of images, kept by `layout.ts`. */
  readonly images = new Set<Node>();
  #nextId = 0;
  /** Named by the caller before each kernel. */
  label = '';

  constructor(readonly options: GraphOptions) {}

  input(name: string, {shape, dtype}: Output): Value {
    const value: Value = {graph: this, id: this.#nextId++, shape, dtype, input: name};
    this.#inputs.push(value);
    return value;
  }

  constant(values: TensorValues, shape: Shape, dtype: DataType): Value {
    const [first] = values;
    if (typeof first === 'number' && isUniform(values)) return this.uniform(first, shape, dtype);
    if (values.length > LARGE_ELEMENTS) return this.#constant({values}, shape, dtype);
    return this.#shared(`${dtype} ${shape.join()} ${values.join()}`, () => this.#constant({values}, shape, dtype));
  }

  /** A constant whose elements are all `value`. */
  uniform(value: number, shape: Shape, dtype: DataType): Value {
    const key = `${dtype} ${shape.join()} ${Object.is(value, -0) ? '-0' : String(value)}…`;
    return this.#shared(key, () => this.#constant({uniform: value}, shape, dtype));
  }

  /** A large constant that is told apart by its name, since large ones are not compared. */
  named(name: string, create: () => Value): Value {
    return this.#shared(`named ${name}`, create);
  }

  /** A list of sizes or axes, as ONNX wants them. */
  integers(list: readonly number[]): Value {
    return this.constant(BigInt64Array.from(list, BigInt), [list.length], 'int64');
  }

  /** Records a node with one output, or finds the equal node that is already there. */
  node(op: string, inputs: readonly (Value | undefined)[], output: Output, attributes: Attributes = {}): Value {
    return this.nodes(op, inputs, [output], attributes)[0]!;
  }

  /** Records a node with several outputs; `domain:op` names an operator outside ONNX. */
  nodes(
    name: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly Output[],
    attributes: Attributes = {},
  ): readonly Value[] {
    const [op = name, domain = ''] = name.split(':').reverse();
    const key = nodeKey(name, inputs, attributes);
    const found = this.#nodes.get(key);
    if (found !== undefined) return found.outputs;
    const values: Value[] = [];
    const node: Node = {op, domain, inputs, outputs: values, attributes, label: this.label};
    for (const input of inputs) this.#markRead(op, input);
    for (const {shape, dtype} of outputs) values.push({graph: this, id: this.#nextId++, shape, dtype, node});
    this.#nodes.set(key, node);
    return values;
  }

  /** The result of an equal node without attributes that was recorded before. */
  recorded(op: string, inputs: readonly Value[]): Value | undefined {
    return this.#nodes.get(nodeKey(op, inputs, {}))?.outputs[0];
  }

  /** Asks a node with one output for its optional second one, of the same shape. */
  secondOutput({node, shape}: Value, dtype: DataType): Value {
    const outputs = node!.outputs as Value[];
    outputs[1] ??= {graph: this, id: this.#nextId++, shape, dtype, node: node!};
    return outputs[1];
  }

  /** Whether the result of a transpose is needed as it is. */
  isRead(transpose: Node): boolean {
    return this.#read.has(transpose);
  }

  #markRead(op: string, input: Value | undefined): void {
    if (op === 'Reshape' || op === 'Transpose' || input?.node === undefined) return;
    const node = input.node.op === 'Reshape' ? input.node.inputs[0]!.node : input.node;
    if (node?.op === 'Transpose') this.#read.add(node);
  }

  /** Writes everything that `outputs` need, with all inputs, whether read or not. */
  model(outputs: Readonly<Record<string, Value>>): ModelProto {
    const writer = new GraphWriter(outputs);
    return {
      irVersion: IR_VERSION,
      producerName: 'affectflow',
      opsetImport: [
        {domain: '', version: OPSET_VERSION},
        ...(writer.usesRuntime ? [{domain: RUNTIME_DOMAIN, version: 1}] : []),
      ],
      graph: {
        name: 'graph',
        node: writer.nodes,
        initializer: writer.initialisers,
        input: this.#inputs.map(({input = '', dtype, shape}) => valueInfo(input, dtype, shape)),
        output: Object.entries(outputs).map(([name, {dtype, shape}]) => valueInfo(name, dtype, shape)),
        valueInfo: writer.values,
      },
    };
  }

  #constant(constant: Constant, shape: Shape, dtype: DataType): Value {
    return {graph: this, id: this.#nextId++, shape, dtype, constant};
  }

  #shared(key: string, create: () => Value): Value {
    const value = this.#constants.get(key) ?? create();
    this.#constants.set(key, value);
    return value;
  }
}

function nodeKey(name: string, inputs: readonly (Value | undefined)[], attributes: Attributes): string {
  return `${name} ${inputs.map((input) => input?.id ?? '').join()} ${attributesKey(attributes)}`;
}

function attributesKey(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${value instanceof FloatAttribute ? `f${String(value.value)}` : String(value)}`)
    .join(';');
}

/** Elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** The elements of a constant, spread out; undefined for anything computed. */
export function constantValues({constant, shape, dtype}: Value): TensorValues | undefined {
  if (constant === undefined) return undefined;
  if ('values' in constant) return constant.values;
  return uniformValues(constant.uniform, sizeOf(shape), dtype);
}

/** Whether all elements have the same bits: whether the bytes are those one element further on. */
function isUniform({buffer, byteOffset, byteLength, BYTES_PER_ELEMENT}: TensorValues): boolean {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return bytes.compare(bytes, BYTES_PER_ELEMENT, byteLength, 0, byteLength - BYTES_PER_ELEMENT) === 0;
}

function uniformValues(value: number, length: number, dtype: DataType): TensorValues {
  if (dtype === 'int64') return new BigInt64Array(length).fill(BigInt(value));
  if (dtype === 'int32') return new Int32Array(length).fill(value);
  if (dtype === 'bool' || dtype === 'uint8') return new Uint8Array(length).fill(value);
  return dtype === 'float64' ? new Float64Array(length).fill(value) : new Float32Array(length).fill(value);
}

/** What names of values that are no outputs begin with. */
const INTERNAL = '_v';

/** Walks from the outputs to what they need, in an order in which every node follows its inputs. */
class GraphWriter {
  readonly nodes: NodeProto[] = [];
  readonly initialisers: TensorProto[] = [];
  /** Shapes of what is computed, so that whoever loads the graph can check it against its own inference. */
  readonly values: ValueInfoProto[] = [];
  usesRuntime = false;
  readonly #names = new Map<Value, string>();
  readonly #written = new Set<Node>();

  constructor(outputs: Readonly<Record<string, Value>>) {
    for (const [name, value] of Object.entries(outputs)) {
      // A computed value takes the name of its first output, which saves a copy in every run.
      if (value.node !== undefined && !this.#names.has(value)) this.#names.set(value, name);
    }
    for (const [name, value] of Object.entries(outputs)) {
      const written = this.#write(value);
      if (written !== name) this.nodes.push(nodeProto('Identity', [written], [name], {name: `output/${name}`}));
    }
  }

  #write(value: Value): string {
    if (value.input !== undefined) return value.input;
    const known = this.#names.get(value);
    if (value.node !== undefined) {
      this.#writeNodes(value.node);
      return known ?? this.#name(value);
    }
    if (known !== undefined) return known;
    return this.#writeConstant(value);
  }

  /** Depth first without recursion: a graph of thousands of steps would exhaust the stack. */
  #writeNodes(root: Node): void {
    const pending: {node: Node; ready: boolean}[] = [{node: root, ready: false}];
    for (let top = pending.pop(); top !== undefined; top = pending.pop()) {
      const {node, ready} = top;
      if (this.#written.has(node)) continue;
      if (ready) {
        this.#writeNode(node);
        continue;
      }
      pending.push({node, ready: true});
      for (const input of [...node.inputs].reverse()) {
        if (input?.node !== undefined && !this.#written.has(input.node)) pending.push({node: input.node, ready: false});
      }
    }
  }

  #writeNode(node: Node): void {
    this.#written.add(node);
    this.usesRuntime ||= node.domain === RUNTIME_DOMAIN;
    const inputs = node.inputs.map((input) => (input === undefined ? '' : this.#write(input)));
    const outputs = node.outputs.map((output) => this.#name(output));
    for (const [at, {dtype, shape}] of node.outputs.entries()) {
      const name = outputs[at]!;
      if (name.startsWith(INTERNAL)) this.values.push(valueInfo(name, dtype, shape));
    }
    const {attributes, domain} = node;
    this.nodes.push(nodeProto(node.op, inputs, outputs, {attributes, domain, name: `${node.label}/${outputs[0]!}`}));
  }

  #name(value: Value): string {
    const name = this.#names.get(value) ?? `${INTERNAL}${String(value.id)}`;
    this.#names.set(value, name);
    return name;
  }

  #writeConstant(value: Value): string {
    const name = `_c${String(value.id)}`;
    this.#names.set(value, name);
    const {constant, shape, dtype} = value;
    const large = constant !== undefined && 'uniform' in constant && sizeOf(shape) > LARGE_ELEMENTS;
    if (large) {
      const one = tensorProto(`${name}_value`, {dtype, shape: [], values: uniformValues(constant.uniform, 1, dtype)});
      const size = tensorProto(`${name}_shape`, {
        dtype: 'int64',
        shape: [shape.length],
        values: BigInt64Array.from(shape, BigInt),
      });
      this.initialisers.push(one, size);
      this.values.push(valueInfo(name, dtype, shape));
      this.nodes.push(nodeProto('Expand', [`${name}_value`, `${name}_shape`], [name], {name: `constant/${name}`}));
    } else {
      this.initialisers.push(tensorProto(name, {dtype, shape, values: constantValues(value)!}));
    }
    return name;
  }
}
