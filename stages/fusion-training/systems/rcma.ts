/**
 * RCMA — R. G. Praveen and J. Alam, "Recursive Cross-Modal Attention for Multimodal Fusion in Dimensional Emotion
 * Recognition", arXiv 2403.13659v1 (2024), §1.4. Code: praveena2j/RJCMA at ed99446 (the version the text describes).
 *
 * | symbol | meaning                                      | shape                    |
 * | ------ | -------------------------------------------- | ------------------------ |
 * | X_m    | features of modality m after its TCN         | [B, L, d_m], L = 300     |
 * | J      | the other two modalities, concatenated       | [B, L, D]                |
 * | C_m    | correlation of m with J                      | [B, d_m, D]              |
 * | H_m    | attention map of m                           | [B, L, D]                |
 *
 * Differs from the paper:
 * - The paper numbers no count of recursions; 2 as in the code. Its Eq. 1 writes J as d × L, Eq. 2 needs L × d.
 * - Features are standardised by the training clips; the paper does not say whether they are.
 * - The head is said to be "fully connected layers"; taken as 256 units with batch norm, as in the authors' camera-ready
 *   code. TCN channels are those of the code. Dropout 0.8 "on the linear layers" is applied to the head.
 * - Dropout 0.5 on the attended features is applied to H W_h, before the residual, as in the code.
 * - Batch norm after the TCNs, as in the code; the paper does not mention it.
 * - Padded frames of short clips are masked. Backbones are frozen: features come from cached shards.
 *
 * Differs from the released code (preset `released`):
 * - Padded frames enter neither attention, batch norm nor loss; the code lets them.
 * - Backbones are frozen; the code releases three groups of their layers, and begins warm-up and optimiser anew with each.
 *   Its count for early stopping starts with the seventh epoch after a release, here with the first.
 * - Text is normalised by mean and deviation of the training clips; the code takes those of each partition.
 * - With joint `all` (camera-ready version) the code's query_linear is computed and unused, so it is left out here.
 *
 * Weight names are those of the authors' state dict: `coattn.dcn_layers.<iteration>…`, `temporal.video|logmel|bert…`,
 * `bn.…`, `regressor`. 1, 2, 3 stand for visual, acoustic, linguistic. Their dict lists TCN convolutions twice
 * (`conv1` and `net.0`, `conv2` and `net.4`); the first is read. `spatial.…` belongs to the backbones. A head with hidden
 * units is `regressor.fc1`, `.bn1`, `.fc2` here; `regressor1`, `bn1`, `regressor2` of the camera-ready version are read too.
 */
import {z} from 'zod';
import {tf} from '../../learning/tf.js';
import {declare} from '../../learning/layers/declaration.js';
import {xavierUniform} from '../../learning/layers/initialisers.js';
import type {Attender, JointAttention} from '../joint-cross-attention.js';
import {jointAttention, jointAttentionWeights} from '../joint-cross-attention.js';
import {head, headParams, headWeights, releasedHeadNames} from '../regression-head.js';
import type {Modality} from '../system.js';
import {defineSystem} from '../system.js';
import {channels, temporalFront, temporalFrontWeights, temporalParams, temporalWidth} from '../temporal-front.js';
import {releasedFrameTraining} from '../training-params.js';

const architecture = z.strictObject({
  ...temporalParams,
  visualChannels: channels([512, 512, 512, 512]),
  acousticChannels: channels([128, 128, 128, 128]),
  linguisticChannels: channels([512, 512, 512, 512]),
  joint: z.enum(['others', 'all']).default('others').describe('J: the other two modalities, or all three.'),
  recursions: z.int().min(1).max(4).default(2).describe('How often cross-modal attention is applied.'),
  form: z.enum(['paper', 'released']).default('paper').describe('Equations as printed, or with what the code adds.'),
  correlationDropout: z.number().min(0).lt(1).default(0).describe('Dropout on the correlations C.'),
  attendedDropout: z.number().min(0).lt(1).default(0.5).describe('Dropout on the attended features H W_h.'),
  ...headParams,
});

type Architecture = z.output<typeof architecture>;

const modalities: readonly Modality[] = ['visual', 'acoustic', 'linguistic'];

export const rcma = defineSystem({
  name: 'rcma',
  title: 'Recursive Cross-Modal Attention',
  paper: 'Praveen and Alam, arXiv 2403.13659v1, 2024',
  architecture,
  presets: {
    published: {},
    released: {
      architecture: {
        form: 'released',
        correlationDropout: 0.6,
        attendedDropout: 0.6,
        headUnits: 0,
        headDropout: 0,
      },
      training: releasedFrameTraining,
    },
  },
  modalities,
  releasedNames: releasedHeadNames,

  declare: ({architecture: params, dims, length, targetCount}) => {
    const widths = widthsOf(params);
    const inputs = modalities.reduce((sum, modality) => sum + widths[modality], 0);
    return declare(
      temporalFrontWeights({params, dims, modalities, length}),
      ...iterations(params).map((name) =>
        jointAttentionWeights(name, {
          ...attention(params),
          widths,
          length,
          correlationDropout: params.correlationDropout,
          attendedDropout: params.attendedDropout,
          initialisers: params.form === 'paper' ? {correlation: xavierUniform()} : {},
        }),
      ),
      headWeights({params, inputs, targetCount, length}),
    );
  },

  forward: ({architecture: params, scope, inputs}) => {
    let x = temporalFront(scope, params, inputs) as Record<Modality, tf.Tensor>; //            X_v, X_a, X_t  [B, L, d]
    const inner: Record<string, tf.Tensor> = {};
    for (const [l, name] of iterations(params).entries()) {
      const attended = jointAttention(scope, name, attention(params), x); // Eq. 1–13  X⁽ˡ⁾ = H⁽ˡ⁾ W_h⁽ˡ⁾ + X⁽ˡ⁻¹⁾
      x = attended.features;
      for (const modality of modalities) inner[`c.${l + 1}.${modality}`] = attended.correlations[modality];
    }
    const fused = tf.concat(
      modalities.map((modality) => x[modality]),
      2,
    ); //           [X_v; X_a; X_t]  [B, L, d_v + d_a + d_t]
    return {prediction: head(scope, params, fused), inner: {...inner, fused}};
  },
});

const iterations = ({recursions}: Architecture): string[] =>
  Array.from({length: recursions}, (_, l) => `coattn.dcn_layers.${l}`);

const widthsOf = (params: Architecture): Record<Modality, number> => ({
  visual: temporalWidth(params, 'visual'),
  acoustic: temporalWidth(params, 'acoustic'),
  linguistic: temporalWidth(params, 'linguistic'),
});

function attention(params: Architecture): JointAttention<Modality> {
  return {attenders: params.joint === 'all' ? all : others, form: params.form, jointMap: params.joint === 'others'};
}

/** Eq. 1: J_at, J_tv and J_va, in the column order of the released code. */
const others: readonly Attender<Modality>[] = [
  {modality: 'visual', joint: ['acoustic', 'linguistic'], query: 'query_linear_at', number: 1},
  {modality: 'acoustic', joint: ['linguistic', 'visual'], query: 'query_linear_tv', number: 2},
  {modality: 'linguistic', joint: ['visual', 'acoustic'], query: 'query_linear_va', number: 3},
];

const all: readonly Attender<Modality>[] = others.map((attender) => ({
  ...attender,
  joint: modalities,
  query: 'query_linear',
}));
