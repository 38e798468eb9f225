/**
 * A trained model as an ONNX file that any runtime runs: the forward pass in the operators of ONNX alone, the weights as
 * initialisers under their own names.
 */
import type {GraphProto, ModelProto, TensorProto} from './onnx/model.js';
import {decodeModel, encodeModel} from './onnx/model.js';
import {tensorProto, tensorValues} from './onnx/tensor.js';
import type {Arrays, ArrayValue, TensorSpecs, Tensors} from './program.js';
import {mapValues, specOf, specsOf} from './records.js';
import {trace} from './trace/trace.js';
import {StageError} from '../errors.js';

export type Forward = (weights: Tensors, inputs: Tensors) => Tensors;

export interface ExportOptions {
  /** Facts about the model, such as its training and licence, that the file shall carry. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a forward pass for inputs of fixed shapes as the bytes of an .onnx file. Tensors that `forward` closed over
 * become constants without a name. Throws StageError 'unsupported-op' where the forward pass cannot be traced, and
 * 'bad-weights' where two of weights, inputs and outputs share a name.
 */
export function exportForward(
  forward: Forward,
  weights: Arrays,
  inputs: TensorSpecs,
  {metadata = {}}: ExportOptions = {},
): Uint8Array {
  const body = (tensors: Tensors): Tensors =>
    forward(
      mapValues(weights, (_, name) => tensors[name]!),
      mapValues(inputs, (_, name) => tensors[name]!),
    );
  refuseRepeated([...Object.keys(weights), ...Object.keys(inputs)]);
  const {model, outputs} = trace(body, {...specsOf(weights), ...inputs}, {target: 'any'});
  refuseRepeated([...Object.keys(weights), ...Object.keys(inputs), ...Object.keys(outputs)]);
  const metadataProps = Object.entries(metadata).map(([key, value]) => ({key, value}));
  return encodeModel({...model, graph: withInitialisers(model.graph!, weights), metadataProps});
}

function refuseRepeated(names: readonly string[]): void {
  const repeated = names.find((name, at) => names.indexOf(name) !== at);
  if (repeated === undefined) return;
  throw new StageError(
    'bad-weights',
    `ONNX export: two of weights, inputs and outputs are called ${repeated}.`,
    'Give every weight, input and output a name of its own.',
  );
}

/** Turns inputs of a graph into initialisers. */
function withInitialisers(graph: GraphProto, weights: Arrays): GraphProto {
  const initialisers = Object.entries(weights).map(([name, value]) => initialiser(name, value));
  return {
    ...graph,
    input: graph.input!.filter(({name}) => !(name! in weights)),
    initializer: [...initialisers, ...graph.initializer!],
  };
}

function initialiser(name: string, value: ArrayValue): TensorProto {
  const {shape, dtype} = specOf(value);
  return tensorProto(name, {dtype, shape, values: value.values});
}

/**
 * Reads the float32 and int32 initialisers of an .onnx file by name; a file of `exportForward` has the weights among
 * them. Throws StageError 'bad-weights' for other bytes.
 */
export function importWeights(file: Uint8Array): Arrays {
  const found = initialisersOf(decodeModel(file)).flatMap((tensor) => {
    const {shape, values} = tensorValues(tensor);
    const usable = values instanceof Float32Array || values instanceof Int32Array;
    return usable && tensor.name !== undefined ? [[tensor.name, {shape, values}] as const] : [];
  });
  return Object.fromEntries(found);
}

function initialisersOf({graph}: ModelProto): readonly TensorProto[] {
  return graph?.initializer ?? [];
}
