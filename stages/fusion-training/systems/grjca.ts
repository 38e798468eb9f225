/**
 * GRJCA — R. G. Praveen and J. Alam, "Handling Weak Complementary Relationships for Audio-Visual Emotion Recognition",
 * arXiv 2503.12261v1 (2025), §1.3 and §1.4; final version with E. Charton at CVPRW 2025 under another title. Code:
 * praveena2j/GRJCA at e8ad82b.
 *
 * | symbol | meaning                                          | shape                       |
 * | ------ | ------------------------------------------------ | --------------------------- |
 * | X_m⁽⁰⁾ | features of modality m after its TCN             | [B, L, d_m], L = 300        |
 * | J      | both modalities, concatenated                    | [B, L, D]                   |
 * | X_m⁽ᵗ⁾ | attended features of iteration t                 | [B, L, d_m]                 |
 * | G_m⁽ᵗ⁾ | gate of iteration t: weights of earlier features | [B, L, 2]                   |
 * | G_m⁽ᶠ⁾ | stage gate: weights of the gated features        | [B, L, M], M iterations     |
 *
 * Differs from the paper:
 * - Prose and equations disagree on which column of a gate belongs to which iteration; index 0 is the earlier one, as in
 *   Eq. 12 and 13. Eq. 14 weights audio by G_vt, a misprint for G_at.
 * - The input of the stage gate is not stated; it is X⁽ᴹ⁾, as in the code. M is not stated; 2. With M = 1 there is no
 *   stage gate.
 * - The "MLP" is 256 units with batch norm, as in the code; batch norm after the TCNs likewise.
 * - Dropout 0.5 on the attended features is applied to H W_h, dropout 0.8 "on the linear layers" to the head.
 * - Features are standardised by the training clips; the paper does not say whether they are.
 *
 * Differs from the released code (preset `released`: the model that is wired at that commit, with one flat gate):
 * - Padded frames are masked. Modules without a gradient (an LSTM, text gates, two regressors) are left out.
 *
 * The final paper calls the flat gate GRJCA and the hierarchical one HGRJCA: that is `gating: hierarchical` here, with
 * `gateInputs: all` as its authors' code has it (praveena2j/ABAW8 at bd0f894). Names of attention, TCN and batch norm
 * weights are theirs as in RCMA, without the prefix of the module (`HGRJCA.coattn…`). Gates are `<video|logmel>_gating.<t>`,
 * `.stage` and `.flat`; `<video|audio>_gating_fc_layer_stage<t>`, `_stage` and none, and their head, are read too.
 */
import {z} from 'zod';
import {tf} from '../../learning/tf.js';
import type {Declaration, Scope} from '../../learning/layers/declaration.js';
import {declare} from '../../learning/layers/declaration.js';
import {dense, denseWeights} from '../../learning/layers/dense.js';
import {xavierUniform, zeros} from '../../learning/layers/initialisers.js';
import {l2Normalise} from '../../learning/layers/l2-norm.js';
import type {Attender, JointAttention} from '../joint-cross-attention.js';
import {jointAttention, jointAttentionWeights} from '../joint-cross-attention.js';
import {head, headParams, headWeights, releasedHeadNames} from '../regression-head.js';
import type {Modality} from '../system.js';
import {defineSystem} from '../system.js';
import {
  channels,
  releasedName,
  temporalFront,
  temporalFrontWeights,
  temporalParams,
  temporalWidth,
} from '../temporal-front.js';
import {releasedFrameTraining} from '../training-params.js';

const architecture = z.strictObject({
  ...temporalParams,
  visualChannels: channels([512, 512, 256, 256]),
  acousticChannels: channels([128, 128, 128, 128]),
  recursions: z.int().min(1).max(4).default(2).describe('How often joint cross-attention is applied, M.'),
  form: z.enum(['paper', 'released']).default('paper').describe('Equations as printed, or with what the code adds.'),
  featureNorm: z
    .enum(['l2', 'none'])
    .default('none')
    .describe('Whether features are scaled to length 1 before fusion.'),
  gating: z
    .enum(['hierarchical', 'flat', 'none'])
    .default('hierarchical')
    .describe('A gate for each iteration and one over them, a single gate, or none: the ablation without gates.'),
  gateInputs: z
    .enum(['previous', 'all'])
    .default('previous')
    .describe('What the gate of an iteration weights: it and the one before, or all up to it.'),
  temperature: z.number().positive().default(0.1).describe('Temperature of the gates, T.'),
  correlationDropout: z.number().min(0).lt(1).default(0).describe('Dropout on the correlations C.'),
  attendedDropout: z.number().min(0).lt(1).default(0.5).describe('Dropout on the attended features H W_h.'),
  ...headParams,
});

type Architecture = z.output<typeof architecture>;
type Both = 'visual' | 'acoustic';

const modalities: readonly Both[] = ['visual', 'acoustic'];

