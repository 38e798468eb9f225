/**
 * CA — R. G. Praveen, E. Granger and P. Cardinal, "Cross Attentional Audio-Visual Fusion for Dimensional Emotion
 * Recognition", FG 2021. Code: praveena2j/Cross-Attentional-AV-Fusion at 85bf502 (RECOLA only, GPL-3.0; nothing of it is
 * used here).
 *
 * | symbol | meaning                                        | shape                      |
 * | ------ | ---------------------------------------------- | -------------------------- |
 * | X_m    | features of modality m, scaled to length 1     | [B, L, d_m]                |
 * | Z      | cross-correlation of the modalities over time  | [B, L_a, L_v]              |
 * | A_m    | attention of m over the steps of the other     | [B, L, L]                  |
 *
 * Differs from the paper: the paper is not among this project's sources; the equations come from a description of its
 * code. The attended features are concatenated, as the papers that build on it say, where the code adds them, which needs
 * features of one length.
 *
 * Differs from the released code:
 * - It predicts one value per sequence, by a maximum over the steps; here every step is predicted, as the other
 *   clip-level systems do, so that results compare.
 * - The labels of RECOLA were shifted there, and its predictions median filtered; neither belongs to Aff-Wild2.
 * - Their numbers on Aff-Wild2 come from a rerun within the JCA papers; geometry and training here are JCA's.
 */
import {z} from 'zod';
import {tf} from '../../learning/tf.js';
import {declare, named} from '../../learning/layers/declaration.js';
import {dense, denseWeights} from '../../learning/layers/dense.js';
import {xavierNormal} from '../../learning/layers/initialisers.js';
import {l2Normalise} from '../../learning/layers/l2-norm.js';
import {defineSystem, widthOf} from '../system.js';
import {clipTraining} from '../training-params.js';

/** Added to a correlation with a padded step: its weight after softmax is 0 in float32. */
const EXCLUDED = -1e9;

const architecture = z.strictObject({
  headUnits: z.array(z.int().positive()).default([512, 256]).describe('Hidden units of the regressor, layer by layer.'),
});

export const ca = defineSystem({
  name: 'ca',
  title: 'Cross-Attention',
  paper: 'Praveen, Granger and Cardinal, FG 2021',
  architecture,
  presets: {
    published: {
      training: {
        ...clipTraining,
        targets: 'separate',
        windowFrames: 256,
        hopFrames: 256,
        learningRate: 1e-4,
        batchSize: 16,
      },
    },
    released: {
      training: {
        ...clipTraining,
        targets: 'separate',
        windowFrames: 256,
        hopFrames: 256,
        learningRate: 1e-4,
        batchSize: 16,
      },
    },
  },
  modalities: ['acoustic', 'visual'],

  declare: ({architecture: params, dims, targetCount}) => {
    const [dA, dV] = [widthOf(dims, 'acoustic'), widthOf(dims, 'visual')];
    const widths = [dA + dV, ...params.headUnits, targetCount];
    return declare(
      {weights: {corr_weights: {shape: [dA, dV], initialise: xavierNormal()}}},
      ...widths.slice(1).map((outputs, i) => denseWeights(`regressor.${2 * i}`, {inputs: widths[i]!, outputs})),
    );
  },

  forward: ({architecture: params, scope, inputs}) => {
    const xa = l2Normalise(inputs['acoustic']!).mul(scope.real); //                                                              [B, L, dA]
    const xv = l2Normalise(inputs['visual']!).mul(scope.real); //                                                                [B, L, dV]
    const w = named(scope.weights, 'corr_weights') as tf.Tensor2D;
    const [batch, length, dA] = xa.shape as [number, number, number];
    const xaW = tf.matMul(xa.reshape<tf.Tensor2D>([-1, dA]), w).reshape([batch, length, w.shape[1]]); //    [B, L, dV]
    const z = tf.matMul(xaW, xv, false, true); //                                     Z = X_aᵀ W X_v            [B, L, L]
    const padded = tf.sub(1, scope.real).mul(EXCLUDED).transpose([0, 2, 1]); //                                  [B, 1, L]
    const aA = tf.softmax(z.add(padded)); //                                          A_a = softmax_v(Z)        [B, L, L]
    const aV = tf.softmax(z.transpose([0, 2, 1]).add(padded)); //                     A_v = softmax_a(Zᵀ)       [B, L, L]
    const attA = xa.add(tf.matMul(aA, xa, true, false)).tanh(); //                    tanh(X_a + X_a A_a)       [B, L, dA]
    const attV = xv.add(tf.matMul(aV, xv, true, false)).tanh(); //                    tanh(X_v + X_v A_v)       [B, L, dV]
    let y: tf.Tensor = tf.concat([attA, attV], 2); //                                                            [B, L, dA + dV]
    for (let i = 0; i < params.headUnits.length; i++) y = dense(scope, `regressor.${2 * i}`, y).tanh();
    return {prediction: dense(scope, `regressor.${2 * params.headUnits.length}`, y), inner: {z, aA, aV}};
  },
});
