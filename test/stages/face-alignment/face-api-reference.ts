/** face-api itself, run by tfjs on WASM: the reference for our compiled forms of its networks. */
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import type * as FaceApi from '@vladmandic/face-api';
import {modelFiles, type NetworkName} from '../../../stages/face-alignment/face-api/weights.js';
import type {RgbImage} from '../../../stages/face-alignment/image.js';

const require = createRequire(import.meta.url);

/** Loads face-api on the same tfjs that the project uses, with the networks `names`. */
export async function openFaceApi(): Promise<typeof FaceApi> {
  setWasmPaths(`${path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  await tf.setBackend('wasm');
  const faceApi = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as typeof FaceApi;
  const {nets} = faceApi;
  load(nets.tinyFaceDetector, 'tiny_face_detector');
  load(nets.ssdMobilenetv1, 'ssd_mobilenetv1');
  load(nets.faceLandmark68Net, 'face_landmark_68');
  load(nets.faceExpressionNet, 'face_expression');
  return faceApi;
}

function load(net: {loadFromWeightMap(weights: unknown): unknown}, name: NetworkName): void {
  const [weights, manifest] = modelFiles(name).map((file) => readFileSync(file.path));
  const groups = JSON.parse(manifest!.toString()) as {weights: tf.io.WeightsManifestEntry[]}[];
  const bytes = weights!.buffer.slice(weights!.byteOffset, weights!.byteOffset + weights!.length) as ArrayBuffer;
  net.loadFromWeightMap(tf.io.decodeWeights(bytes, groups[0]!.weights));
}

export function tensorOf({width, height, rgb}: RgbImage): tf.Tensor3D {
  return tf.tensor3d(rgb, [height, width, 3], 'int32');
}

/** Model paths by id, as the pipeline hands them to a stage. */
export function pathsOf(...names: NetworkName[]): Record<string, string> {
  return Object.fromEntries(names.flatMap(modelFiles).map(({id, path}) => [id, path]));
}
