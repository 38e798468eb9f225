/**
 * LFAN — S. Zhang, Y. Ding, Z. Wei and C. Guan, "Continuous Emotion Recognition with Audio-Visual Leader-Follower
 * Attentive Fusion", ICCVW 2021. Code: sucv/ABAW2 at 71d40fb (preset `published`) and its successor sucv/ABAW3 at fbb305a
 * (preset `released`).
 *
 * | symbol     | meaning                                            | shape             |
 * | ---------- | -------------------------------------------------- | ----------------- |
 * | X_m        | features of modality m after its TCN               | [B, L, d_m]       |
 * | Q, K, V    | encoded features of all M modalities of a frame    | [B, L, M, 32]     |
 * | follower   | attended features of all modalities                | [B, L, 32 M]      |
 * | leader     | features of the visual modality, X_v               | [B, L, d_v]       |
 *
 * Differs from the paper:
 * - The paper is not among this project's sources; the equations come from a description of its code.
 * - Its modalities are video, VGGish and MFCC; here visual and acoustic features, whichever they are.
 * - In its code, queries and values of the audio branches are computed from keys by mistake; here all three from X_m.
 *
 * Differs from the released code (preset `released`):
 * - Padded frames are masked. Preset `published` scales the vectors of all modalities by scalars; the code of ABAW2 leaves
 *   those of its face network as they are. The released default adds eGeMAPS features as a third modality.
 *
 * Weight names: `temporal`, `bn`, `encoderQ|K|V`, `ln`, `regressor` as in ABAW2; `fusion.layers.self_attn` and
 * `fusion.layers.norm1` as in ABAW3.
 */
import {z} from 'zod';
import {tf} from '../../learning/tf.js';
import type {Declaration, Scope} from '../../learning/layers/declaration.js';
import {declare} from '../../learning/layers/declaration.js';
import {dense, denseWeights} from '../../learning/layers/dense.js';
import {dropout, dropoutMask} from '../../learning/layers/dropout.js';
import {xavierUniform, zeros} from '../../learning/layers/initialisers.js';
import {layerNorm, layerNormWeights} from '../../learning/layers/layer-norm.js';
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
  visualChannels: channels([128, 128, 128, 128]),
  acousticChannels: channels([32, 32, 32, 32]),
  temporalNorm: temporalParams.temporalNorm.default('none'),
  form: z.enum(['single-head', 'multi-head']).default('single-head').describe('Attention of ABAW2, or of ABAW3.'),
  heads: z.int().positive().default(2).describe('Heads of the multi-head form.'),
  units: z.int().positive().default(32).describe('Units of queries, keys and values of each modality.'),
  attendedDropout: z.number().min(0).lt(1).default(0).describe('Dropout on the attended features (multi-head form).'),
  output: z.enum(['tanh', 'linear']).default('linear').describe('What bounds the prediction.'),
});

type Architecture = z.output<typeof architecture>;

const modalities: readonly Modality[] = ['visual', 'acoustic'];

export const lfan = defineSystem({
  name: 'lfan',
  title: 'Leader-Follower Attentive Fusion',
  paper: 'Zhang, Ding, Wei and Guan, ICCVW 2021',
  architecture,
  presets: {
    published: {
      training: {
        ...releasedFrameTraining,
        normalisation: 'scalar',
        lossMoments: 'population',
        reloadBest: false,
        minimumLearningRate: 1e-6,
        batchSize: 8,
        earlyStopping: 20,
      },
    },
    released: {
      architecture: {
        visualChannels: [256, 256, 128, 128],
        acousticChannels: [64, 64, 32, 32],
        temporalNorm: 'batch',
        form: 'multi-head',
        attendedDropout: 0.1,
        output: 'tanh',
      },
      training: releasedFrameTraining,
    },
  },
  modalities,

  declare: ({architecture: params, dims, length, targetCount}) => {
    const follower = modalities.length * params.units;
    return declare(
      temporalFrontWeights({params, dims, modalities, length}),
      params.form === 'single-head' ? singleHeadWeights(params) : multiHeadWeights(params, length),
      denseWeights('regressor', {
        inputs: temporalWidth(params, 'visual') + follower,
        outputs: targetCount,
      }),
    );
  },

  forward: ({architecture: params, scope, inputs}) => {
    const x = temporalFront(scope, params, inputs); //                X_m       [B, L, d_m]
    const follower = params.form === 'single-head' ? singleHead(scope, params, x) : multiHead(scope, params, x);
    const fused = tf.concat([x['visual']!, follower], 2); //                       [leader; follower]       [B, L, d_v + 32 M]
    const y = dense(scope, 'regressor', fused);
    return {prediction: params.output === 'tanh' ? y.tanh() : y, inner: {follower}};
  },
});

