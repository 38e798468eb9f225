/**
 * JMT — P. Waligora et al., "Joint Multimodal Transformer for Dimensional Emotional Recognition in the Wild", arXiv
 * 2403.10488v1 (2024), §3 and §4.2. Code: PoloWlg/Joint-Multimodal-Transformer-6th-ABAW at 691e278.
 *
 * | symbol  | meaning                                              | shape                        |
 * | ------- | ---------------------------------------------------- | ---------------------------- |
 * | F_v F_a | features of the backbones, scaled to length 1        | [B, L, d], L = 16, d = 512   |
 * | J_av    | joint representation, reduced to d                   | [B, L, d]                    |
 * | E_m     | encoded v, p (audio, "physiological" in the code), pv | [B, L, d]                   |
 * | Y       | outputs of the six cross-attentions                  | 6 × [B, L, d]                |
 *
 * Differs from the paper:
 * - Eq. 2 prints Y = σ(K Qᵀ) V with a sigmoid; softmax(Q Kᵀ / √d) V is meant (the final version has it).
 *   `attention: sigmoid` takes it by the letter.
 * - "Six cross-attention layers" are three in the code, each used for both queries of its modality; `crossAttention: six`
 *   gives each its own weights.
 * - It prints 3074 for the six concatenated outputs; 6 · 512 is 3072.
 * - Windows are those of the code (16 clips of 32 frames); the text has 8 clips of 8 frames. Dropout 0.8 belongs to the
 *   training of the backbones, which are frozen here.
 * - Features of another length than d get a linear map in front. In preset `published` features are standardised by the
 *   training clips, of which the text says nothing; `released` takes them as they are.
 *
 * Differs from the released code (preset `released`: its self-attention head, as in the README's command):
 * - Its FC head leaves windows and steps swapped, so that predictions meet the labels of others; here they do not.
 * - `final_encoder`, 40.9 million parameters that no gradient reaches, is left out.
 * - Padded clips are masked. Mixed precision is not used.
 *
 * Weight names are theirs, under `mm_transformer.` and `vregressor`, `aregressor`; six own cross-attentions are named
 * after query and source (`cross_attention_v_p`), maps of other lengths `linear` (video, as theirs) and `audio_linear`.
 */
import {z} from 'zod';
import {tf} from '../../learning/tf.js';
import {attention, attentionWeights} from '../../learning/layers/attention.js';
import type {Scope} from '../../learning/layers/declaration.js';
import {declare} from '../../learning/layers/declaration.js';
import {dense, denseWeights} from '../../learning/layers/dense.js';
import {l2Normalise} from '../../learning/layers/l2-norm.js';
import {encode, encoderWeights} from '../../learning/layers/transformer-encoder.js';
import {defineSystem, widthOf} from '../system.js';
import {targetHeads, targetHeadWeights} from '../target-heads.js';
import type {Training} from '../training-params.js';
import {clipTraining, releasedClipTraining} from '../training-params.js';

const architecture = z.strictObject({
  units: z.int().positive().default(512).describe('Features of each representation, d.'),
  layers: z.int().positive().default(1).describe('Layers of each encoder.'),
  heads: z.int().positive().default(1).describe('Heads of each attention; they divide units.'),
  attention: z.enum(['softmax', 'sigmoid']).default('softmax').describe('σ in Eq. 2: scaled softmax, or as printed.'),
  crossAttention: z
    .enum(['by-query', 'six'])
    .default('by-query')
    .describe('Weights of the six cross-attentions: shared by the modality of the query, or six of their own.'),
  output: z.enum(['fc', 'self-attention']).default('fc').describe('What joins the six outputs.'),
  fcUnits: z.int().positive().default(1024).describe('Units of the layer that joins the six outputs (fc).'),
  headUnits: z.int().positive().default(128).describe('Hidden units of each regressor.'),
  headDropout: z.number().min(0).lt(1).default(0).describe('Dropout on the hidden units of the regressors.'),
});

type Architecture = z.output<typeof architecture>;
type Source = 'v' | 'p' | 'pv';

const encoders: Readonly<Record<Source, string>> = {
  v: 'visual_encoder',
  p: 'physiological_encoder',
  pv: 'joint_representation_encoder',
};

/** Query and source of each cross-attention, in the order in which the code concatenates their outputs. */
const pairs: readonly (readonly [Source, Source])[] = [
  ['v', 'p'],
  ['p', 'v'],
  ['pv', 'v'],
  ['v', 'pv'],
  ['pv', 'p'],
  ['p', 'pv'],
];

const training: Partial<Training> = {
  ...clipTraining,
  optimiser: 'sgd',
  momentum: 0.9,
  minimumEpochs: 1,
  earlyStopping: 5,
};

