import {tf} from '../../learning/tf.js';
import type {Tensors} from '../../learning/program.js';
import type {Box} from '../image.js';

/** Side of the image that the network expects. */
export const ssdSize = 512;

/** Overlap above which the weaker of two boxes is dropped. */
export const ssdOverlap = 0.5;

/** Batch normalisation constant of the trained network. */
const epsilon = 0.0010000000474974513;

/** Convolutions of MobileNet v1 (arXiv 1704.04861, table 1) that halve the image. */
const halving = new Set([2, 4, 6, 12]);

/**
 * face-api's SSD on MobileNet v1.
 * images [B, 512, 512, 3] in [0, 255] → codes [B, 5118, 4] (y, x, height, width against the anchors), scores [B, 5118]
 */
export function ssdMobilenet(weights: Tensors, images: tf.Tensor4D): {codes: tf.Tensor3D; scores: tf.Tensor2D} {
  let x = pointwise(tf.sub(tf.div(images, 127.5), 1), weights, 'MobilenetV1/Conv2d_0', 2);
  const maps: tf.Tensor4D[] = [];
  for (let layer = 1; layer <= 13; layer++) {
    x = depthwise(x, weights, `MobilenetV1/Conv2d_${layer}_depthwise`, halving.has(layer) ? 2 : 1);
    x = pointwise(x, weights, `MobilenetV1/Conv2d_${layer}`, 1);
    if (layer === 11 || layer === 13) maps.push(x);
  }
  for (let layer = 0; layer < 8; layer++) {
    x = pointwise(x, weights, `Prediction/Conv2d_${layer}`, layer % 2 === 0 ? 1 : 2);
    if (layer % 2 === 1) maps.push(x);
  }
  const predictions = maps.map((map, index) => predict(map, weights, `Prediction/BoxPredictor_${index}`));
  return {
    codes: tf.concat(
      predictions.map(({codes}) => codes),
      1,
    ),
    scores: tf.sigmoid(
      tf.concat(
        predictions.map(({logits}) => logits),
        1,
      ),
    ),
  };
}

function pointwise(x: tf.Tensor4D, weights: Tensors, name: string, stride: 1 | 2): tf.Tensor4D {
  const out = tf.conv2d(x, weights[`${name}_pointwise/weights`] as tf.Tensor4D, stride, 'same');
  const shifted: tf.Tensor4D = tf.add(out, weights[`${name}_pointwise/convolution_bn_offset`]!);
  return tf.clipByValue(shifted, 0, 6);
}

function depthwise(x: tf.Tensor4D, weights: Tensors, name: string, stride: 1 | 2): tf.Tensor4D {
  const of = (statistic: string) => weights[`${name}/BatchNorm/${statistic}`]!;
  const gain = tf.div(of('gamma'), tf.sqrt(tf.add(of('moving_variance'), epsilon)));
  const out = tf.depthwiseConv2d(x, weights[`${name}/depthwise_weights`] as tf.Tensor4D, stride, 'same');
  const normalised: tf.Tensor4D = tf.add(tf.mul(out, gain), tf.sub(of('beta'), tf.mul(of('moving_mean'), gain)));
  return tf.clipByValue(normalised, 0, 6);
}

/** Codes [B, positions, 4] and face logits [B, positions] of one feature map; of three classes, the second is "face". */
function predict(map: tf.Tensor4D, weights: Tensors, name: string): {codes: tf.Tensor3D; logits: tf.Tensor2D} {
  const layer = (part: string): tf.Tensor4D =>
    tf.add(
      tf.conv2d(map, weights[`${name}/${part}/weights`] as tf.Tensor4D, 1, 'same'),
      weights[`${name}/${part}/biases`]!,
    );
  const batch = map.shape[0];
  const classes: tf.Tensor3D = tf.reshape(layer('ClassPredictor'), [batch, -1, 3]);
  return {
    codes: tf.reshape(layer('BoxEncodingPredictor'), [batch, -1, 4]),
    logits: tf.reshape(tf.slice(classes, [0, 0, 1], [-1, -1, 1]), [batch, -1]),
  };
}

export interface SsdOutput {
  /** [5118, 4]: y, x, height, width against the anchors. */
  readonly codes: ArrayLike<number>;
  readonly scores: ArrayLike<number>;
  /** [5118, 4]: top, left, bottom, right in units of the image's side. */
  readonly anchors: ArrayLike<number>;
}

/** Boxes of one image with a score above `minScore`, in units of the image's side; SSD's variances are 0.1 and 0.2. */
export function decodeSsd({codes, scores, anchors}: SsdOutput, minScore: number): {box: Box; score: number}[] {
  const found = [];
  for (let index = 0; index < scores.length; index++) {
    if (scores[index]! <= minScore) continue;
    const [top, left, bottom, right] = four(anchors, index);
    const [y, x, tall, wide] = four(codes, index);
    const height = Math.exp(tall / 5) * (bottom - top);
    const width = Math.exp(wide / 5) * (right - left);
    const middleY = (y / 10) * (bottom - top) + (top + bottom) / 2;
    const middleX = (x / 10) * (right - left) + (left + right) / 2;
    found.push({box: {left: middleX - width / 2, top: middleY - height / 2, width, height}, score: scores[index]!});
  }
  return found;
}

function four(values: ArrayLike<number>, index: number): [number, number, number, number] {
  return [values[4 * index]!, values[4 * index + 1]!, values[4 * index + 2]!, values[4 * index + 3]!];
}
