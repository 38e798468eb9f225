/** Any ONNX network from face crops to vectors, such as IR-50, w600k_r50 or FER+. */
import type * as ort from 'onnxruntime-node';
import {StageError} from '../errors.js';
import type {ModelContract} from '../learning/model-contract.js';
import {openWithOutputs} from '../learning/onnx/add-output.js';
import {openModel} from '../learning/open-model.js';
import type {ImageBackbone} from './backbone.js';
import {channelCount, writeImage, type ImageFormat} from './image-input.js';
import {unitLength} from './unit-length.js';

export interface OnnxBackboneOptions {
  readonly path: string;
  readonly format: ImageFormat;
  /** Name of the output; needed where the network has several. */
  readonly output?: string | undefined;
  /** Whether vectors are scaled to length 1. */
  readonly normalise: 'none' | 'l2';
  readonly threads: number;
}

/** Images per call for networks that take any number. */
const freeBatchSize = 8;

/** @throws StageError 'bad-model' where the file is no network that takes such images. */
export async function openOnnxBackbone(options: OnnxBackboneOptions): Promise<ImageBackbone> {
  const {path, format, threads} = options;
  const {session, checked} = await openWithOutputs(path, {
    contract: contractOf(options),
    options: {executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1},
  }).catch(async (error: unknown) => {
    throw (await readsClips(path)) ? clipNetwork(path, error) : error;
  });
  const {batch, inputs, outputs} = checked;
  const [input, output] = [inputs[0]!, outputs[0]!];
  const batchSize = batch === 'dynamic' ? freeBatchSize : batch;
  const valuesPerImage = format.inputSize ** 2 * channelCount(format);
  // One for all batches, which come one after the other: megabytes that are asked for anew cost more than filling them.
  const values = new Float32Array(batchSize * valuesPerImage);
  return {
    batchSize,
    async embed(images) {
      values.fill(0, images.length * valuesPerImage);
      for (const [index, image] of images.entries()) writeImage(image, format, values, index * valuesPerImage);
      const {Tensor} = await import('onnxruntime-node');
      const feeds = {[input]: new Tensor('float32', values, [batchSize, ...imageShape(format)])};
      const result = (await session.run(feeds, [output]))[output]!;
      const vectors = vectorsOf(result, batchSize, path).slice(0, images.length);
      return options.normalise === 'l2' ? vectors.map(unitLength) : vectors;
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

/** Whether the network's only input has an axis of time beside batch, channels, rows and columns. */
async function readsClips(path: string): Promise<boolean> {
  const opened = await openModel(path, {}).catch(() => undefined);
  const inputs = opened?.session.inputMetadata ?? [];
  await opened?.session.release();
  return inputs.length === 1 && inputs[0]!.isTensor && inputs[0]!.shape.length === 5;
}

function clipNetwork(path: string, cause: unknown): StageError {
  return new StageError(
    'bad-model',
    `The network ${path} reads clips of several frames: ${cause instanceof Error ? cause.message : String(cause)}`,
    'Say which frames a clip has, by visual-embedding.onnx.clip: {frames: 8, dilation: 4}, as for R(2+1)D-18.',
    {cause},
  );
}

function contractOf({path, format, output}: OnnxBackboneOptions): ModelContract {
  const layout = format.layout.toUpperCase();
  return {
    model: path,
    inputs: [{name: null, type: 'float32', shape: ['N', ...imageShape(format)], layout}],
    outputs: [{name: output ?? null, type: 'float32', shape: null, meaning: 'one vector per image'}],
    parameters: {
      input: 'resizeTo, inputSize, channels and layout of visual-embedding.onnx',
      output: 'visual-embedding.onnx.output',
    },
  };
}

function imageShape({layout, inputSize, channels}: ImageFormat): number[] {
  const count = channelCount({channels});
  return layout === 'nchw' ? [count, inputSize, inputSize] : [inputSize, inputSize, count];
}

function vectorsOf({data, dims}: ort.Tensor, batchSize: number, path: string): Float32Array[] {
  if (!(data instanceof Float32Array) || dims[0] !== batchSize || data.length === 0) {
    throw new StageError(
      'wrong-shape',
      `The network ${path} gives values of shape [${dims.join(', ')}], where ${batchSize} vectors are expected.`,
      'Choose an output with one vector per image, by the parameter onnx.output.',
    );
  }
  const width = data.length / batchSize;
  return Array.from({length: batchSize}, (_, index) => data.slice(index * width, (index + 1) * width));
}
