/** Where a traced program keeps its state between runs. */
import type * as ort from 'onnxruntime-node';
import {encodeModel} from './onnx/model.js';
import {createSession, emptyTensor, toArray, toTensor} from './onnx/session.js';
import type {SessionOptions, Tensors} from './onnx/session.js';
import {nodeProto, valueInfo} from './onnx/tensor.js';
import type {Arrays, ArrayValue, TensorSpecs} from './program.js';
import {copyOf, mapValues, specsOf} from './records.js';

export interface StateStore {
  /** What the next run reads. */
  readonly current: Tensors;
  /** Tensors of changing state that the next run writes into; null where the run makes them itself. */
  readonly next: Readonly<Record<string, ort.Tensor | null>>;
  /** Puts what a run wrote in place of what it read. */
  advance(written: Tensors): void;
  read(): Promise<Arrays>;
  load(state: Arrays): Promise<void>;
  release(): Promise<void>;
}

/**
 * State in the CPU's memory, held twice: a run reads one copy and writes the other, and nothing is allocated but in the first
 * run, which reads the arrays that were given. These are never written to, and so need no copy.
 */
export class HostState implements StateStore {
  readonly current: Record<string, ort.Tensor>;
  readonly next: Record<string, ort.Tensor>;
  /** Names whose current tensor is still the one that was given. */
  readonly #given: Set<string>;

  constructor(state: Arrays, changing: readonly string[]) {
    this.current = mapValues(state, toTensor);
    const specs = specsOf(state);
    this.next = Object.fromEntries(changing.map((name) => [name, emptyTensor(specs[name]!)]));
    this.#given = new Set(Object.keys(state));
  }

  advance(): void {
    for (const [name, written] of Object.entries(this.next)) {
      const read = this.current[name]!;
      const {dims: shape, type} = written;
      this.next[name] = this.#given.delete(name) ? emptyTensor({shape, dtype: type as 'float32' | 'int32'}) : read;
      this.current[name] = written;
    }
  }

  read(): Promise<Arrays> {
    return Promise.resolve(mapValues(this.current, toArray));
  }

  load(state: Arrays): Promise<void> {
    for (const [name, value] of Object.entries(state)) {
      if (this.#given.delete(name)) this.current[name] = toTensor(copyOf(value));
      else (this.current[name]!.data as ArrayValue['values']).set(value.values);
    }
    return Promise.resolve();
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}

/** State in the memory of a graphics card, which it leaves only when it is read. */
export class DeviceState implements StateStore {
  current: Tensors;
  readonly next: Readonly<Record<string, null>>;
  readonly #download: ort.InferenceSession;

  private constructor(state: Arrays, changing: readonly string[], download: ort.InferenceSession) {
    this.current = upload(state);
    this.next = Object.fromEntries(changing.map((name) => [name, null]));
    this.#download = download;
  }

  static async create(state: Arrays, changing: readonly string[], options: SessionOptions): Promise<DeviceState> {
    return new DeviceState(state, changing, await createSession(copyingModel(specsOf(state)), options));
  }

  advance(written: Tensors): void {
    const replaced = Object.keys(written).map((name) => this.current[name]!);
    this.current = {...this.current, ...written};
    disposeOf(replaced);
  }

  /** ONNX Runtime cannot read a tensor of a graphics card in Node.js, but a graph can copy it to an output. */
  async read(): Promise<Arrays> {
    const copies = await this.#download.run(this.current);
    return mapValues(this.current, (_, name) => toArray(copies[copyOfName(name)]!));
  }

  load(state: Arrays): Promise<void> {
    this.advance(upload(state));
    return Promise.resolve();
  }

  async release(): Promise<void> {
    disposeOf(Object.values(this.current));
    await this.#download.release();
  }
}

function upload(state: Arrays): Tensors {
  return mapValues(state, (value) => toTensor(copyOf(value)));
}

/** Frees what lies on a graphics card; the rest is the garbage collector's. */
function disposeOf(tensors: readonly ort.Tensor[]): void {
  for (const tensor of tensors) if (tensor.location !== 'cpu') tensor.dispose();
}

const copyOfName = (name: string): string => `copy/${name}`;

/** A graph that copies each of its inputs to an output. */
function copyingModel(specs: TensorSpecs): Uint8Array {
  const entries = Object.entries(specs);
  return encodeModel({
    irVersion: 8,
    opsetImport: [{domain: '', version: 18}],
    graph: {
      name: 'copy',
      node: entries.map(([name]) => nodeProto('Identity', [name], [copyOfName(name)], {name})),
      input: entries.map(([name, {dtype, shape}]) => valueInfo(name, dtype, shape)),
      output: entries.map(([name, {dtype, shape}]) => valueInfo(copyOfName(name), dtype, shape)),
    },
  });
}
