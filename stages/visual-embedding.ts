/** visual-embedding: one vector per frame from the aligned face crop. */
import {z} from 'zod';
import {mapAhead} from './face-alignment/ahead.js';
import {decodeCrop} from './face-alignment/crop-image.js';
import {groups} from './face-alignment/groups.js';
import {ownVectors} from './own-features/own-vectors.js';
import {ownParams} from './own-features/params.js';
import {faces, timeline, visual} from './schemas.js';
import {defineStage, visualFeatures} from './stage.js';
import {backboneModels, onnxParams, openBackbone} from './visual-embedding/open-backbone.js';

/** Crops that are decoded while the network works on those before. */
const cropsAhead = 16;

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
    if (params.backbone === 'own') {
      const source = {...inputs, modality: 'visual', own: params.own};
      for await (const row of ownVectors(source, context)) await outputs.visual.append({...row});
      return;
    }
    await using backbone = await openBackbone(params, context);
    const crops = mapAhead(inputs.faces.rows(), cropsAhead, async ({frameIndex, image}) => ({
      frameIndex,
      image: await decodeCrop(image),
    }));
    for await (const group of groups(crops, backbone.batchSize)) {
      context.signal.throwIfAborted();
      const vectors = await backbone.embed(group.map(({image}) => image));
      for (const [index, {frameIndex}] of group.entries()) {
        await outputs.visual.append({frameIndex, vector: vectors[index]!});
        if (frameIndex % 64 === 0) context.progress(frameIndex, inputs.faces.rowCount, 'frames');
      }
    }
  },
});
