/**
 * Inner tensors of a network as outputs: features before the last layer, say, which most exports do not hand out. The
 * file stays as it is; a copy of its graph in memory ends where the features are.
 *
 * Outputs are declared by name alone: ONNX Runtime finds type and shape by its own inference. (`onnx.checker` wants
 * them declared, so such a graph is nothing to save.)
 */
import {open, readFile} from 'node:fs/promises';
import path from 'node:path';
import type {InferenceSession} from 'onnxruntime-node';
import {StageError} from '../../errors.js';
import {nearest} from '../../nearest.js';
import {keptSession} from '../kept-sessions.js';
import type {CheckedModel, ModelContract} from '../model-contract.js';
import {checkedOrReleased, loadSession, loadError, quiet, quietSession} from '../open-model.js';
import {decodeModel, encodeModel, type GraphProto, type ModelProto, type NodeProto} from './model.js';

/** Bytes that one ONNX file can have at most: Protocol Buffers count in 31 bits. */
export const largestFileBytes = 2 ** 31 - 1;

export interface OpenedModel {
  readonly session: InferenceSession;
  readonly checked: CheckedModel;
}

/**
 * Opens a network as `openModel` does, where the contract's outputs may also be tensors inside the graph. It stays loaded
 * between tasks like any other, so that the file is read and cut once per process.
 *
 * @throws StageError 'bad-model', for a name that is nowhere in the network with the nearest that are.
 */
export async function openWithOutputs(
  file: string,
  {contract, options = {}}: {contract: ModelContract; options?: InferenceSession.SessionOptions},
): Promise<OpenedModel> {
  const outputs = contract.outputs.flatMap(({name}) => name ?? []);
  const {model} = contract;
  const session = await keptSession(file, {...options, outputs}, () => withTensors(file, outputs, {model, options}));
  return {session, checked: await checkedOrReleased(session, contract)};
}

interface Making {
  readonly model: string;
  readonly options: InferenceSession.SessionOptions;
}

async function withTensors(
  file: string,
  names: readonly string[],
  {model, options}: Making,
): Promise<InferenceSession> {
  const graph = names.length === 0 ? undefined : await readGraph(file);
  if (graph === undefined || names.every((name) => isOutput(graph, name)))
    return loadSession(file, {model, options: {...quiet, ...options}});
  return openGraph(withOutputs(graph, names, model), file, {model, options});
}

function isOutput({graph}: ModelProto, name: string): boolean {
  return (graph?.output ?? []).some((output) => output.name === name);
}

/** Reads a network's graph; undefined where the file is none, which ONNX Runtime can tell better. */
export async function readGraph(file: string): Promise<ModelProto | undefined> {
  try {
    await using handle = await open(file, 'r');
    const {size} = await handle.stat();
    if (size > largestFileBytes) return undefined;
    const model = decodeModel(await readFile(file));
    return model.graph?.node === undefined ? undefined : model;
  } catch {
    return undefined;
  }
}

/** Opens a graph that was read from `file` and changed; weights in a second file are looked for beside it. */
export async function openGraph(
  graph: ModelProto,
  file: string,
  {model = file, options = {}}: {model?: string; options?: InferenceSession.SessionOptions},
): Promise<InferenceSession> {
  const {InferenceSession} = await import('onnxruntime-node');
  const folder = `${path.dirname(path.resolve(file))}${path.sep}`;
  const session = {...quietSession, model_external_initializers_file_folder_path: folder};
  try {
    return await InferenceSession.create(encodeModel(graph), {...quiet, ...options, extra: {session}});
  } catch (error) {
    throw await loadError(error, {file, model});
  }
}

/**
 * The graph that gives the named tensors and nothing else, without what only later tensors need.
 *
 * @throws StageError 'bad-model' for a name that no tensor has.
 */
export function withOutputs(model: ModelProto, names: readonly string[], called: string): ModelProto {
  const graph = model.graph!;
  const known = new Set([...tensorNames(graph), ...(graph.output ?? []).map(({name = ''}) => name)]);
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) throw noTensor(unknown, graph, called);
  const node = neededNodes(graph, names);
  const used = new Set([...node.flatMap(namesRead), ...names]);
  const declared = new Map([...(graph.output ?? []), ...(graph.valueInfo ?? [])].map((info) => [info.name, info]));
  return {
    ...model,
    graph: {
      ...graph,
      node,
      initializer: (graph.initializer ?? []).filter(({name = ''}) => used.has(name)),
      // An output must not be declared twice.
      valueInfo: (graph.valueInfo ?? []).filter(({name = ''}) => used.has(name) && !names.includes(name)),
      output: names.map((name) => declared.get(name) ?? {name}),
    },
  };
}

/** Names of the tensors that nodes of the graph compute, in the order of the file. */
export function tensorNames(graph: GraphProto): string[] {
  return (graph.node ?? []).flatMap(({output = []}) => output).filter((name) => name !== '');
}

/** The nodes that the named tensors depend on, in their order. */
function neededNodes(graph: GraphProto, names: readonly string[]): NodeProto[] {
  const wanted = new Set(names);
  // Nodes stand in topological order, so one pass from the end sees every reader before what it reads.
  return (graph.node ?? [])
    .toReversed()
    .filter((node) => {
      if (!(node.output ?? []).some((name) => wanted.has(name))) return false;
      for (const name of namesRead(node)) wanted.add(name);
      return true;
    })
    .toReversed();
}

/** What a node reads, also from inside the branches of an If or the body of a Loop. */
function namesRead({input = [], attribute = []}: NodeProto): string[] {
  return [...input, ...attribute.flatMap(({g}) => (g?.node ?? []).flatMap(namesRead)), ...bodyOutputs(attribute)];
}

/** A branch may hand out an outer tensor as it is. */
function bodyOutputs(attribute: NonNullable<NodeProto['attribute']>): string[] {
  return attribute.flatMap(({g}) => (g?.output ?? []).map(({name = ''}) => name));
}

/** How many near names an error shows. */
const shownCount = 3;

function noTensor(name: string, graph: GraphProto, called: string): StageError {
  const outputs = (graph.output ?? []).map((output) => output.name ?? '');
  const names = new Set([...outputs, ...tensorNames(graph)]);
  const near: string[] = [];
  for (let next = nearest(name, names); next !== undefined && near.length < shownCount; next = nearest(name, names)) {
    near.push(next);
    names.delete(next);
  }
  const guess = near.length === 0 ? '' : `Did you mean ${near.map((one) => `'${one}'`).join(' or ')}? `;
  return new StageError(
    'bad-model',
    `model ${called}: it has no tensor '${name}'. Its outputs are ${outputs.map((one) => `'${one}'`).join(', ')}.`,
    `${guess}\`affectflow models outputs ${called}\` lists every tensor.`,
  );
}