export const grjca = defineSystem({
  name: 'grjca',
  title: 'Gated Recursive Joint Cross-Attention',
  paper: 'Praveen and Alam, arXiv 2503.12261v1, 2025',
  architecture,
  presets: {
    published: {},
    released: {
      architecture: {
        form: 'released',
        featureNorm: 'l2',
        gating: 'flat',
        gateInputs: 'all',
        correlationDropout: 0.6,
        attendedDropout: 0.6,
        headDropout: 0,
      },
      training: {...releasedFrameTraining, learningRate: 1e-4},
    },
  },
  modalities,
  releasedNames: {...releasedHeadNames, ...releasedGateNames()},

  declare: ({architecture: params, dims, length, targetCount}) => {
    const widths = widthsOf(params);
    const released = params.form === 'released';
    return declare(
      temporalFrontWeights({params, dims, modalities, length}),
      ...iterations(params).map((name) =>
        jointAttentionWeights(name, {
          ...attention(params),
          widths,
          length,
          correlationDropout: params.correlationDropout,
          attendedDropout: params.attendedDropout,
          initialisers: released ? {weight: xavierUniform(), biasValue: zeros} : {correlation: xavierUniform()},
        }),
      ),
      ...modalities.map((modality) => gateWeights(params, modality, widths[modality])),
      headWeights({params, inputs: widths.visual + widths.acoustic, targetCount, length}),
    );
  },

  forward: ({architecture: params, scope, inputs}) => {
    const front = temporalFront(scope, params, inputs) as Record<Modality, tf.Tensor>;
    const start = params.featureNorm === 'l2' ? mapBoth((m) => l2Normalise(front[m])) : mapBoth((m) => front[m]);
    const x: Record<Both, tf.Tensor>[] = [start]; //                                            X⁽⁰⁾             [B, L, d]
    const inner: Record<string, tf.Tensor> = {};
    for (const [t, name] of iterations(params).entries()) {
      const attended = jointAttention(scope, name, attention(params), x.at(-1)!); //  Eq. 2–9  X⁽ᵗ⁾ = H⁽ᵗ⁾ W_h⁽ᵗ⁾ + X⁽ᵗ⁻¹⁾
      x.push(attended.features);
      for (const modality of modalities) inner[`c.${t + 1}.${modality}`] = attended.correlations[modality];
    }
    const gated = mapBoth((m) =>
      gatedFeatures(
        scope,
        params,
        m,
        x.map((features) => features[m]),
        inner,
      ),
    );
    const fused = tf.concat([gated.visual, gated.acoustic], 2); //                              [X_gv; X_ga]   [B, L, D]
    return {prediction: head(scope, params, fused), inner: {...inner, fused}};
  },
});

const mapBoth = <T>(of: (modality: Both) => T): Record<Both, T> => ({visual: of('visual'), acoustic: of('acoustic')});

const widthsOf = (params: Architecture): Record<Both, number> => mapBoth((modality) => temporalWidth(params, modality));

const iterations = ({recursions}: Architecture): string[] =>
  Array.from({length: recursions}, (_, t) => `coattn.dcn_layers.${t}`);

const attenders: readonly Attender<Both>[] = modalities.map((modality, i) => ({
  modality,
  joint: modalities,
  query: 'query_linear',
  number: i + 1,
}));

const attention = ({form}: Architecture): JointAttention<Both> => ({attenders, form, jointMap: true});

function gateName(modality: Both, which: string | number): string {
  return `${releasedName[modality]}_gating.${which}`;
}

/** The authors' names of the gates; their code has two iterations, architectures here up to four. */
function releasedGateNames(): Record<string, string> {
  const theirs = {visual: 'video_gating_fc_layer', acoustic: 'audio_gating_fc_layer'};
  const suffixes = [['flat', ''], ['stage', '_stage'], ...[1, 2, 3, 4].map((t) => [t, `_stage${t}`] as const)] as const;
  return Object.fromEntries(
    modalities.flatMap((m) => suffixes.map(([which, suffix]) => [gateName(m, which), `${theirs[m]}${suffix}`])),
  );
}

function gateWeights(params: Architecture, modality: Both, width: number): Declaration {
  const {recursions, gating, gateInputs, form} = params;
  if (gating === 'none') return declare();
  const initial = form === 'released' ? {weight: xavierUniform(), biasValue: zeros} : {};
  const gate = (which: string | number, outputs: number) =>
    denseWeights(gateName(modality, which), {inputs: width, outputs, ...initial});
  if (gating === 'flat') return declare(gate('flat', recursions + 1));
  const perIteration = Array.from({length: recursions}, (_, i) => gate(i + 1, gateInputs === 'all' ? i + 2 : 2));
  return declare(...perIteration, recursions > 1 ? gate('stage', recursions) : {});
}

/** The final features of a modality from its features of all iterations, un-attended ones first. */
function gatedFeatures(
  scope: Scope,
  params: Architecture,
  modality: Both,
  x: readonly tf.Tensor[],
  inner: Record<string, tf.Tensor>,
): tf.Tensor {
  const gate = (which: string | number, from: tf.Tensor, candidates: readonly tf.Tensor[]): tf.Tensor => {
    const logits = dense(scope, gateName(modality, which), from); //         Eq. 10     W_go = X⁽ᵗ⁾ W_gl        [B, L, K]
    const g = tf.softmax(logits.div(params.temperature)); //                 Eq. 11     G = softmax(W_go / T)   [B, L, K]
    inner[`g.${which}.${modality}`] = g;
    return weighted(candidates, g); //                                       Eq. 12–15  ReLU(Σ X ⊗ G)           [B, L, d]
  };
  const last = x.at(-1)!;
  if (params.gating === 'none') return last;
  if (params.gating === 'flat') return gate('flat', last, x);
  const stages = x.slice(1).map((attended, i) => {
    const first = params.gateInputs === 'all' ? 0 : i;
    return gate(i + 1, attended, x.slice(first, i + 2));
  });
  return stages.length === 1 ? stages[0]! : gate('stage', last, stages);
}

/** ReLU of the sum of features, each weighted by its column of the gate. */
function weighted(features: readonly tf.Tensor[], gate: tf.Tensor): tf.Tensor {
  const columns = tf.split(gate, features.length, 2);
  return tf.addN(features.map((x, k) => x.mul(columns[k]!))).relu();
}
