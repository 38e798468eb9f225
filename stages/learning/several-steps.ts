/**
 * Several training steps in one call: the graph of a step becomes the body of an ONNX Loop. Where onnxruntime-node keeps
 * no state on a device between calls, as on CUDA, weights and moments then cross the bus once for several steps.
 */
import * as ort from 'onnxruntime-node';
import type {GraphProto, ModelProto, NodeProto, ValueInfoProto} from './onnx/model.js';
import {encodeModel} from './onnx/model.js';
import {sizeOf} from './layers/declaration.js';
import {assign, BoundSession, createSession, emptyTensor, toArray, toTensor, writingInPlace} from './onnx/session.js';
import type {SessionOptions} from './onnx/session.js';
import {nodeProto, tensorProto, valueInfo} from './onnx/tensor.js';
import type {Arrays, ArrayValue, Program, TensorSpec, TensorSpecs} from './program.js';
import {mapValues} from './records.js';
import {HostState} from './state.js';
import type {StepDeclaration} from './step.js';
import {graphName, traceStep} from './traced.js';
import {tracedProgram} from './traced-program.js';

/** Batches that wait to be computed together: the state's share of the traffic falls to an eighth. */
const STEPS_PER_CALL = 8;

/** Number of the attribute type GRAPH of AttributeProto.AttributeType. */
const GRAPH_ATTRIBUTE = 5;

/** Names of the graph around the loop; those of the step are taken. */
const outerName = {
  initial: (name: string): string => `initial/${name}`,
  last: (name: string): string => `last/${name}`,
  all: (name: string): string => `all/${name}`,
  each: (name: string): string => `each/${name}`,
  count: 'count',
};

interface Names {
  /** State that the step changes. */
  readonly changing: readonly string[];
  readonly batch: TensorSpecs;
  readonly outputs: TensorSpecs;
}

/**
 * The graph of a step, repeated: from (state, stacked batches, their count) to (state after the last, stacked outputs).
 * State that the step leaves alone is read inside the loop from around it.
 */
export function loopOf({graph, ...model}: ModelProto, {changing, batch, outputs}: Names): ModelProto {
  const {input = [], output = []} = graph!;
  const inputNamed = new Map(input.map((info) => [info.name!, info]));
  const outputNamed = new Map(output.map((info) => [info.name!, info]));
  const carried = changing.map((name) => inputNamed.get(graphName.state(name))!);
  const batches = Object.entries(batch);
  const isFrozen = ({name}: ValueInfoProto): boolean =>
    name!.startsWith(graphName.state('')) && !carried.some((info) => info.name === name);
  const body: GraphProto = {
    ...graph!,
    name: 'step',
    node: [
      ...batches.map(([name]) => nodeProto('Gather', [outerName.all(name), 'iteration'], [graphName.batch(name)])),
      ...graph!.node!,
      nodeProto('Identity', ['condition'], ['condition/next']),
    ],
    input: [valueInfo('iteration', 'int64', []), valueInfo('condition', 'bool', []), ...carried],
    output: [
      valueInfo('condition/next', 'bool', []),
      ...changing.map((name) => outputNamed.get(graphName.next(name))!),
      ...Object.keys(outputs).map((name) => outputNamed.get(graphName.output(name))!),
    ],
  };
  const stacked = (rename: (name: string) => string, specs: TensorSpecs): ValueInfoProto[] =>
    Object.entries(specs).map(([name, {dtype, shape}]) => valueInfo(rename(name), dtype, ['K', ...shape]));
  const renamed = (rename: (name: string) => string): ValueInfoProto[] =>
    changing.map((name, at) => ({...carried[at]!, name: rename(name)}));
  return {
    ...model,
    graph: {
      name: 'steps',
      node: [loopNode(body, changing, Object.keys(outputs))],
      initializer: [tensorProto('true', {dtype: 'bool', shape: [], values: Uint8Array.of(1)})],
      input: [
        valueInfo(outerName.count, 'int64', []),
        ...renamed(outerName.initial),
        ...input.filter(isFrozen),
        ...stacked(outerName.all, batch),
      ],
      output: [...renamed(outerName.last), ...stacked(outerName.each, outputs)],
    },
  };
}

function loopNode(body: GraphProto, changing: readonly string[], outputs: readonly string[]): NodeProto {
  const read = [outerName.count, 'true', ...changing.map(outerName.initial)];
  const written = [...changing.map(outerName.last), ...outputs.map(outerName.each)];
  return {...nodeProto('Loop', read, written), attribute: [{name: 'body', type: GRAPH_ATTRIBUTE, g: body}]};
}

/** Compiles a step as a program that takes several steps in a call of `runSteps`, and one in a call of `run`. */
export async function compileSeveral(
  declaration: StepDeclaration,
  options: SessionOptions & {readonly reason: string},
): Promise<Program> {
  const {state, batch} = declaration;
  const {provider, reason} = options;
  const {model, changing, outputs} = traceStep(declaration, provider === 'cpu' ? 'cpu' : 'gpu');
  const loop = writingInPlace(loopOf(model, {changing, batch, outputs}));
  const session = await createSession(encodeModel(loop), {...options, optimise: false});
  const store = new HostState(state, changing);
  const bound = new BoundSession(session);
  const readName = (name: string): string =>
    changing.includes(name) ? outerName.initial(name) : graphName.state(name);
  /** Room for the batches of a call. */
  const stacks = mapValues(batch, (spec) => new Stack(spec));
  const take = async (batches: readonly Arrays[]): Promise<Arrays[]> => {
    const stacked = mapValues(stacks, (stack, name) => stack.fill(batches.map((each) => each[name]!)));
    const written = mapValues(outputs, ({dtype, shape}) => emptyTensor({dtype, shape: [batches.length, ...shape]}));
    assign(bound.feeds, store.current, readName);
    assign(bound.feeds, stacked, outerName.all);
    bound.feeds[outerName.count] = new ort.Tensor('int64', BigInt64Array.of(BigInt(batches.length)), []);
    assign(bound.fetches, store.next, outerName.last);
    assign(bound.fetches, written, outerName.each);
    await bound.run();
    store.advance();
    const each = mapValues(outputs, (spec, name) => unstacked(toArray(written[name]!), spec));
    return batches.map((_, step) => mapValues(each, (values) => values[step]!));
  };
  return tracedProgram({declaration, provider, reason, session, store, take, stepsPerCall: STEPS_PER_CALL});
}

/** Memory for up to `STEPS_PER_CALL` arrays, one after the other; grows where there are more. */
class Stack {
  #values: ArrayValue['values'] = new Float32Array();

  constructor(readonly spec: TensorSpec) {}

  fill(arrays: readonly ArrayValue[]): ort.Tensor {
    const {shape, dtype} = this.spec;
    const size = sizeOf(shape);
    if (this.#values.length < arrays.length * size) {
      const length = Math.max(arrays.length, STEPS_PER_CALL) * size;
      this.#values = dtype === 'float32' ? new Float32Array(length) : new Int32Array(length);
    }
    for (const [at, {values}] of arrays.entries()) this.#values.set(values, at * size);
    return toTensor({shape: [arrays.length, ...shape], values: this.#values.subarray(0, arrays.length * size)});
  }
}

/** Takes apart what is stacked along the first axis. */
function unstacked({shape: [count = 0], values}: ArrayValue, {shape}: TensorSpec): ArrayValue[] {
  const size = sizeOf(shape);
  return Array.from({length: count}, (_, at) => ({shape, values: values.slice(at * size, (at + 1) * size)}));
}
