/**
 * Records tfjs code as an ONNX graph. An ordinary tfjs function is called once with tensors that hold no numbers;
 * every kernel it runs, also those of gradients, becomes a node of a graph, which ONNX Runtime or any other runtime
 * then executes. What the function decides while it runs (loops, shapes, options) is fixed in the graph; what it
 * computes is not.
 *
 *     const model = trace((inputs) => ({y: tf.matMul(inputs.x, inputs.w)}), {x: …, w: …});
 *
 * Read in this order: `graph.ts` (values and nodes), `operations.ts` (what is recorded for an operation),
 * `elementwise.ts` and its neighbours (one entry for each tfjs kernel), `backend.ts` (tensors that are values).
 */
import type * as tf from '@tensorflow/tfjs';
import {traceBackend} from './backend.js';
import {Graph} from './graph.js';
import type {GraphOptions, Value} from './graph.js';
import {cast} from './operations.js';
import type {ModelProto} from '../onnx/model.js';
import {installGradients} from '../gradients.js';
import type {TensorSpecs, Tensors} from '../program.js';
import {StageError} from '../../errors.js';

export interface Trace {
  readonly model: ModelProto;
  /** What the function returned; booleans have become int32. */
  readonly outputs: TensorSpecs;
}

/**
 * Calls `body` once and returns the graph it amounts to. Tensors of other backends that it uses become constants.
 * Throws StageError 'unsupported-op', naming the operation and the calling line, for what cannot be recorded.
 */
export function trace(body: (inputs: Tensors) => Tensors, inputs: TensorSpecs, options: GraphOptions): Trace {
  installGradients();
  const backend = traceBackend();
  const graph = new Graph(options);
  const results = backend.record(graph, () => {
    const tensors = Object.entries(inputs).map(([name, spec]) => [name, backend.tensor(graph.input(name, spec))]);
    const returned = body(Object.fromEntries(tensors) as Tensors) as Tensors | Promise<unknown>;
    if (returned instanceof Promise) refusePromise(returned);
    return Object.entries(returned).map(([name, tensor]) => [name, outputValue(name, tensor, backend)] as const);
  });
  const specs = results.map(([name, {shape, dtype}]) => [name, {shape, dtype}]);
  return {
    model: graph.model(Object.fromEntries(results)),
    outputs: Object.fromEntries(specs) as TensorSpecs,
  };
}

function refusePromise(promise: Promise<unknown>): never {
  promise.catch(() => undefined);
  throw new StageError(
    'unsupported-op',
    'A traced step returned a promise: it waits for a value, whose numbers exist only when the step runs.',
    'Let the step finish without waiting; pass what it needs to know as part of the batch.',
  );
}

function outputValue(name: string, tensor: tf.Tensor | undefined, backend: ReturnType<typeof traceBackend>): Value {
  // Code without types may return anything.
  if (tensor?.dataId === undefined) {
    throw new StageError(
      'unsupported-op',
      `A traced step returned ${typeof tensor} for ${name}, not a tensor.`,
      'Return a record of tensors.',
    );
  }
  const value = backend.value(tensor);
  return value.dtype === 'bool' ? cast(value, 'int32') : value;
}