type Features = Readonly<Record<string, tf.Tensor>>;

function singleHeadWeights(params: Architecture): Declaration {
  return declare(
    ...modalities.flatMap((modality) =>
      ['encoderQ', 'encoderK', 'encoderV'].map((encoder) =>
        denseWeights(`${encoder}.${releasedName[modality]}`, {
          inputs: temporalWidth(params, modality),
          outputs: params.units,
        }),
      ),
    ),
    layerNormWeights('ln', [modalities.length, params.units]),
  );
}

/** Attention across the modalities of each frame; as in the code, keys take the place of queries. */
function singleHead(scope: Scope, {units}: Architecture, x: Features): tf.Tensor {
  const [batch, length] = x['visual']!.shape as [number, number];
  const encoded = (encoder: string) =>
    tf
      .stack(
        modalities.map((modality) => dense(scope, `${encoder}.${releasedName[modality]}`, x[modality]!)),
        2,
      )
      .reshape([batch * length, modalities.length, units]); //                                                 [BL, M, 32]
  const [q, k, v] = [encoded('encoderQ'), encoded('encoderK'), encoded('encoderV')];
  const map = tf.softmax(tf.matMul(k, q, false, true).div(Math.sqrt(units))); //    softmax(K Qᵀ / √32)        [BL, M, M]
  const normed = layerNorm(scope, 'ln', tf.matMul(map, v).add(v)); //               LN(A V + V)                [BL, M, 32]
  return normed.reshape([batch, length, modalities.length * units]);
}

const attentionName = 'fusion.layers.self_attn';

function multiHeadWeights(params: Architecture, length: number): Declaration {
  const {units, attendedDropout} = params;
  const width = modalities.length * units;
  const initial = {weight: xavierUniform(), biasValue: zeros};
  return declare(
    ...modalities.map((modality) =>
      denseWeights(`${attentionName}.qkv_proj.${releasedName[modality]}`, {
        inputs: temporalWidth(params, modality),
        outputs: 3 * units,
        ...initial,
      }),
    ),
    denseWeights(`${attentionName}.o_proj`, {inputs: width, outputs: width, ...initial}),
    dropoutMask('fusion.layers.dropout', [length, width], attendedDropout),
    layerNormWeights('fusion.layers.norm1', [width]),
  );
}

function multiHead(scope: Scope, {units, heads}: Architecture, x: Features): tf.Tensor {
  const [batch, length] = x['visual']!.shape as [number, number];
  const d = units / heads;
  const projected = modalities.map((modality) =>
    dense(scope, `${attentionName}.qkv_proj.${releasedName[modality]}`, x[modality]!).reshape([
      batch * length * heads,
      1,
      3 * d,
    ]),
  );
  const [q, k, v] = tf.split(tf.concat(projected, 1), 3, 2) as [tf.Tensor, tf.Tensor, tf.Tensor]; //           [BLh, M, d]
  const map = tf.softmax(tf.matMul(q, k, false, true).div(Math.sqrt(d))); //        softmax(Q Kᵀ / √d)         [BLh, M, M]
  const attended = tf
    .matMul(map, v)
    .add(v)
    .reshape([batch, length, modalities.length * units]); // A V + V    [B, L, 32 M]
  const mapped = dropout(scope, 'fusion.layers.dropout', dense(scope, `${attentionName}.o_proj`, attended));
  return layerNorm(scope, 'fusion.layers.norm1', mapped);
}
