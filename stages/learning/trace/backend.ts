/** A tfjs backend whose tensors are values of a graph, and whose kernels record nodes instead of computing. */
import * as tf from '@tensorflow/tfjs';
import {callerLine, withDeepStack} from './caller.js';
import {tracedType} from './dtype.js';
import {constantValues} from './graph.js';
import type {Graph, Value} from './graph.js';
import type {Kernel, Kernels} from './kernel.js';
import {reshape} from './operations.js';
import {elementwise} from './elementwise.js';
import {reductions} from './reductions.js';
import {products} from './matmul.js';
import {shapes} from './shapes.js';
import {indexing} from './indexing.js';
import {convolutions} from './convolution.js';
import {pooling} from './pooling.js';
import {normalisation} from './normalisation.js';
import {images} from './image.js';
import {GENERAL_CONVOLUTION} from '../convolution-gradient.js';
import type {TensorValues} from '../onnx/tensor.js';
import {StageError} from '../../errors.js';

/** The name under which tfjs knows the backend. */
const BACKEND_NAME = 'onnx-trace';

export const kernels: Kernels = {
  ...elementwise,
  ...reductions,
  ...products,
  ...shapes,
  ...indexing,
  ...convolutions,
  ...pooling,
  ...normalisation,
  ...images,
};

interface Entry {
  readonly value: Value;
  references: number;
}

export class TraceBackend extends tf.KernelBackend {
  readonly #entries = new Map<object, Entry>();
  /** Tensors of other backends that the traced function closed over. */
  readonly #captured = new Map<object, Value>();
  #graph: Graph | undefined;
  /** Kept, because a step that reads with `await` turns the error into a promise that nobody waits for. */
  #refusal: StageError | undefined;

  /** Runs `body` with this backend recording into `graph`, and leaves tfjs as it was, also after an error. */
  record<T>(graph: Graph, body: () => T): T {
    if (this.#graph !== undefined) throw new TypeError('Expected no trace inside a trace');
    const engine = tf.engine();
    const previous = engine.backendName;
    this.#graph = graph;
    // With a backend that is made at once, setBackend has taken effect when it returns its promise.
    void tf.setBackend(BACKEND_NAME);
    engine.startScope('trace');
    try {
      const result = withDeepStack(body);
      if (this.#refusal !== undefined) throw this.#refusal;
      return result;
    } finally {
      engine.endScope();
      this.#graph = undefined;
      this.#refusal = undefined;
      this.#entries.clear();
      this.#captured.clear();
      if (previous) void tf.setBackend(previous);
      // No backend was chosen yet: tfjs shall still choose its own.
      else Object.assign(engine, {backendName: null, backendInstance: null});
    }
  }

  /** A tensor that stands for a graph's input. */
  tensor(value: Value): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.#info(value), this);
  }

  /** The value that a tensor stands for; tensors of other backends become constants. */
  value({dataId, shape, dtype}: tf.TensorInfo): Value {
    const known = this.#entries.get(dataId)?.value ?? this.#captured.get(dataId);
    // A reshaped tensor of another backend may share its data.
    if (known !== undefined) return reshape(known, shape);
    const values = tf.engine().readSync(dataId) as TensorValues;
    const captured = this.#recording.constant(values, [...shape], tracedType(dtype));
    this.#captured.set(dataId, captured);
    return captured;
  }

