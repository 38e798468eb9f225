/**
 * The features under face-api's expression network: 256 means over 7 × 7 positions, before its last layer.
 * An embedded default that needs no download and runs everywhere. None of the papers uses it.
 */
import type * as tf from '@tensorflow/tfjs';
import {faceFeatures} from '../face-alignment/face-api/layers.js';
import {openNetwork, type Surroundings} from '../face-alignment/face-api/network.js';
import {modelFiles, readWeights} from '../face-alignment/face-api/weights.js';
import {cropSize} from '../face-alignment/template.js';
import {scaleTo} from '../face-alignment/warp.js';
import type {Tensors} from '../learning/program.js';
import type {ModelFile} from '../stage.js';
import type {ImageBackbone} from './backbone.js';

export const expressionModels = (): ModelFile[] => modelFiles('face_expression');

/** crop of any size → [256] */
export async function openExpressionBackbone(surroundings: Surroundings): Promise<ImageBackbone> {
  const weights = await readWeights('face_expression', surroundings.models);
  const forward = (own: Tensors, images: tf.Tensor4D) => ({features: faceFeatures(own, images)});
  const network = await openNetwork({weights, forward, size: cropSize, surroundings});
  return {
    batchSize: 1,
    async embed(images) {
      const vectors: Float32Array[] = [];
      for (const image of images) {
        const {rgb} = scaleTo(image, cropSize);
        const {features} = await network.run(Float32Array.from(rgb));
        vectors.push(Float32Array.from(features.values));
      }
      return vectors;
    },
    [Symbol.asyncDispose]: () => network.release(),
  };
}
