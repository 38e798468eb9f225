import path from 'node:path';
import {z} from 'zod';
import type {Surroundings} from '../face-alignment/face-api/network.js';
import {cropSize} from '../face-alignment/template.js';
import {networkFiles} from '../learning/network-files.js';
import type {ModelFile} from '../stage.js';
import {clipParams} from './clip-params.js';
import {clipVectors} from './clip-vectors.js';
import {expressionModels, openExpressionBackbone} from './face-api-expression.js';
import {imageVectors} from './image-vectors.js';
import {openOnnxBackbone, type OnnxBackboneOptions} from './onnx-backbone.js';

const perChannel = z
  .array(z.number())
  .refine(({length}) => length === 1 || length === 3, 'expected one or three numbers');

/** What must be said of an ONNX network before it can read a crop; the defaults are those of InsightFace's networks. */
export const onnxParams = z
  .strictObject({
    model: z.string().min(1).describe('Id or path of the network, an .onnx file.'),
    resizeTo: z.int().min(8).max(1024).default(cropSize).describe('Side in pixels to which the crop is scaled.'),
    inputSize: z
      .int()
      .min(8)
      .max(1024)
      .optional()
      .describe('Side in pixels of the middle that the network reads; all of it where absent. IR-50 reads 40 of 48.'),
    layout: z.enum(['nchw', 'nhwc']).default('nchw').describe('Order of batch, channels, rows and columns.'),
    channels: z.enum(['rgb', 'bgr', 'grey']).default('rgb').describe('Order of the channels.'),
    mean: perChannel.default([127.5]).describe('Subtracted from values in [0, 255]; one number, or one per channel.'),
    std: perChannel.default([127.5]).describe('Divides what is left; one number, or one per channel.'),
    output: z
      .string()
      .optional()
      .describe(
        'Name of the output to take, or of a tensor inside the network (`affectflow models outputs`); needed where there are several outputs.',
      ),
    normalise: z.enum(['none', 'l2']).default('l2').describe('l2 scales every vector to length 1.'),
    clip: clipParams.optional().describe('For networks that read several frames at once, such as R(2+1)D-18.'),
  })
  .refine(({resizeTo, inputSize = resizeTo}) => inputSize <= resizeTo, {
    path: ['inputSize'],
    error: 'expected at most resizeTo pixels',
  })
  .refine(({clip, layout}) => !clip || layout === 'nchw', {
    path: ['layout'],
    error: 'the order of the axes of a clip is that of clip.layout',
  });

export interface BackboneParams {
  readonly backbone: 'face-api-expression' | 'onnx' | 'own';
  readonly onnx?: z.output<typeof onnxParams> | undefined;
}

export function backboneModels({backbone, onnx}: BackboneParams): ModelFile[] {
  if (backbone === 'own') return [];
  return backbone === 'onnx' ? networkFiles('onnx', path.resolve(onnx!.model)) : expressionModels();
}

interface Faces {
  readonly rowCount: number;
  rows(): AsyncIterable<{readonly frameIndex: number; readonly image: Uint8Array}>;
}

/** Streams one vector per frame of the timeline from the network that the parameters describe. */
export async function* faceVectors(
  faces: Faces,
  {backbone, onnx}: BackboneParams,
  surroundings: Surroundings,
): AsyncGenerator<{frameIndex: number; vector: Float32Array}, void, undefined> {
  if (backbone === 'onnx' && onnx!.clip)
    return yield* clipVectors(faces, {...optionsOf(onnx!, surroundings), clip: onnx!.clip});
  await using network = await (backbone === 'onnx'
    ? openOnnxBackbone(optionsOf(onnx!, surroundings))
    : openExpressionBackbone(surroundings));
  yield* imageVectors(faces.rows(), network);
}

function optionsOf(onnx: z.output<typeof onnxParams>, {models, threads}: Surroundings): OnnxBackboneOptions {
  const {resizeTo, inputSize = resizeTo, layout, channels, mean, std, output, normalise} = onnx;
  const format = {resizeTo, inputSize, layout, channels, mean: threeTimes(mean), std: threeTimes(std)};
  return {path: models['onnx']!, format, output, normalise, threads};
}

function threeTimes(values: readonly number[]): readonly number[] {
  return values.length === 1 ? [values[0]!, values[0]!, values[0]!] : values;
}
