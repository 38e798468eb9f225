import {tf} from '../../learning/tf.js';
import type {Tensors} from '../../learning/program.js';
import type {Point} from '../image.js';
import {faceFeatures} from './layers.js';

/**
 * face-api's landmark network.
 * images [B, 112, 112, 3] in [0, 255] → [B, 136]: x, y of 68 points in units of the image's side
 */
export function landmarks68(weights: Tensors, images: tf.Tensor4D): tf.Tensor2D {
  return tf.add(tf.matMul(faceFeatures(weights, images), weights['fc/weights'] as tf.Tensor2D), weights['fc/bias']!);
}

/**
 * The five points of `template.ts` out of the 68 of iBUG 300-W: middles of the eyes (36–41, 42–47), nose tip (30),
 * mouth corners (48, 54). "Left" is the left of the image.
 */
export function fivePoints(points: readonly Point[]): Point[] {
  return [middle(points.slice(36, 42)), middle(points.slice(42, 48)), points[30]!, points[48]!, points[54]!];
}

function middle(points: readonly Point[]): Point {
  const sum = points.reduce((total, point) => ({x: total.x + point.x, y: total.y + point.y}));
  return {x: sum.x / points.length, y: sum.y / points.length};
}
