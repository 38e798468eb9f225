/**
 * RJCA — R. G. Praveen, E. Granger and P. Cardinal, "Recursive Joint Attention for Audio-Visual Fusion in Regression
 * based Emotion Recognition", ICASSP 2023. Code: praveena2j/RecurrentJointAttentionwithLSTMs at ea196b3.
 *
 * | symbol | meaning                                      | shape                          |
 * | ------ | -------------------------------------------- | ------------------------------ |
 * | X_m    | features of modality m after its BLSTM       | [B, L, d], L = 16, d = 512     |
 * | J      | both modalities, concatenated                | [B, L, 2d]                     |
 * | C_m    | correlation of m with J                      | [B, d, 2d]                     |
 * | H_m    | attention map of m                           | [B, L, 2d]                     |
 *
 * Differs from the paper: the paper is not among this project's sources; what is stated here of it comes from the papers
 * that build on it (same equations as GRJCA's §1.3, two recursions, BLSTMs for each modality and for the joint features).
 * Features are standardised by the training clips before they are scaled to length 1; `released` takes them as they are.
 *
 * Differs from the released code (preset `released`):
 * - Their visual input is 512 feature maps of 7 × 7, reduced by attention that audio guides (`video_attn`); here a step
 *   has one visual vector, the mean over its frames. Their reshape mixes channels and positions; nothing like it is here.
 * - Their features are of one length, 512; here BLSTMs map any length to `units`.
 * - Windows with missing clips are skipped there and masked here.
 * - The released code applies attention once; its preset does too. Mixed precision is not used.
 *
 * Weight names are theirs: `audio_extract`, `video_extract`, `Joint` (`rnn`, `linear`, `init_hidden`),
 * `coattn.dcn_layers.<iteration>`, `vregressor`, `aregressor`. Number 1 is visual, 2 acoustic.
 */
import {z} from 'zod';
import {tf} from '../../learning/tf.js';
import {declare} from '../../learning/layers/declaration.js';
import {xavierUniform, zeros} from '../../learning/layers/initialisers.js';
import {l2Normalise} from '../../learning/layers/l2-norm.js';
import type {Attender, JointAttention} from '../joint-cross-attention.js';
import {jointAttention, jointAttentionWeights} from '../joint-cross-attention.js';
import {recurrent, recurrentWeights} from '../recurrent-encoder.js';
import {defineSystem, widthOf} from '../system.js';
import {targetHeads, targetHeadWeights} from '../target-heads.js';
import {clipTraining, releasedClipTraining, releasedDecay} from '../training-params.js';

const architecture = z.strictObject({
  units: z.int().positive().multipleOf(2).default(512).describe('Features of each modality after its BLSTM, d.'),
  recursions: z.int().min(1).max(4).default(2).describe('How often joint cross-attention is applied.'),
  form: z.enum(['paper', 'released']).default('paper').describe('Equations as printed, or with what the code adds.'),
  recurrentDropout: z.number().min(0).lt(1).default(0.1).describe('Dropout in the BLSTMs of the modalities.'),
  correlationDropout: z.number().min(0).lt(1).default(0).describe('Dropout on the correlations C.'),
  attendedDropout: z.number().min(0).lt(1).default(0.6).describe('Dropout on the attended features H W_h.'),
  headUnits: z.int().positive().default(128).describe('Hidden units of each regressor.'),
  headDropout: z.number().min(0).lt(1).default(0.6).describe('Dropout on the hidden units of the regressors.'),
});

type Architecture = z.output<typeof architecture>;
type Both = 'visual' | 'acoustic';

const modalities: readonly Both[] = ['visual', 'acoustic'];
const extractors: Readonly<Record<Both, string>> = {visual: 'video_extract', acoustic: 'audio_extract'};

export const rjca = defineSystem({
  name: 'rjca',
  title: 'Recursive Joint Cross-Attention',
  paper: 'Praveen, Granger and Cardinal, ICASSP 2023',
  architecture,
  presets: {
    published: {training: {...clipTraining, learningRate: 1e-4, batchSize: 64, epochs: 50}},
    released: {
      architecture: {form: 'released', recursions: 1, correlationDropout: 0.6},
      training: {
        ...releasedClipTraining,
        ...releasedDecay,
        learningRate: 1e-4,
        batchSize: 64,
        epochs: 50,
        shuffle: 'once',
      },
    },
  },
  modalities,

  declare: ({architecture: params, dims, length, targetCount}) => {
    const {units} = params;
    const released = params.form === 'released';
    return declare(
      ...modalities.map((modality) => {
        const inputs = widthOf(dims, modality);
        return recurrentWeights(extractors[modality], {
          inputs,
          outputs: units,
          dropout: params.recurrentDropout,
          length,
        });
      }),
      ...iterations(params).map((name) =>
        jointAttentionWeights(name, {
          ...attention(params),
          widths: {visual: units, acoustic: units},
          length,
          correlationDropout: params.correlationDropout,
          attendedDropout: params.attendedDropout,
          initialisers: released ? {weight: xavierUniform(), biasValue: zeros} : {correlation: xavierUniform()},
        }),
      ),
      recurrentWeights('Joint', {inputs: 2 * units, outputs: units, dropout: 0, length}),
      targetHeadWeights({
        ...heads,
        inputs: units,
        units: params.headUnits,
        dropout: params.headDropout,
        targetCount,
        length,
      }),
    );
  },

  forward: ({architecture: params, scope, inputs}) => {
    const extract = (m: Both): tf.Tensor => recurrent(scope, extractors[m], l2Normalise(inputs[m]!)); //   X_m  [B, L, d]
    let x: Record<Both, tf.Tensor> = {visual: extract('visual'), acoustic: extract('acoustic')};
    const inner: Record<string, tf.Tensor> = {};
    for (const [l, name] of iterations(params).entries()) {
      const attended = jointAttention(scope, name, attention(params), x); //        X⁽ˡ⁾ = H⁽ˡ⁾ W_h⁽ˡ⁾ + X⁽ˡ⁻¹⁾
      x = attended.features;
      for (const modality of modalities) inner[`c.${l + 1}.${modality}`] = attended.correlations[modality];
    }
    const fused = recurrent(scope, 'Joint', tf.concat([x.visual, x.acoustic], 2)); //  BLSTM([X_v; X_a])  [B, L, d]
    return {prediction: targetHeads(scope, heads, fused), inner: {...inner, fused}};
  },
});

const heads = {activation: 'relu'} as const;

const iterations = ({recursions}: Architecture): string[] =>
  Array.from({length: recursions}, (_, l) => `coattn.dcn_layers.${l}`);

const attenders: readonly Attender<Both>[] = modalities.map((modality, i) => ({
  modality,
  joint: modalities,
  query: 'query_linear',
  number: i + 1,
}));

const attention = ({form}: Architecture): JointAttention<Both> => ({attenders, form, jointMap: true});
