/** Programs that are one ONNX graph each, run by ONNX Runtime. */
import * as tf from '@tensorflow/tfjs';
import type * as ort from 'onnxruntime-node';
import {encodeModel} from './onnx/model.js';
import {createSession, emptyTensor, toArray, toTensor} from './onnx/session.js';
import type {Provider, SessionOptions} from './onnx/session.js';
import type {Arrays, Inference, Program, TensorSpecs, Tensors} from './program.js';
import {mapKeys, mapValues, specsOf} from './records.js';
import {DeviceState, HostState} from './state.js';
import type {StateStore} from './state.js';
import {checkArrays, checkState} from './step.js';
import type {StepDeclaration} from './step.js';
import type {Target} from './trace/graph.js';
import {trace} from './trace/trace.js';

/** Names in the graph of a step: state and batch may share names, and state goes in and comes out. */
export const graphName = {
  state: (name: string): string => `state/${name}`,
  next: (name: string): string => `next/${name}`,
  batch: (name: string): string => `batch/${name}`,
  output: (name: string): string => `output/${name}`,
};

/**
 * Nodes above which ONNX Runtime does not optimise a graph. Its effort grows faster than the graph: 10 s for the 14,000
 * nodes of an LSTM over 300 steps, most of them too small for any gain.
 */
export const OPTIMISED_NODES = 8000;

export interface TracedStep {
  /** Bytes of the graph from (state, batch) to (next state, outputs). */
  readonly model: Uint8Array;
  /** Names of the state that the step changes; the rest it returned as it was given. */
  readonly changing: readonly string[];
  readonly outputs: TensorSpecs;
  readonly nodeCount: number;
}

/** Runs the step once under the recording backend. State reaches it as variables. */
export function traceStep({step, state, batch}: StepDeclaration, target: Target): TracedStep {
  const specs = specsOf(state);
  const inputs = {...mapKeys(specs, graphName.state), ...mapKeys(batch, graphName.batch)};
  let outputNames: string[] = [];
  let changing: string[] = [];
  const body = (tensors: Tensors): Tensors => {
    const variables = mapValues(state, (_, name) => tf.variable(tensors[graphName.state(name)]!));
    try {
      const given = mapValues(batch, (_, name) => tensors[graphName.batch(name)]!);
      const result = step(variables, given);
      checkState(specs, result.state);
      outputNames = Object.keys(result.outputs);
      changing = Object.keys(state).filter((name) => result.state[name] !== variables[name]);
      const next = Object.fromEntries(changing.map((name) => [graphName.next(name), result.state[name]!]));
      return {...next, ...mapKeys(result.outputs, graphName.output)};
    } finally {
      tf.dispose(variables);
    }
  };
  const {model, outputs} = trace(body, inputs, {target});
  const named = outputNames.map((name) => [name, outputs[graphName.output(name)]!]);
  return {
    model: encodeModel(model),
    changing,
    outputs: Object.fromEntries(named) as TensorSpecs,
    nodeCount: model.graph?.node?.length ?? 0,
  };
}

export async function compileTraced(
  declaration: StepDeclaration,
  options: SessionOptions & {readonly reason: string},
): Promise<Program> {
  const {model, changing, outputs, nodeCount} = traceStep(declaration, options.provider === 'cpu' ? 'cpu' : 'gpu');
  const {state, batch} = declaration;
  const resident = options.provider === 'webgpu';
  const session = await createSession(model, {
    ...options,
    optimise: nodeCount <= OPTIMISED_NODES,
    onDevice: resident ? changing.map(graphName.next) : [],
  });
  const store = resident ? await DeviceState.create(state, changing, options) : new HostState(state, changing);
  return new TracedProgram({session, store, outputs, batch, state: specsOf(state), ...options});
}

interface Parts {
  readonly session: ort.InferenceSession;
  readonly store: StateStore;
  readonly state: TensorSpecs;
  readonly batch: TensorSpecs;
  readonly outputs: TensorSpecs;
  readonly provider: Provider;
  readonly reason: string;
}

class TracedProgram implements Program {
  readonly device: Provider;
  readonly reason: string;
  readonly #parts: Parts;
  /** Written by every run. */
  readonly #outputs: Record<string, ort.Tensor>;

  constructor(parts: Parts) {
    this.device = parts.provider;
    this.reason = parts.reason;
    this.#parts = parts;
    this.#outputs = mapValues(parts.outputs, emptyTensor);
  }

  async run(batch: Arrays): Promise<Arrays> {
    const {session, store} = this.#parts;
    checkArrays('Batch', this.#parts.batch, specsOf(batch));
    const given = mapValues(batch, toTensor);
    const feeds = {...mapKeys(store.current, graphName.state), ...mapKeys(given, graphName.batch)};
    const fetches = {...mapKeys(store.next, graphName.next), ...mapKeys(this.#outputs, graphName.output)};
    const results = await session.run(feeds, fetches);
    store.advance(mapValues(store.next, (_, name) => results[graphName.next(name)]!));
    return mapValues(this.#outputs, (_, name) => toArray(results[graphName.output(name)]!));
  }

  state(): Promise<Arrays> {
    return this.#parts.store.read();
  }

  load(state: Arrays): Promise<void> {
    checkArrays('State', this.#parts.state, specsOf(state));
    this.#parts.store.load(state);
    return Promise.resolve();
  }

  async release(): Promise<void> {
    await this.#parts.store.release();
    await this.#parts.session.release();
  }
}

/** Prepares the bytes of an .onnx file for running. */
export async function loadTraced(model: Uint8Array, options: SessionOptions): Promise<Inference> {
  const session = await createSession(model, options);
  return {
    device: options.provider,
    run: async (inputs) => mapValues(await session.run(mapValues(inputs, toTensor)), toArray),
    release: () => session.release(),
  };
}
