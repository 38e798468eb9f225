import path from 'node:path';
import {z} from 'zod';
import type {Surroundings} from '../face-alignment/face-api/network.js';
import {cropSize} from '../face-alignment/template.js';
import type {ModelFile} from '../stage.js';
import type {ImageBackbone} from './backbone.js';
import {expressionModels, openExpressionBackbone} from './face-api-expression.js';
import {openOnnxBackbone} from './onnx-backbone.js';

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
    output: z.string().optional().describe('Name of the output to take; needed where there are several.'),
    normalise: z.enum(['none', 'l2']).default('l2').describe('l2 scales every vector to length 1.'),
  })
  .refine(({resizeTo, inputSize = resizeTo}) => inputSize <= resizeTo, {
    path: ['inputSize'],
    error: 'expected at most resizeTo pixels',
  });

export interface BackboneParams {
  readonly backbone: 'face-api-expression' | 'onnx' | 'own';
  readonly onnx?: z.output<typeof onnxParams> | undefined;
}

export function backboneModels({backbone, onnx}: BackboneParams): ModelFile[] {
  if (backbone === 'own') return [];
  return backbone === 'onnx' ? [{id: 'onnx', path: path.resolve(onnx!.model)}] : expressionModels();
}

export async function openBackbone(
  {backbone, onnx}: BackboneParams,
  surroundings: Surroundings,
): Promise<ImageBackbone> {
  if (backbone !== 'onnx') return openExpressionBackbone(surroundings);
  const {resizeTo, inputSize = resizeTo, layout, channels, mean, std, output, normalise} = onnx!;
  const format = {resizeTo, inputSize, layout, channels, mean: threeTimes(mean), std: threeTimes(std)};
  return openOnnxBackbone({
    path: surroundings.models['onnx']!,
    format,
    output,
    normalise,
    threads: surroundings.threads,
  });
}

function threeTimes(values: readonly number[]): readonly number[] {
  return values.length === 1 ? [values[0]!, values[0]!, values[0]!] : values;
}
