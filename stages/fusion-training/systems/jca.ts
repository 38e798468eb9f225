/**
 * JCA — R. G. Praveen, E. Granger and P. Cardinal, "Audio-Visual Fusion for Emotion Recognition in the Valence-Arousal
 * Space Using Joint Cross-Attention", arXiv 2209.09068 (TBIOM 2023); first in CVPRW 2022, arXiv 2203.14779. Code:
 * praveena2j/JointCrossAttentional-AV-Fusion at 84c95b2, models/cam.py.
 *
 * | symbol | meaning                                    | shape                              |
 * | ------ | ------------------------------------------ | ---------------------------------- |
 * | X_m    | encoded features of modality m             | [B, L, d], d = 128, L = 8 or 16    |
 * | J      | both modalities, concatenated              | [B, L, D], D = 2d                  |
 * | C_m    | correlation of m with J                    | [B, d, D]                          |
 * | H_m    | attention map of m                         | [B, d, k], k = 32                  |
 *
 * Differs from the paper: only its abstract is among this project's sources. The equations are those of the authors' code
 * (as in the CVPRW paper: H = ReLU(X W + W_c Cᵀ), k × d); widths, k and training are the code's, but for features, which
 * are standardised by the training clips (`released` takes them as they are), and population moments in the loss.
 *
 * Differs from the released code:
 * - The regressor there is declared for 640 inputs: raw visual and attended visual features; attended audio goes unused
 *   and, since its authors removed that error, the code does not run. Both attended streams are used here: 2d inputs.
 * - Clip vectors are the mean over 32 frames of frame vectors; theirs come from an I3D with TCN and a ResNet-18.
 * - Padded clips are masked. Mixed precision is not used.
 * - In preset `released`, L = 16 and two regressors as in praveena2j/Joint-Cross-Attention-for-Audio-Visual-Fusion at
 *   f1f0a0c, models/cam.py. What that repository's main.py trains is another model, RJCA without BLSTMs per modality.
 *
 * Weight names are theirs: `encoder1`, `affine_a`, `W_a`, `W_ca`, `W_ha` for audio, `encoder2`, `affine_v`, `W_v`,
 * `W_cv`, `W_hv` for video, `regressor`.
 */
import {z} from 'zod';
import {tf} from '../../learning/tf.js';
import type {Scope} from '../../learning/layers/declaration.js';
import {declare} from '../../learning/layers/declaration.js';
import {dense, denseWeights} from '../../learning/layers/dense.js';
import {defineSystem, widthOf} from '../system.js';
import {targetHeads, targetHeadWeights} from '../target-heads.js';
import {clipTraining, releasedClipTraining, releasedDecay} from '../training-params.js';

const architecture = z.strictObject({
  units: z.int().positive().default(128).describe('Features of each modality after its encoder, d.'),
  attentionUnits: z.int().positive().default(32).describe('Rows of the attention maps, k.'),
  headUnits: z.int().positive().default(128).describe('Hidden units of each regressor.'),
  headActivation: z.enum(['relu', 'none']).default('none').describe('What stands between the layers of a regressor.'),
  headDropout: z.number().min(0).lt(1).default(0.6).describe('Dropout on the hidden units of the regressors.'),
});

type Both = 'visual' | 'acoustic';

const modalities: readonly Both[] = ['acoustic', 'visual'];
const encoders: Readonly<Record<Both, string>> = {acoustic: 'encoder1', visual: 'encoder2'};
const letters: Readonly<Record<Both, string>> = {acoustic: 'a', visual: 'v'};

export const jca = defineSystem({
  name: 'jca',
  title: 'Joint Cross-Attention',
  paper: 'Praveen, Granger and Cardinal, TBIOM 2023',
  architecture,
  presets: {
    published: {
      training: {
        ...clipTraining,
        ...releasedDecay,
        targets: 'separate',
        windowFrames: 256,
        hopFrames: 256,
        learningRate: 1e-3,
        batchSize: 96,
        epochs: 30,
      },
    },
    released: {training: {...releasedClipTraining, ...releasedDecay, learningRate: 1e-4, batchSize: 64, epochs: 50}},
  },
  modalities,

  declare: ({architecture: params, dims, length, targetCount}) => {
    const {units: d, attentionUnits: k} = params;
    const linear = (name: string, inputs: number, outputs: number) =>
      denseWeights(name, {inputs, outputs, bias: false});
    return declare(
      ...modalities.flatMap((modality) => {
        const m = letters[modality];
        return [
          denseWeights(encoders[modality], {inputs: widthOf(dims, modality), outputs: d}),
          linear(`affine_${m}`, length, length),
          linear(`W_${m}`, length, k),
          linear(`W_c${m}`, 2 * d, k),
          linear(`W_h${m}`, k, length),
        ];
      }),
      targetHeadWeights({
        activation: params.headActivation,
        inputs: 2 * d,
        units: params.headUnits,
        dropout: params.headDropout,
        targetCount,
        length,
      }),
    );
  },

  forward: ({architecture: params, scope, inputs}) => {
    const encode = (m: Both): tf.Tensor => dense(scope, encoders[m], inputs[m]!).mul(scope.real); //   X_m     [B, L, d]
    const x: Record<Both, tf.Tensor> = {acoustic: encode('acoustic'), visual: encode('visual')};
    const j = tf.concat([x.acoustic, x.visual], 2); //                                      J = [X_a; X_v]     [B, L, D]
    const a = attend(scope, letters.acoustic, x.acoustic, j);
    const v = attend(scope, letters.visual, x.visual, j);
    const fused = tf.concat([a.attended, v.attended], 2); //                          [X_att,a; X_att,v]       [B, L, 2d]
    const prediction = targetHeads(scope, {activation: params.headActivation}, fused);
    return {prediction, inner: {'c.acoustic': a.c, 'c.visual': v.c, fused}};
  },
});

function attend(scope: Scope, m: string, x: tf.Tensor, j: tf.Tensor): {attended: tf.Tensor; c: tf.Tensor} {
  const xT = x.transpose([0, 2, 1]); //                                                                        [B, d, L]
  const wj = dense(scope, `affine_${m}`, j.transpose([0, 2, 1])).transpose([0, 2, 1]); //             W_j J     [B, L, D]
  const c = tf.matMul(xT, wj).div(Math.sqrt(j.shape[2]!)).tanh(); //            C = tanh(Xᵀ W_j J / √D)         [B, d, D]
  const h = dense(scope, `W_c${m}`, c)
    .add(dense(scope, `W_${m}`, xT))
    .relu(); // H = ReLU(W_c C + W Xᵀ)        [B, d, k]
  const wh = dense(scope, `W_h${m}`, h).transpose([0, 2, 1]); //                                      W_h H     [B, L, d]
  return {attended: wh.add(x).mul(scope.real), c}; //                           X_att = W_h H + X               [B, L, d]
}
