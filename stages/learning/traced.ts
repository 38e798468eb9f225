/** Programs that are one ONNX graph each, run by ONNX Runtime. */
import * as tf from '@tensorflow/tfjs';
import type {ModelProto} from './onnx/model.js';
import {encodeModel} from './onnx/model.js';
import {assign, BoundSession, createSession, emptyTensor, toArray, toTensor, writingInPlace} from './onnx/session.js';
import type {SessionOptions} from './onnx/session.js';
import type {Arrays, Inference, Program, TensorSpecs, Tensors} from './program.js';
import {mapKeys, mapValues, specsOf} from './records.js';
import {DeviceState, HostState} from './state.js';
import type {StateStore} from './state.js';
import {checkState} from './step.js';
import type {StepDeclaration} from './step.js';
import {tracedProgram} from './traced-program.js';
import type {Target} from './trace/graph.js';
import {trace} from './trace/trace.js';

/** Names in the graph of a step: state and batch may share names, and state goes in and comes out. */
export const graphName = {
  state: (name: string): string => `state/${name}`,
  next: (name: string): string => `next/${name}`,
  batch: (name: string): string => `batch/${name}`,
  output: (name: string): string => `output/${name}`,
};

export interface TracedStep {
  /** The graph from (state, batch) to (next state, outputs). */
  readonly model: ModelProto;
  /** Names of the state that the step changes; the rest it returned as it was given. */
  readonly changing: readonly string[];
  readonly outputs: TensorSpecs;
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
  return {model, changing, outputs: Object.fromEntries(named) as TensorSpecs};
}

export async function compileTraced(
  declaration: StepDeclaration,
  options: SessionOptions & {readonly reason: string},
): Promise<Program> {
  const {provider, reason} = options;
  const {model, changing, outputs} = traceStep(declaration, provider === 'cpu' ? 'cpu' : 'gpu');
  const {state} = declaration;
  const resident = provider === 'webgpu';
  const session = await createSession(encodeModel(resident ? model : writingInPlace(model)), {
    ...options,
    optimise: false,
    onDevice: resident ? changing.map(graphName.next) : [],
  });
  const store: StateStore = resident
    ? await DeviceState.create(state, changing, options)
    : new HostState(state, changing);
  const bound = new BoundSession(session);
  assign(bound.fetches, mapValues(outputs, emptyTensor), graphName.output);
  const take = async ([batch]: readonly Arrays[]): Promise<Arrays[]> => {
    assign(bound.feeds, store.current, graphName.state);
    assign(bound.feeds, mapValues(batch!, toTensor), graphName.batch);
    assign(bound.fetches, store.next, graphName.next);
    const results = await bound.run();
    store.advance(mapValues(store.next, (_, name) => results[graphName.next(name)]!));
    return [mapValues(outputs, (_, name) => toArray(results[graphName.output(name)]!))];
  };
  return tracedProgram({declaration, provider, reason, session, store, take});
}

/** Prepares the bytes of an .onnx file for running. */
export async function loadTraced(model: Uint8Array, options: SessionOptions): Promise<Inference> {
  const session = await createSession(model, {...options, spinning: false});
  return {
    device: options.provider,
    run: async (inputs) => mapValues(await session.run(mapValues(inputs, toTensor)), toArray),
    release: () => session.release(),
  };
}
