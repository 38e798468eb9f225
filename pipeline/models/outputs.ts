/** What can be taken out of a network: its outputs, and the tensors inside it. */
import {stat} from 'node:fs/promises';
import type {InferenceSession} from 'onnxruntime-node';
import {
  largestFileBytes,
  openGraph,
  readGraph,
  tensorNames,
  withOutputs,
} from '../../stages/learning/onnx/add-output.js';
import type {GraphProto, ModelProto, NodeProto} from '../../stages/learning/onnx/model.js';
import {openModel} from '../../stages/learning/open-model.js';
import {ModelError} from './errors.js';

export interface NetworkTensor {
  readonly name: string;
  /** The operator that computes it, such as Gemm. */
  readonly operator: string;
  readonly type: string;
  /** As ONNX Runtime infers it; '?' for a size that only a run decides, undefined where nothing is known. */
  readonly shape: readonly (number | string)[] | undefined;
  readonly isOutput: boolean;
  /** Whether it is what the last dense layer reads: features, before they become classes or an embedding. */
  readonly isBeforeLastLayer: boolean;
}

/**
 * Every tensor of a network that depends on its inputs, in the order of the file.
 *
 * @throws ModelError 'bad-option' for one that is too large; StageError 'bad-model' where ONNX Runtime refuses the file.
 */
export async function networkTensors(file: string): Promise<NetworkTensor[]> {
  const model = await readGraph(file);
  if (model === undefined) throw await unreadable(file);
  const graph = model.graph!;
  const operators = new Map(nodesOf(graph).flatMap((node) => (node.output ?? []).map((name) => [name, node.opType])));
  const varying = dependents(graph);
  const names = [...new Set(tensorNames(graph))].filter((name) => varying.has(name));
  const seen = await metadataOf(model, names, file);
  const outputs = new Set((graph.output ?? []).map(({name}) => name));
  const features = new Set([...outputs].map((name) => beforeLastLayer(graph, name ?? '', varying)));
  return names.map((name) => {
    const {type, shape} = seen.get(name)!;
    return {
      name,
      operator: operators.get(name) ?? '',
      type,
      shape,
      isOutput: outputs.has(name),
      isBeforeLastLayer: features.has(name),
    };
  });
}

/** Opening the file tells what is wrong with it; a file that opens was too large to be read here. */
async function unreadable(file: string): Promise<unknown> {
  const {size} = await stat(file);
  if (size <= largestFileBytes) {
    try {
      await (await openModel(file, {})).session.release();
    } catch (error) {
      return error;
    }
  }
  return new ModelError(
    'bad-option',
    `${file} has ${size} bytes; a network of more than 2 GB in one file cannot be taken apart`,
    'Save it with its weights in a second file: onnx.save(model, file, save_as_external_data=True).',
  );
}

/** Types and shapes as ONNX Runtime infers them, asked for by making every tensor an output. */
async function metadataOf(model: ModelProto, names: readonly string[], file: string) {
  // Nothing is run, so nothing has to be optimised.
  const session = await openGraph(withOutputs(model, names, file), file, {
    options: {executionProviders: ['cpu'], graphOptimizationLevel: 'disabled', intraOpNumThreads: 1},
  });
  try {
    return new Map(session.outputMetadata.map((seen) => [seen.name, described(seen)]));
  } finally {
    await session.release();
  }
}

function described(seen: InferenceSession.ValueMetadata) {
  if (!seen.isTensor) return {type: 'not a tensor', shape: undefined};
  return {type: seen.type, shape: seen.shape.map((size) => (size === '' ? '?' : size))};
}

const nodesOf = ({node = []}: GraphProto): readonly NodeProto[] => node;

/** Names of what depends on an input; the rest is constant. */
function dependents(graph: GraphProto): Set<string> {
  const weights = new Set((graph.initializer ?? []).map(({name}) => name));
  const found = new Set((graph.input ?? []).flatMap(({name = ''}) => (weights.has(name) ? [] : [name])));
  for (const {input = [], output = [], attribute = []} of nodesOf(graph)) {
    const hasBody = attribute.some(({g}) => g !== undefined);
    if (hasBody || input.some((name) => found.has(name))) for (const name of output) if (name !== '') found.add(name);
  }
  return found;
}

const dense = new Set(['Gemm', 'MatMul', 'FusedMatMul', 'FusedGemm', 'MatMulInteger', 'QGemm', 'MatMulNBits']);
/** What may stand between the last layer and the output. */
const afterwards = new Set(
  'Add Sub Mul Div Identity Cast Reshape Flatten Squeeze Unsqueeze Softmax LogSoftmax Sigmoid Tanh Clip Relu Slice Split Concat BatchNormalization Dropout LpNormalization'.split(
    ' ',
  ),
);

/** What the last dense layer before an output reads; undefined where another kind of layer comes first. */
function beforeLastLayer(graph: GraphProto, output: string, varying: ReadonlySet<string>): string | undefined {
  const producers = new Map(nodesOf(graph).flatMap((node) => (node.output ?? []).map((name) => [name, node])));
  let names = [output];
  for (let steps = 0; steps < 12 && names.length > 0; steps++) {
    const nodes = names.flatMap((name) => producers.get(name) ?? []);
    const last = nodes.find(
      ({opType = '', input = []}) => dense.has(opType) && input.filter((name) => varying.has(name)).length === 1,
    );
    if (last !== undefined) return last.input!.find((name) => varying.has(name));
    if (!nodes.every(({opType = ''}) => afterwards.has(opType))) return undefined;
    names = nodes.flatMap(({input = []}) => input.filter((name) => varying.has(name)));
  }
  return undefined;
}
