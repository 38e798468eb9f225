/** visual-embedding: one vector per frame from the aligned face crop. */
import {z} from 'zod';
import {ownVectors} from './own-features/own-vectors.js';
import {ownParams} from './own-features/params.js';
import {faces, timeline, visual} from './schemas.js';
import {defineStage, visualFeatures} from './stage.js';
import {backboneModels, faceVectors, onnxParams} from './visual-embedding/open-backbone.js';

export const visualEmbedding = defineStage({
  name: 'visual-embedding',
  // 1: first.
  version: 1,
  doc: "Turns each frame's face crop into a vector; a frame without a face gets that of a black image, as in the papers.",
  per: 'clip',
  resource: 'cpu',
  inputs: {faces, timeline, features: visualFeatures},
  outputs: {visual},
  params: z
    .object({
      backbone: z
        .enum(['face-api-expression', 'onnx', 'own'])
        .default('face-api-expression')
        .describe(
          'Network that reads the crops. face-api-expression comes with the packages; no paper uses it. own: dataset.features.visual.',
        ),
      onnx: onnxParams.optional().describe('The network of backbone: onnx.'),
      own: ownParams.optional().describe('How the files of backbone: own belong to frames.'),
    })
    .refine(({backbone, onnx}) => backbone !== 'onnx' || onnx, {
      path: ['onnx'],
      error: 'backbone: onnx needs onnx.model',
    }),
  reads: ({backbone}) => (backbone === 'own' ? ['timeline', 'features'] : ['faces']),
  models: (params) => backboneModels(params),
  modelParams: ['onnx.model'],
  async run({inputs, outputs, params, context}) {
    const {rowCount} = params.backbone === 'own' ? inputs.timeline : inputs.faces;
    const rows =
      params.backbone === 'own'
        ? ownVectors({...inputs, modality: 'visual', own: params.own}, context)
        : faceVectors(inputs.faces, params, context);
    for await (const row of rows) {
      context.signal.throwIfAborted();
      await outputs.visual.append({...row});
      if (row.frameIndex % 64 === 0) context.progress(row.frameIndex, rowCount, 'frames');
    }
  },
});
