/** Any ONNX network from face crops to vectors, such as IR-50, w600k_r50 or FER+. */
import * as ort from 'onnxruntime-node';
import {StageError} from '../errors.js';
import type {ImageBackbone} from './backbone.js';
import {channelCount, writeImage, type ImageFormat} from './image-input.js';

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

/**
 * @throws StageError 'bad-model' where the file is no such network, 'wrong-shape' where it wants other images.
 */
export async function openOnnxBackbone(options: OnnxBackboneOptions): Promise<ImageBackbone> {
  const session = await createSession(options);
  const input = onlyInput(session, options.path);
  const output = chooseOutput(session, options);
  const batchSize = checkShape(input, options);
  const {format} = options;
  const valuesPerImage = format.inputSize ** 2 * channelCount(format);
  return {
    batchSize,
    async embed(images) {
      const values = new Float32Array(batchSize * valuesPerImage);
      for (const [index, image] of images.entries()) writeImage(image, format, values, index * valuesPerImage);
      const results = await session.run(
        {[input.name]: new ort.Tensor('float32', values, inputShape(batchSize, format))},
        [output],
      );
      const vectors = vectorsOf(results[output]!, batchSize, options.path).slice(0, images.length);
      return options.normalise === 'l2' ? vectors.map(unitLength) : vectors;
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

async function createSession({path, threads}: OnnxBackboneOptions): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(path, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
    });
  } catch (cause) {
    throw new StageError(
      'bad-model',
      `ONNX Runtime ${ort.env.versions.node ?? ''} cannot load the network ${path}: ${(cause as Error).message}`,
      'Check that the file is complete and an ONNX model whose operator set this version knows.',
      {cause},
    );
  }
}

function onlyInput(session: ort.InferenceSession, path: string): TensorMetadata {
  const [input, ...others] = session.inputMetadata;
  if (input?.isTensor && input.type === 'float32' && others.length === 0) return input;
  const seen = session.inputMetadata
    .map((each) => `${each.name} (${each.isTensor ? each.type : 'no tensor'})`)
    .join(', ');
  throw new StageError(
    'bad-model',
    `The network ${path} takes ${seen}, where one float32 image is given.`,
    'Choose a network with one image input.',
  );
}

function chooseOutput(session: ort.InferenceSession, {path, output}: OnnxBackboneOptions): string {
  const names = session.outputNames;
  if (output === undefined && names.length === 1) return names[0]!;
  if (output !== undefined && names.includes(output)) return output;
  const wanted = output === undefined ? 'and none is chosen' : `not ${output}`;
  throw new StageError(
    'bad-model',
    `The network ${path} has the outputs ${names.join(', ')}, ${wanted}.`,
    `Set the parameter "output" to one of them.`,
  );
}

type TensorMetadata = Extract<ort.InferenceSession.ValueMetadata, {isTensor: true}>;

function inputShape(batchSize: number, {layout, inputSize, ...format}: ImageFormat): number[] {
  const count = channelCount(format);
  return layout === 'nchw' ? [batchSize, count, inputSize, inputSize] : [batchSize, inputSize, inputSize, count];
}

/** The batch size the network asks for, after a check that the image fits; names stand for sizes it leaves open. */
function checkShape({name, shape}: TensorMetadata, {path, format}: OnnxBackboneOptions): number {
  const given = inputShape(1, format);
  const fits =
    shape.length === given.length &&
    shape.every((side, axis) => axis === 0 || typeof side === 'string' || side < 0 || side === given[axis]);
  if (!fits) {
    throw new StageError(
      'wrong-shape',
      `The network ${path} takes ${name} of shape [${shape.join(', ')}], where images are [N, ${given.slice(1).join(', ')}].`,
      'Set "inputSize", "layout" and "channels" to what the network takes.',
    );
  }
  const [batch] = shape;
  return typeof batch === 'number' && batch > 0 ? batch : freeBatchSize;
}

function vectorsOf(tensor: ort.Tensor, batchSize: number, path: string): Float32Array[] {
  const {data, dims} = tensor;
  if (!(data instanceof Float32Array) || dims[0] !== batchSize || data.length === 0) {
    throw new StageError(
      'wrong-shape',
      `The network ${path} gives ${tensor.type} of shape [${dims.join(', ')}], where ${batchSize} float32 vectors are expected.`,
      'Choose an output with one vector per image.',
    );
  }
  const width = data.length / batchSize;
  return Array.from({length: batchSize}, (_, index) => data.slice(index * width, (index + 1) * width));
}

function unitLength(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length > 0 ? vector.map((value) => value / length) : vector;
}
