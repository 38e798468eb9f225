/** A tuned backbone as files for other programs: an ONNX graph from images to vectors, and its weights as safetensors. */
import type {Arrays} from '../learning/program.js';
import {under} from '../learning/records.js';
import {tf} from '../learning/tf.js';
import type {EmbedRequest} from './embed-clips.js';
import {stateOf} from './embed-clips.js';
import {modelOf, vectorPass} from './model.js';
import {imageShape} from './networks/network.js';

export interface ExportRequest extends Pick<EmbedRequest, 'weights' | 'settings'> {
  /** Images that one run of the graph takes, N. */
  readonly images: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ExportedBackbone {
  /** Bytes of an .onnx file. In: 'images' [N, H, W, C], made as the format says. Out: 'vector' [N, d]. */
  readonly onnx: Uint8Array;
  /** Weights and statistics under the names of the network; the head of the training is not among them. */
  readonly arrays: Arrays;
  /** [N, H, W, C] */
  readonly shape: readonly number[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The metadata tell besides, as JSON, how 'images' are made of face crops or spectrograms. */
export async function exportBackbone(request: ExportRequest): Promise<ExportedBackbone> {
  const {weights, settings, images} = request;
  const model = modelOf(settings);
  const {network} = model;
  const all = await stateOf(model, weights);
  const state = Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('weights/head.')));
  const shape = [images, ...imageShape(network)];
  const metadata = {...request.metadata, network: network.name, images: JSON.stringify(network.format)};
  const pass = vectorPass(model);
  // Loaded here because commands that only look reach this file: with it comes all of tfjs.
  const {exportForward} = await import('../learning/export.js');
  return {
    onnx: exportForward(
      (named, inputs) => pass({...named, ...inputs, real: tf.ones([1, images])}),
      state,
      {images: {shape, dtype: 'float32'}},
      {metadata},
    ),
    arrays: {...under(state, 'weights'), ...under(state, 'statistics')},
    shape,
    metadata,
  };
}
