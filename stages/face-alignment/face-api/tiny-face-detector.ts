import {tf} from '../../learning/tf.js';
import type {Tensors} from '../../learning/program.js';
import {conv, separableConv} from './layers.js';
import type {Box} from '../image.js';

/** Mean colour of the images that the network was trained on, R, G, B. */
const meanColour = [117.001, 114.697, 97.404];

/** Width and height of the five anchor boxes in cells. */
const anchors = [
  [1.603231, 2.094468],
  [6.041143, 7.080126],
  [2.882459, 3.518061],
  [4.266906, 5.178857],
  [9.041765, 10.66308],
] as const;

/** Per anchor: centre x, centre y, width, height, objectness. */
const codesPerAnchor = 5;

/** Overlap above which the weaker of two boxes is dropped. */
export const tinyOverlap = 0.4;

/**
 * face-api's tiny face detector, a small YOLO v2. S is a multiple of 32, and decides which faces are found. Of 22 faces
 * in photographs, cut out so that a face is 18 % / 30 % / 40 % / 60 % of the frame's height, S = 224 finds
 * 2 / 21 / 21 / 19 and S = 416 finds 21 / 20 / 20 / 15; below 15 % only SSD finds most. Every size also misses some faces
 * that others find, at all scales, and of 774 frames of drawn faces a second size found all that the first had missed.
 * images [B, S, S, 3] in [0, 255] → [B, S/32, S/32, 25]
 */
export function tinyFaceDetector(weights: Tensors, images: tf.Tensor4D): tf.Tensor4D {
  let x: tf.Tensor4D = tf.div(tf.sub(images, tf.tensor1d(meanColour)), 255);
  x = halve(tf.leakyRelu(conv(x, weights, 'conv0', 1, 'valid'), 0.1));
  for (const name of ['conv1', 'conv2', 'conv3', 'conv4'])
    x = halve(tf.leakyRelu(separableConv(x, weights, name, 1), 0.1));
  x = tf.maxPool(tf.leakyRelu(separableConv(x, weights, 'conv5', 1), 0.1), 2, 1, 'same');
  return conv(x, weights, 'conv8', 1, 'valid');
}

function halve(x: tf.Tensor4D): tf.Tensor4D {
  return tf.maxPool(x, 2, 2, 'same');
}

/** Boxes of one image with a score above `minScore`, in units of the image's side; `codes` is [cells, cells, 25]. */
export function decodeTiny(codes: ArrayLike<number>, cellCount: number, minScore: number): {box: Box; score: number}[] {
  const found = [];
  for (let at = 0; at < codes.length; at += codesPerAnchor) {
    const score = sigmoid(codes[at + 4]!);
    if (score <= minScore) continue;
    const position = at / codesPerAnchor;
    const [anchorWidth, anchorHeight] = anchors[position % anchors.length]!;
    const cell = Math.floor(position / anchors.length);
    const width = (Math.exp(codes[at + 2]!) * anchorWidth) / cellCount;
    const height = (Math.exp(codes[at + 3]!) * anchorHeight) / cellCount;
    const x = ((cell % cellCount) + sigmoid(codes[at]!)) / cellCount;
    const y = (Math.floor(cell / cellCount) + sigmoid(codes[at + 1]!)) / cellCount;
    found.push({box: {left: x - width / 2, top: y - height / 2, width, height}, score});
  }
  return found;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