export const jmt = defineSystem({
  name: 'jmt',
  title: 'Joint Multimodal Transformer',
  paper: 'Waligora et al., arXiv 2403.10488v1, 2024',
  architecture,
  presets: {
    published: {training: {...training, learningRate: 5e-4, batchSize: 2, epochs: 5}},
    released: {
      architecture: {output: 'self-attention'},
      training: {...releasedClipTraining, ...training, learningRate: 1e-4, batchSize: 32, epochs: 20},
    },
  },
  modalities: ['visual', 'acoustic'],

  declare: ({architecture: params, dims, length, targetCount}) => {
    const {units: d, layers} = params;
    const map = (name: string, inputs: number) => (inputs === d ? {} : denseWeights(name, {inputs, outputs: d}));
    const encoder = (name: string) => encoderWeights(part(name), {width: d, hidden: d, layers});
    return declare(
      map('linear', widthOf(dims, 'visual')),
      map('audio_linear', widthOf(dims, 'acoustic')),
      denseWeights(part('out_layer_pv'), {inputs: 2 * d, outputs: d}),
      ...Object.values(encoders).map(encoder),
      ...crossNames(params).map((name) => attentionWeights(part(name), d)),
      params.output === 'fc'
        ? denseWeights(part('out_layer1'), {inputs: pairs.length * d, outputs: params.fcUnits})
        : declare(encoder('final_visual_encoder'), attentionWeights(part('final_self_attention'), d)),
      targetHeadWeights({
        ...heads,
        inputs: params.output === 'fc' ? params.fcUnits : d,
        units: params.headUnits,
        dropout: params.headDropout,
        targetCount,
        length,
      }),
    );
  },

  forward: ({architecture: params, scope, inputs}) => {
    const options = {heads: params.heads, activation: params.attention, layers: params.layers};
    const fv = mapped(scope, 'linear', l2Normalise(inputs['visual']!)); //                       F_v        [B, L, d]
    const fa = mapped(scope, 'audio_linear', l2Normalise(inputs['acoustic']!)); //               F_a        [B, L, d]
    const jav = dense(scope, part('out_layer_pv'), tf.concat([fv, fa], 2)); // Eq. 1  J_av = FC([F_a; F_v])  [B, L, d]
    const e = {
      v: encode(scope, part(encoders.v), options, fv, scope.real), //                 Eq. 2  E_v            [B, L, d]
      p: encode(scope, part(encoders.p), options, fa, scope.real), //                 Eq. 2  E_p            [B, L, d]
      pv: encode(scope, part(encoders.pv), options, jav, scope.real), //              Eq. 2  E_pv           [B, L, d]
    };
    const y = pairs.map(([query, source]) => {
      const asked = {query: e[query], source: e[source], real: scope.real};
      return attention(scope, part(crossName(params, query, source)), options, asked); //  σ(Q Kᵀ) V        [B, L, d]
    });
    const fused = params.output === 'fc' ? dense(scope, part('out_layer1'), tf.concat(y, 2)) : tokens(scope, params, y);
    return {prediction: targetHeads(scope, heads, fused), inner: {fused, ...e}};
  },
});

const heads = {activation: 'relu'} as const;

const part = (name: string): string => `mm_transformer.${name}`;

const mapped = (scope: Scope, name: string, x: tf.Tensor): tf.Tensor =>
  `${name}.weight` in scope.weights ? dense(scope, name, x) : x;

const crossName = ({crossAttention}: Architecture, query: Source, source: Source): string =>
  crossAttention === 'six' ? `cross_attention_${query}_${source}` : `cross_attention_${query}`;

const crossNames = (params: Architecture): string[] => [
  ...new Set(pairs.map(([query, source]) => crossName(params, query, source))),
];

/** The self-attention head: the six outputs are tokens of each step; the last, p → pv, is kept. */
function tokens(scope: Scope, params: Architecture, y: readonly tf.Tensor[]): tf.Tensor {
  const options = {heads: params.heads, activation: params.attention, layers: params.layers};
  const [batch, length, d] = y[0]!.shape as [number, number, number];
  const stacked = tf.stack([...y], 2).reshape([batch * length, pairs.length, d]); //                         [BL, 6, d]
  const encoded = encode(scope, part('final_visual_encoder'), options, stacked); //                         [BL, 6, d]
  const last = tf.slice(encoded, [0, pairs.length - 1, 0], [batch * length, 1, d]); //                       [BL, 1, d]
  const kept = attention(scope, part('final_self_attention'), options, {query: last, source: encoded}); //    [BL, 1, d]
  return kept.reshape([batch, length, d]);
}
