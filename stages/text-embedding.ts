/** One text vector per video frame, from the words spoken around it. */
import {z} from 'zod';
import type {ShardReader} from '../cache/shard.js';
import {modelFolderFiles} from './learning/model-folder.js';
import {ownVectors} from './own-features/own-vectors.js';
import {ownParams} from './own-features/params.js';
import {linguistic, timeline, words} from './schemas.js';
import {defineStage, linguisticFeatures} from './stage.js';
import {bertVectors} from './text-embedding/bert-backbone.js';
import {bertFiles, bertParams} from './text-embedding/bert-params.js';
import type {Speech} from './text-embedding/lexicon-backbone.js';
import {lexiconVectors} from './text-embedding/lexicon-backbone.js';
import {scriptWarning} from './text-embedding/lexicon.js';

export const textEmbedding = defineStage({
  name: 'text-embedding',
  // 1: AFINN-165 valence, hashed word vectors, decayed context.
  version: 1,
  doc: 'Turns the words around each video frame into a vector.',
  per: 'clip',
  resource: 'cpu',
  inputs: {words, timeline, features: linguisticFeatures},
  outputs: {linguistic},
  params: z
    .object({
      backbone: z
        .enum(['lexicon', 'bert', 'own'])
        .default('lexicon')
        .describe(
          'lexicon: English, AFINN-165 valence and hashed word vectors; needs no model and is no paper’s setting. bert: a local folder. own: dataset.features.linguistic.',
        ),
      hashDimensions: z.int().min(1).max(4096).default(64).describe('Length of the hashed word vectors.'),
      holdSeconds: z
        .number()
        .min(0)
        .max(600)
        .default(3)
        .describe(
          'Time in which the weight of a spoken word falls to 1/e. 0: only the word being spoken counts, as in RCMA.',
        ),
      bert: bertParams.optional().describe('The network of backbone: bert.'),
      own: ownParams.optional().describe('How the files of backbone: own belong to frames.'),
    })
    .refine(({backbone, bert}) => backbone !== 'bert' || bert, {
      path: ['bert'],
      error: 'backbone: bert needs bert.modelFolder',
    }),
  reads: ({backbone}) => (backbone === 'own' ? ['timeline', 'features'] : ['words', 'timeline']),
  modelParams: ['bert.modelFolder'],
  models: ({backbone, bert}) => (backbone === 'bert' ? modelFolderFiles(bert!.modelFolder, bertFiles(bert!)) : []),
  async run({inputs, outputs, params, context}) {
    if (params.backbone === 'own') {
      const source = {...inputs, modality: 'linguistic', own: params.own};
      for await (const row of ownVectors(source, context)) await outputs.linguistic.append({...row});
      return;
    }
    const speech = await speechOf(inputs.words);
    const warning = params.backbone === 'lexicon' ? scriptWarning(speech.words) : undefined;
    if (warning !== undefined) context.warn(warning);
    const vectorAt =
      params.backbone === 'bert' ? await bertVectors(speech, params.bert!, context) : lexiconVectors(speech, params);
    for await (const {frameIndex, timeSeconds} of inputs.timeline.rows()) {
      if (frameIndex % 1000 === 0) context.progress(frameIndex, inputs.timeline.rowCount, 'frames');
      await outputs.linguistic.append({frameIndex, vector: vectorAt(timeSeconds)});
    }
  },
});

/** All words of the clip at once: two hours of speech are some 20,000. */
async function speechOf(shard: ShardReader<typeof words>): Promise<Speech> {
  const [starts, ends, spoken] = await Promise.all([
    shard.column('startSeconds'),
    shard.column('endSeconds'),
    shard.column('word'),
  ]);
  return {
    times: Array.from(starts, (startSeconds, index) => ({startSeconds, endSeconds: ends[index]!})),
    words: spoken,
  };
}