  run(name: string, kernel: Kernel, {inputs, attrs}: KernelArguments): tf.TensorInfo | tf.TensorInfo[] {
    const graph = this.#recording;
    graph.label = name;
    const values = Object.entries(inputs).flatMap(([key, tensor]) =>
      // An optional input that is absent is undefined or null.
      tensor ? [[key, this.value(tensor)] as const] : [],
    );
    // The table holds kernels of many signatures; tfjs gives each the inputs and attributes of its name.
    const call = {graph, inputs: Object.fromEntries(values), attributes: attrs ?? {}} as never;
    const result = kernel(call);
    if (isList(result)) return result.map((value) => this.#info(value));
    return this.#shared(result, Object.values(inputs)) ?? this.#info(result);
  }

  /** The data of the operand that a kernel returned as it is, as tfjs's own backends share it. */
  #shared(result: Value, operands: readonly (tf.TensorInfo | null | undefined)[]): tf.TensorInfo | undefined {
    const operand = operands.find((given) => given && this.#entries.get(given.dataId)?.value === result);
    if (!operand) return undefined;
    this.incRef(operand.dataId);
    return {...operand, shape: [...result.shape]};
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: object, values: tf.BackendValues, shape: number[], dtype: tf.DataType, count: number): void {
    const value = this.#recording.constant(values as TensorValues, [...shape], tracedType(dtype));
    this.#entries.set(dataId, {value, references: count});
  }

  override readSync(dataId: object): tf.BackendValues {
    const value = this.#entries.get(dataId)?.value;
    const values = value === undefined ? undefined : constantValues(value);
    if (values !== undefined) return values as tf.BackendValues;
    this.#refusal = new StageError(
      'unsupported-op',
      `A value computed in a traced step was read at ${callerLine(new Error().stack)}: ` +
        `the result of ${value?.node?.label ?? 'an input'}, whose numbers exist only when the step runs.`,
      'Express the decision with tf.where, or pass what is read as an output or as part of the batch.',
    );
    throw this.#refusal;
  }

  override read(dataId: object): Promise<tf.BackendValues> {
    // A promise that is waited for in vain must not end the process; the trace itself reports the refusal.
    const values = new Promise<tf.BackendValues>((resolve) => {
      resolve(this.readSync(dataId));
    });
    values.catch(() => undefined);
    return values;
  }

  override disposeData(dataId: object, force = false): boolean {
    const entry = this.#entries.get(dataId);
    if (entry === undefined) return true;
    entry.references--;
    if (!force && entry.references > 0) return false;
    return this.#entries.delete(dataId);
  }

  override refCount(dataId: object): number {
    return this.#entries.get(dataId)?.references ?? 0;
  }

  override incRef(dataId: object): void {
    const entry = this.#entries.get(dataId);
    if (entry !== undefined) entry.references++;
  }

  override numDataIds(): number {
    return this.#entries.size;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override memory(): {unreliable: boolean} {
    return {unreliable: true};
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override dispose(): void {
    this.#entries.clear();
  }

  get #recording(): Graph {
    if (this.#graph === undefined) throw new TypeError('Expected a tensor of a finished trace not to be used');
    return this.#graph;
  }

  #info(value: Value): tf.TensorInfo {
    const dataId = {};
    this.#entries.set(dataId, {value, references: 1});
    return {dataId, shape: [...value.shape], dtype: value.dtype as tf.DataType};
  }
}

interface KernelArguments {
  readonly inputs: Readonly<Record<string, tf.TensorInfo | null | undefined>>;
  readonly attrs?: unknown;
}

const isList = (result: Value | readonly Value[]): result is readonly Value[] => Array.isArray(result);

/** The backend of this process; registers it and its kernels the first time. */
export function traceBackend(): TraceBackend {
  const existing = tf.findBackend(BACKEND_NAME);
  if (existing instanceof TraceBackend) return existing;
  const backend = new TraceBackend();
  // A negative priority, so that tfjs never chooses it by itself.
  tf.registerBackend(BACKEND_NAME, () => backend, -1);
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    register(kernelName, (args) => backend.run(kernelName, kernel, args));
  }
  register(GENERAL_CONVOLUTION, () => refuse(GENERAL_CONVOLUTION));
  for (const {kernelName} of tf.getKernelsForBackend('cpu')) {
    if (!(kernelName in kernels)) register(kernelName, () => refuse(kernelName));
  }
  return backend;
}

function register(kernelName: string, run: (args: KernelArguments) => tf.TensorInfo | tf.TensorInfo[]): void {
  // tfjs declares attributes more loosely than they are; `run` reads them by the kernel's name.
  tf.registerKernel({kernelName, backendName: BACKEND_NAME, kernelFunc: run as tf.KernelFunc});
}

function refuse(kernelName: string): never {
  throw new StageError(
    'unsupported-op',
    `${kernelName} cannot be traced; it was called at ${callerLine(new Error().stack)}.`,
    'Write the step with other operations, or run it eagerly with --device tfjs.',
  );
}
