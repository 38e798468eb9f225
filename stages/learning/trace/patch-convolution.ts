/**
 * Convolutions as products with the patches of an image, channels last: y = patches(x) · W. ONNX Runtime's own reach half the
 * rate of products on small images and leap over every second element of large ones; and they want channels first, where
 * what lies around them, `fast-convolution.ts` above all, has them last. The gradient of the filter takes the same patches.
 */
import type * as tf from '@tensorflow/tfjs';
import type {Graph, Value} from './graph.js';
import {axesOf} from './image-geometry.js';
import type {Kind} from './image-geometry.js';
import {tapsFirst, tapsSecond} from './filter-layout.js';
import {concatenate, matmul, reshape} from './operations.js';
import {gatherRows, indicesOf, patches, phasesOf, SHORT_ROW_BYTES, windowsOf} from './patches.js';
import type {Phase} from './patches.js';

/** Positions of an image up to which its patches, as many times as large as it is as the filter has taps, are small. */
const FEW_POSITIONS = 256;

/** Whether a convolution, or its gradient of x, is faster by patches of an image with `channels`. */
export function suitsPatches(
  {options}: Graph,
  {strideHeight, strideWidth, filterHeight, filterWidth, outChannels, outHeight, outWidth}: tf.backend_util.Conv2DInfo,
  {channels, kind}: {channels: number; kind: Kind},
): boolean {
  if (options.target !== 'cpu' || kind === 'depthwise') return false;
  const taps = filterHeight * filterWidth;
  if (channels * Float32Array.BYTES_PER_ELEMENT < SHORT_ROW_BYTES) return taps * channels <= outChannels;
  return strideHeight * strideWidth > 1 || taps === 1 || outHeight * outWidth <= FEW_POSITIONS;
}

/** y [N, H', W', out] of x [N, H, W, in] and a filter [taps, taps, in, out]. */
export function patchConvolve(x: Value, filter: Value, geometry: tf.backend_util.Conv2DInfo): Value {
  const {batchSize, outHeight, outWidth, outChannels} = geometry;
  const [rows, columns] = axesOf(geometry);
  const columnsOfX = patches(x, [windowsOf(rows), windowsOf(columns)]);
  const weights = reshape(tapsSecond(filter), [outChannels, columnsOfX.shape[1]!]);
  const y = matmul(columnsOfX, weights, {transposeA: false, transposeB: true});
  return reshape(y, [batchSize, outHeight, outWidth, outChannels]);
}

/**
 * The gradient of x [N, H, W, in]. With strides, those positions of x that lie a stride apart are seen by the same taps: each
 * such phase is a product of its own, and the phases are put together.
 */
export function patchInputGradient(dy: Value, filter: Value, geometry: tf.backend_util.Conv2DInfo): Value {
  const {batchSize, inHeight, inWidth, inChannels, strideHeight, strideWidth} = geometry;
  const axes = axesOf(geometry);
  const [down, across] = axes.map(phasesOf) as [Phase[], Phase[]];
  const phases = down.flatMap((row) => across.map((column) => phaseOf({dy, filter}, row, column)));
  const whole = [batchSize, inHeight, inWidth, inChannels];
  if (phases.length === 1) return reshape(phases[0]!, whole);
  const starts = phases.map((_, at) => phases.slice(0, at).reduce((sum, phase) => sum + phase.shape[1]!, 0));
  const places = (): BigInt64Array =>
    indicesOf([inHeight, inWidth], (y, x) => {
      const start = starts[(y % strideHeight) * strideWidth + (x % strideWidth)]!;
      return start + Math.floor(y / strideHeight) * across[x % strideWidth]!.seen.windows + Math.floor(x / strideWidth);
    });
  return reshape(gatherRows(concatenate(phases, 1), `phases ${JSON.stringify(axes)}`, places), whole);
}

/** The positions of x that belong to a phase of each axis: [N, positions, in] */
function phaseOf({dy, filter}: {dy: Value; filter: Value}, row: Phase, column: Phase): Value {
  const {graph, dtype} = dy;
  const [batch, positions] = [dy.shape[0]!, row.seen.windows * column.seen.windows];
  const [height = 0, width = 0, inChannels = 0, outChannels = 0] = filter.shape;
  const taps = row.taps.flatMap((y) => column.taps.map((x) => BigInt(y * width + x)));
  if (taps.length * positions === 0) return graph.uniform(0, [batch, positions, inChannels], dtype);
  const all = reshape(tapsFirst(filter), [1, height * width, outChannels * inChannels]);
  const own =
    taps.length === height * width ? all : gatherRows(all, `taps ${taps.join()}`, () => BigInt64Array.from(taps));
  const product = matmul(patches(dy, [row.seen, column.seen]), reshape(own, [taps.length * outChannels, inChannels]));
  return reshape(product, [batch, positions, inChannels]);
}
