/**
 * The training engine: a step written in tfjs becomes a program that runs on a device. On `cpu`, `webgpu` and `cuda`
 * the step is traced into one ONNX graph (`trace/`); on `tfjs` and `tfjs-gpu` it runs as it is.
 */
import * as tf from '@tensorflow/tfjs';
import type * as ort from 'onnxruntime-node';
import {encodeModel} from './onnx/model.js';
import {createSession, emptyTensor, toArray, toTensor} from './onnx/session.js';
import type {SessionOptions} from './onnx/session.js';
import type {
  Arrays,
  ArrayValue,
  Inference,
  Program,
  ProgramOptions,
  Step,
  TensorSpec,
  TensorSpecs,
  Tensors,
} from './program.js';
import {trace} from './trace/trace.js';
import {StageError} from '../errors.js';

/** Names in the graph of a step: state and batch may share names, and state goes in and comes out. */
const graphName = {
  state: (name: string): string => `state/${name}`,
  next: (name: string): string => `next/${name}`,
  batch: (name: string): string => `batch/${name}`,
  output: (name: string): string => `output/${name}`,
};

export interface StepDeclaration {
  readonly step: Step;
  /** Weights, moments, statistics and counters before the first step. */
  readonly state: Arrays;
  readonly batch: TensorSpecs;
}

/**
 * Compiles a training step: forward pass, gradients and optimiser become one program that holds the state.
 * State reaches the step as variables, so that `tf.variableGrads` can be asked for their gradients.
 * Throws StageError 'unsupported-op' where the step cannot be traced, 'no-device' where the device cannot run it.
 */
export async function compile(declaration: StepDeclaration, options: ProgramOptions): Promise<Program> {
  const {model, outputs} = traceStep(declaration);
  const session = await createSession(model, {provider: 'cpu', threads: options.threads});
  return new TracedProgram(session, declaration, outputs, 'cpu', 'asked for');
}

/** Compiles a forward pass with fixed weights, which become constants of the graph. */
export async function compileForward(
  forward: (weights: Tensors, inputs: Tensors) => Tensors,
  weights: Arrays,
  inputs: TensorSpecs,
  options: ProgramOptions,
): Promise<Inference> {
  return loadForward(traceForward(forward, weights, inputs), options);
}

/** Traces a forward pass into the bytes of an .onnx file, which `loadForward` or any other runtime runs. */
export function traceForward(
  forward: (weights: Tensors, inputs: Tensors) => Tensors,
  weights: Arrays,
  inputs: TensorSpecs,
): Uint8Array {
  const body = (tensors: Tensors): Tensors => {
    const constants = Object.entries(weights).map(([name, value]) => [name, constantTensor(value)]);
    return forward(Object.fromEntries(constants) as Tensors, tensors);
  };
  return encodeModel(trace(body, inputs, {dialect: 'onnx'}).model);
}

/** Prepares the bytes of an .onnx file for running on a device. */
export async function loadForward(model: Uint8Array, options: ProgramOptions): Promise<Inference> {
  const session = await createSession(model, {provider: 'cpu', threads: options.threads});
  return {
    device: 'cpu',
    async run(inputs) {
      const feeds = mapValues(inputs, toTensor);
      return mapValues(await session.run(feeds), (tensor) => toArray(tensor as ort.Tensor));
    },
    release: () => session.release(),
  };
}

/** Traces a step into the bytes of a graph from (state, batch) to (next state, outputs). */
export function traceStep({step, state, batch}: StepDeclaration): {model: Uint8Array; outputs: TensorSpecs} {
  const inputs: TensorSpecs = {
    ...mapKeys(mapValues(state, specOf), graphName.state),
    ...mapKeys(batch, graphName.batch),
  };
  let outputNames: string[] = [];
  const body = (tensors: Tensors): Tensors => {
    const variables = mapValues(state, (_, name) => tf.variable(tensors[graphName.state(name)]!));
    try {
      const result = step(
        variables,
        mapValues(batch, (_, name) => tensors[graphName.batch(name)]!),
      );
      checkState(state, result.state);
      outputNames = Object.keys(result.outputs);
      return {...mapKeys(result.state, graphName.next), ...mapKeys(result.outputs, graphName.output)};
    } finally {
      for (const variable of Object.values(variables)) variable.dispose();
    }
  };
  const {model, outputs} = trace(body, inputs, {dialect: 'runtime'});
  const named = outputNames.map((name) => [name, outputs[graphName.output(name)]!]);
  return {model: encodeModel(model), outputs: Object.fromEntries(named) as TensorSpecs};
}

/** The next state must be able to take the place of the state. */
function checkState(state: Arrays, next: Tensors): void {
  const names = new Set([...Object.keys(state), ...Object.keys(next)]);
  for (const name of names) {
    const [before, after] = [state[name], next[name]];
    if (before !== undefined && after !== undefined) {
      const same = before.shape.join() === after.shape.join() && specOf(before).dtype === after.dtype;
      if (same) continue;
    }
    const describe = (entry: {shape: readonly number[]; dtype: string} | undefined): string =>
      entry === undefined ? 'is absent' : `is ${entry.dtype} [${entry.shape.join(', ')}]`;
    throw new StageError(
      'wrong-shape',
      `Training step: state ${name} ${describe(before && specOf(before))} before the step and ${describe(after)} after it.`,
      'Return every entry of the state, with its shape and type unchanged.',
    );
  }
}

/** Keeps the state twice, so that a run reads one copy and writes the other, and nothing is allocated. */
class TracedProgram implements Program {
  #current: Record<string, ort.Tensor>;
  #next: Record<string, ort.Tensor>;
  readonly #outputs: Record<string, ort.Tensor>;

  constructor(
    readonly session: ort.InferenceSession,
    {state}: StepDeclaration,
    outputs: TensorSpecs,
    readonly device: SessionOptions['provider'],
    readonly reason: string,
  ) {
    this.#current = mapValues(state, (value) => toTensor({...value, values: value.values.slice()}));
    this.#next = mapValues(state, (value) => emptyTensor(specOf(value)));
    this.#outputs = mapValues(outputs, emptyTensor);
  }

  async run(batch: Arrays): Promise<Arrays> {
    const feeds = {
      ...mapKeys(this.#current, graphName.state),
      ...mapKeys(mapValues(batch, toTensor), graphName.batch),
    };
    const fetches = {...mapKeys(this.#next, graphName.next), ...mapKeys(this.#outputs, graphName.output)};
    await this.session.run(feeds, fetches);
    [this.#current, this.#next] = [this.#next, this.#current];
    return mapValues(this.#outputs, toArray);
  }

  state(): Promise<Arrays> {
    return Promise.resolve(mapValues(this.#current, toArray));
  }

  load(state: Arrays): Promise<void> {
    this.#current = mapValues(state, (value) => toTensor({...value, values: value.values.slice()}));
    return Promise.resolve();
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

function specOf({shape, values}: ArrayValue): TensorSpec {
  return {shape, dtype: values instanceof Float32Array ? 'float32' : 'int32'};
}

function constantTensor({shape, values}: ArrayValue): tf.Tensor {
  return tf.tensor(values, [...shape], values instanceof Float32Array ? 'float32' : 'int32');
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  convert: (value: A, name: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, convert(value, name)]));
}

function mapKeys<A>(record: Readonly<Record<string, A>>, rename: (name: string) => string): Record<string, A> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [rename(name), value]));
}
