/** ONNX Runtime, as far as this project uses it: a graph of fixed shapes on one execution provider. */
import * as ort from 'onnxruntime-node';
import {quietSession} from '../open-model.js';
import type {ModelProto} from './model.js';
import {dataTypes, nodeProto} from './tensor.js';
import type {ArrayValue, TensorSpec} from '../program.js';
import {StageError} from '../../errors.js';

export type Provider = 'cpu' | 'webgpu' | 'cuda';

export interface SessionOptions {
  readonly provider: Provider;
  /** Threads of the CPU provider. */
  readonly threads: number;
  /** Whether ONNX Runtime looks for a faster form of the graph; true where absent. */
  readonly optimise?: boolean;
  /** Outputs that stay in the memory of the graphics card. */
  readonly onDevice?: readonly string[];
  /**
   * Whether the threads wait for the next run by looking again and again, which saves time where run follows run, as
   * training steps do. Between runs of small networks it takes the cores from whoever prepares the next. True where absent.
   */
  readonly spinning?: boolean;
}

/**
 * Prepares a graph for running. Throws StageError 'no-device' where the provider cannot run it; ONNX Runtime would
 * otherwise fall back only for operators, never for a whole provider.
 */
export async function createSession(
  model: Uint8Array,
  {provider, threads, optimise = true, onDevice = [], spinning = true}: SessionOptions,
): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: [provider],
      graphOptimizationLevel: optimise ? 'all' : 'disabled',
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // The plan of a first run would be a second block of memory beside what that run had taken: half as much again.
      enableMemPattern: false,
      ...(onDevice.length === 0
        ? {}
        : {preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, 'gpu-buffer'] as const))}),
      ...(spinning ? {} : {extra: {session: quietSession}}),
      // Only errors: warnings about nodes that stay on the CPU are expected, and nothing but the logger prints.
      logSeverityLevel: 3,
    });
  } catch (cause) {
    throw new StageError(
      'no-device',
      `ONNX Runtime could not prepare a graph for ${provider}: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Run affectflow doctor to see which devices work here, or use --device cpu.',
      {cause},
    );
  }
}

/** The output that ends the conversion of outputs. */
const END_OF_OUTPUTS = 'end';
const CONVERSION_ENDED = /^Non tensor type/;

/**
 * A graph whose outputs are only written where the caller wants them. onnxruntime-node 1.30 copies every output into a
 * new ArrayBuffer, also one that was written into given memory: of a training step, all weights and moments, up to a
 * fifth of its time. It converts outputs in their order, and gives up at one that is no tensor, so the first is none.
 */
export function writingInPlace({graph, ...model}: ModelProto): ModelProto {
  const element = {tensorType: {elemType: dataTypes.float32}};
  const end = {name: END_OF_OUTPUTS, type: {sequenceType: {elemType: element}}};
  const node = [...graph!.node!, nodeProto('SequenceEmpty', [], [END_OF_OUTPUTS])];
  return {...model, graph: {...graph!, node, output: [end, ...graph!.output!]}};
}

export type Tensors = Readonly<Record<string, ort.Tensor>>;

/**
 * A session and what its next run reads and writes, by name: kept from run to run, since of a record of hundreds of
 * names that is made for each run, V8 keeps the hidden class for minutes.
 */
export class BoundSession {
  readonly feeds: Record<string, ort.Tensor> = {};
  /** Null for outputs that a run makes; a graph of `writingInPlace` needs a tensor for each. */
  readonly fetches: Record<string, ort.Tensor | null> = {};

  constructor(readonly session: ort.InferenceSession) {
    if (session.outputNames[0] === END_OF_OUTPUTS) this.fetches[END_OF_OUTPUTS] = null;
  }

  /** Returns the outputs, which are those of `fetches` where it has them. */
  async run(): Promise<Tensors> {
    try {
      return (await this.session.run(this.feeds, this.fetches)) as Tensors;
    } catch (error) {
      const ended = END_OF_OUTPUTS in this.fetches && error instanceof Error && CONVERSION_ENDED.test(error.message);
      if (!ended) throw error;
      return this.fetches as Tensors;
    }
  }
}

/** Sets entries of a record under other names. */
export function assign<A>(
  target: Record<string, A>,
  source: Readonly<Record<string, A>>,
  rename: (name: string) => string,
): void {
  for (const [name, value] of Object.entries(source)) target[rename(name)] = value;
}

/** A tensor that shares memory with `values`. */
export function toTensor({shape, values}: ArrayValue): ort.Tensor {
  return values instanceof Float32Array
    ? new ort.Tensor('float32', values, shape)
    : new ort.Tensor('int32', values, shape);
}

/** A tensor of zeros that a run may write into. */
export function emptyTensor({shape, dtype}: TensorSpec): ort.Tensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return toTensor({shape, values: dtype === 'float32' ? new Float32Array(length) : new Int32Array(length)});
}

/** The values of a tensor in the CPU's memory; a copy, since later runs write into the same memory. */
export function toArray(tensor: ort.Tensor): ArrayValue {
  return {shape: tensor.dims, values: (tensor.data as Float32Array | Int32Array).slice()};
}
