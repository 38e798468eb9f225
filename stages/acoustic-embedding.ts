/** acoustic-embedding: one vector of sound per video frame, by presentation time. */
import path from 'node:path';
import {z} from 'zod';
import type {ShardReader} from '../cache/shard.js';
import {patchParams, waveformParams} from './acoustic-embedding/network-params.js';
import {patchVectors, waveformVectors} from './acoustic-embedding/network-vectors.js';
import {descriptorLength, descriptors} from './acoustic-embedding/mfcc.js';
import {poolAtFrames, type PoolOptions} from './acoustic-embedding/pool.js';
import {networkFiles} from './learning/network-files.js';
import {ownVectors} from './own-features/own-vectors.js';
import {ownParams} from './own-features/params.js';
import {acoustic, audio, logMel, timeline} from './schemas.js';
import {acousticFeatures, defineStage} from './stage.js';

export const acousticEmbedding = defineStage({
  name: 'acoustic-embedding',
  // 1: first.
  version: 1,
  doc: 'Describes the sound around every video frame by one vector.',
  per: 'clip',
  resource: 'cpu',
  inputs: {logMel, timeline, audio, features: acousticFeatures},
  outputs: {acoustic},
  params: z
    .object({
      backbone: z
        .enum(['mfcc', 'onnx-patches', 'onnx-waveform', 'own'])
        .default('mfcc')
        .describe(
          'mfcc: embedded default, 6 × coefficientCount + 6 values; not the setting of any of the papers. onnx-patches: VGGish, ResNet-18. onnx-waveform: wav2vec 2.0. own: dataset.features.acoustic.',
        ),
      coefficientCount: z
        .int()
        .min(1)
        .max(40)
        .default(20)
        .describe('Cepstral coefficients per row of the spectrogram.'),
      deltaReach: z.int().min(1).max(20).default(4).describe('Rows on each side that a difference looks at.'),
      windowSeconds: z
        .number()
        .positive()
        .max(60)
        .default(1)
        .describe('Length of the window that is averaged per frame.'),
      frameAt: z.enum(['start', 'centre', 'end']).default('centre').describe('Where the frame lies in its window.'),
      patches: patchParams.optional().describe('The network of backbone: onnx-patches.'),
      waveform: waveformParams.optional().describe('The network of backbone: onnx-waveform.'),
      own: ownParams.optional().describe('How the files of backbone: own belong to frames.'),
    })
    .refine(({backbone, patches}) => backbone !== 'onnx-patches' || patches, {
      path: ['patches'],
      error: 'backbone: onnx-patches needs patches.model',
    })
    .refine(({backbone, waveform}) => backbone !== 'onnx-waveform' || waveform, {
      path: ['waveform'],
      error: 'backbone: onnx-waveform needs waveform.model',
    }),
  reads: ({backbone}) => readsOf[backbone],
  modelParams: ['patches.model', 'waveform.model'],
  models({patches, waveform, backbone}) {
    const model = {'onnx-patches': patches?.model, 'onnx-waveform': waveform?.model, mfcc: undefined, own: undefined}[
      backbone
    ];
    return model === undefined ? [] : networkFiles('network', path.resolve(model));
  },
  async run({inputs, outputs, params, context}) {
    const {backbone, own} = params;
    const rows = {
      mfcc: () => pooledCepstra(inputs, params),
      'onnx-patches': () => patchVectors(inputs.logMel, inputs.timeline, {params: params.patches!, context}),
      'onnx-waveform': () => waveformVectors(inputs.audio, inputs.timeline, {params: params.waveform!, context}),
      own: () => ownVectors({...inputs, modality: 'acoustic', own}, context),
    }[backbone]();
    for await (const row of rows) {
      context.signal.throwIfAborted();
      await outputs.acoustic.append({...row});
      if (row.frameIndex % 1024 === 0) context.progress(row.frameIndex, inputs.timeline.rowCount, 'frames');
    }
  },
});

/** Inputs per backbone; their order enters the fingerprint. */
const readsOf = {
  mfcc: ['logMel', 'timeline'],
  'onnx-patches': ['logMel', 'timeline'],
  'onnx-waveform': ['audio', 'timeline'],
  own: ['timeline', 'features'],
} as const;

function pooledCepstra(
  inputs: {readonly logMel: ShardReader<typeof logMel>; readonly timeline: ShardReader<typeof timeline>},
  params: Parameters<typeof descriptors>[1] & Omit<PoolOptions, 'descriptorLength'>,
) {
  const {coefficientCount, windowSeconds, frameAt} = params;
  const options = {windowSeconds, frameAt, descriptorLength: descriptorLength(coefficientCount)};
  return poolAtFrames(descriptors(inputs.logMel.rows(), params), inputs.timeline.rows(), options);
}
