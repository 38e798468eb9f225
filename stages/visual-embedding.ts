/** visual-embedding: one vector per frame from the aligned face crop. */
import {z} from 'zod';
import {mapAhead} from './face-alignment/ahead.js';
import {decodeCrop} from './face-alignment/crop-image.js';
import {blackImage} from './face-alignment/image.js';
import {cropSize} from './face-alignment/template.js';
import {faces, visual} from './schemas.js';
import {defineStage} from './stage.js';
import {expressionModels, openExpressionBackbone} from './visual-embedding/face-api-expression.js';

/** Crops that are decoded while the network works on those before. */
const cropsAhead = 8;

export const visualEmbedding = defineStage({
  name: 'visual-embedding',
  // 1: first.
  version: 1,
  doc: "Turns each frame's face crop into a vector; frames without a face get the vector of a black image, as in the papers.",
  per: 'clip',
  resource: 'cpu',
  inputs: {faces},
  outputs: {visual},
  params: z.object({
    backbone: z
      .enum(['face-api-expression'])
      .default('face-api-expression')
      .describe('Network that reads the crops. face-api-expression comes with the packages; no paper uses it.'),
  }),
  models: () => expressionModels(),
  async run({inputs, outputs, context}) {
    await using backbone = await openExpressionBackbone(context);
    const noFace = await backbone.embed(blackImage(cropSize));
    const frames = mapAhead(inputs.faces.rows(), cropsAhead, async ({frameIndex, found, image}) => ({
      frameIndex,
      crop: found ? await decodeCrop(image) : undefined,
    }));
    for await (const {frameIndex, crop} of frames) {
      context.signal.throwIfAborted();
      await outputs.visual.append({frameIndex, vector: crop ? await backbone.embed(crop) : noFace});
      if (frameIndex % 64 === 0) context.progress(frameIndex, inputs.faces.rowCount, 'frames');
    }
  },
});
