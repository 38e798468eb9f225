/** Any ONNX network from arrays of one shape to vectors: patches of sound, raw samples, clips of frames. */
import {StageError} from '../errors.js';
import type {ModelContract, Size} from '../learning/model-contract.js';
import {openWithOutputs} from '../learning/onnx/add-output.js';

export interface VectorNetworkOptions {
  readonly path: string;
  /** Shape of one item, without the batch. */
  readonly itemShape: readonly number[];
  /** Meaning of the axes, for messages, such as 'NCHW'. */
  readonly layout: string;
  /** Name of the output; needed where the network has several. */
  readonly output?: string | undefined;
  /** Whether an output of rank 3 is [items, steps, values], to be averaged over the steps. */
  readonly averageSteps: boolean;
  readonly threads: number;
  /** Items per call where the network takes any number; 8 where absent. */
  readonly freeBatchSize?: number;
}

export interface VectorNetwork extends AsyncDisposable {
  /** Items per call; a call with fewer is filled up with zeros, so that a vector never depends on its company. */
  readonly batchSize: number;
  embed(items: readonly Float32Array[]): Promise<Float32Array[]>;
}

export interface FrameVector {
  readonly frameIndex: number;
  readonly vector: Float32Array;
}

/** What the network reads for a frame; no values where the vector of the frame before is to be repeated. */
export interface Item {
  readonly frameIndex: number;
  readonly values: Float32Array | undefined;
}

/** @throws StageError 'bad-model' where the file is no network that takes such items. */
export async function openVectorNetwork(options: VectorNetworkOptions): Promise<VectorNetwork> {
  const {path, itemShape, threads, averageSteps, freeBatchSize = 8} = options;
  const {Tensor} = await import('onnxruntime-node');
  const {session, checked} = await openWithOutputs(path, {
    contract: contractOf(options),
    options: {executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1},
  });
  const {batch, inputs, outputs} = checked;
  const [input, output] = [inputs[0]!, outputs[0]!];
  const batchSize = batch === 'dynamic' ? freeBatchSize : batch;
  const itemLength = itemShape.reduce((product, size) => product * size, 1);
  return {
    batchSize,
    async embed(items) {
      const values = new Float32Array(batchSize * itemLength);
      for (const [index, item] of items.entries()) values.set(item, index * itemLength);
      const feeds = {[input]: new Tensor('float32', values, [batchSize, ...itemShape])};
      const result = (await session.run(feeds, [output]))[output]!;
      if (!(result.data instanceof Float32Array)) throw wrongShape(path, result.dims, batchSize);
      return vectorsOf(result.data, {dims: result.dims, batchSize, averageSteps, path}).slice(0, items.length);
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

/** Embeds items in batches; one vector per item, in order. */
export async function* embedded(
  network: VectorNetwork,
  items: AsyncIterable<Item>,
): AsyncGenerator<FrameVector, void, undefined> {
  let group: Item[] = [];
  let last: Float32Array | undefined;
  const flush = async function* () {
    const given = group.flatMap(({values}) => values ?? []);
    const vectors = given.length === 0 ? [] : await network.embed(given);
    let next = 0;
    for (const {frameIndex, values} of group) {
      if (values) last = vectors[next++];
      yield {frameIndex, vector: last!};
    }
    group = [];
  };
  for await (const item of items) {
    if (item.values && group.filter(({values}) => values).length === network.batchSize) yield* flush();
    group.push(item);
  }
  if (group.length > 0) yield* flush();
}

function contractOf({path, itemShape, layout, output}: VectorNetworkOptions): ModelContract {
  const shape: Size[] = ['N', ...itemShape];
  return {
    model: path,
    inputs: [{name: null, type: 'float32', shape, layout}],
    outputs: [{name: output ?? null, type: 'float32', shape: null, meaning: 'one vector per item'}],
    parameters: {output: 'the parameter output beside model'},
  };
}

interface OutputShape {
  readonly dims: readonly number[];
  readonly batchSize: number;
  readonly averageSteps: boolean;
  readonly path: string;
}

function vectorsOf(data: Float32Array, {dims, batchSize, averageSteps, path}: OutputShape): Float32Array[] {
  if (dims[0] !== batchSize || data.length === 0) throw wrongShape(path, dims, batchSize);
  const length = data.length / batchSize;
  const flat = Array.from({length: batchSize}, (_, index) => data.slice(index * length, (index + 1) * length));
  return averageSteps && dims.length === 3 ? flat.map((values) => meanOverSteps(values, dims[2]!)) : flat;
}

/** [steps, width] → [width] */
function meanOverSteps(values: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  for (let k = 0; k < values.length; k++) sums[k % width]! += values[k]!;
  return Float32Array.from(sums, (sum) => (sum * width) / values.length);
}

function wrongShape(path: string, dims: readonly number[], batchSize: number): StageError {
  return new StageError(
    'wrong-shape',
    `The network ${path} gives values of shape [${dims.join(', ')}], where ${batchSize} vectors are expected.`,
    'Choose an output with one vector per item, by the parameter output.',
  );
}
