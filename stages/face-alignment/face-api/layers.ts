/**
 * Layers shared by the face-api networks, as plain functions of tensors and weights. B images, S pixels per side.
 * Architecture: https://github.com/vladmandic/face-api (MIT), whose own outputs are the reference of the tests.
 */
import {tf} from '../../learning/tf.js';
import type {Tensors} from '../../learning/program.js';

type Stride = 1 | 2;

/** Convolution with bias. */
export function conv(
  x: tf.Tensor4D,
  weights: Tensors,
  name: string,
  stride: Stride,
  pad: 'same' | 'valid' = 'same',
): tf.Tensor4D {
  return tf.add(tf.conv2d(x, weights[`${name}/filters`] as tf.Tensor4D, stride, pad), weights[`${name}/bias`]!);
}

/** Depthwise convolution, then a pointwise one with bias. */
export function separableConv(x: tf.Tensor4D, weights: Tensors, name: string, stride: Stride): tf.Tensor4D {
  const depthwise = tf.depthwiseConv2d(x, weights[`${name}/depthwise_filter`] as tf.Tensor4D, stride, 'same');
  return tf.add(
    tf.conv2d(depthwise, weights[`${name}/pointwise_filter`] as tf.Tensor4D, 1, 'valid'),
    weights[`${name}/bias`]!,
  );
}

/** Mean colour of the images that the landmark and expression networks were trained on, R, G, B. */
const meanColour = [122.782, 117.001, 104.298];

/**
 * The features under face-api's landmark and expression networks.
 * images [B, 112, 112, 3] in [0, 255] → [B, 256]
 */
export function faceFeatures(weights: Tensors, images: tf.Tensor4D): tf.Tensor2D {
  let x: tf.Tensor4D = tf.div(tf.sub(images, tf.tensor1d(meanColour)), 255);
  x = denseBlock(x, weights, 'dense0'); // [B, 56, 56, 32]
  x = denseBlock(x, weights, 'dense1'); // [B, 28, 28, 64]
  x = denseBlock(x, weights, 'dense2'); // [B, 14, 14, 128]
  x = denseBlock(x, weights, 'dense3'); // [B, 7, 7, 256]
  return tf.mean(x, [1, 2]);
}

/** Four convolutions; the first halves the image, and each later one reads the rectified sum of all before it. */
function denseBlock(x: tf.Tensor4D, weights: Tensors, name: string): tf.Tensor4D {
  const first = `${name}/conv0`;
  const out1 = tf.relu(
    `${first}/filters` in weights ? conv(x, weights, first, 2) : separableConv(x, weights, first, 2),
  );
  const out2 = separableConv(out1, weights, `${name}/conv1`, 1);
  const sum2: tf.Tensor4D = tf.add(out1, out2);
  const out3 = separableConv(tf.relu(sum2), weights, `${name}/conv2`, 1);
  const sum3: tf.Tensor4D = tf.add(sum2, out3);
  const out4 = separableConv(tf.relu(sum3), weights, `${name}/conv3`, 1);
  const sum4: tf.Tensor4D = tf.add(sum3, out4);
  return tf.relu(sum4);
}
