/** Which convolutions are done with fewer products, and with tiles of which sizes. */
import type * as tf from '@tensorflow/tfjs';
import type {Graph} from './graph.js';
import {axesOf} from './image-geometry.js';
import type {Kind} from './image-geometry.js';
import {Tiling} from './tiling.js';
import type {AxisGeometry} from './tiling.js';
import {TILE_SIZES} from './toom-cook.js';

/** A convolution with stride 1 of an image [batch, rows, columns, channels]. */
export interface Convolution {
  readonly batch: number;
  readonly axes: readonly [AxisGeometry, AxisGeometry];
  readonly inChannels: number;
  readonly outChannels: number;
}

/** The tilings of the two axes. */
export type Form = readonly [Tiling, Tiling];

/**
 * What it costs to gather and map one number, in multiplications of a product: on Zen 4 with ONNX Runtime 1.30 a core
 * does 50 · 10⁹ multiplications a second and maps 10⁹ numbers.
 */
const MAPPING_COST = 50;
/** Costs are estimates; a smaller gain is not worth the larger error. */
const LEAST_GAIN = 1.25;

/** The fastest form of a convolution, or undefined where the direct one is faster. Depends on shapes alone. */
export function fastForm(convolution: Convolution): Form | undefined {
  const [rows, columns] = convolution.axes.map((axis) => tilingsOf(axis, convolution)) as [Tiling[], Tiling[]];
  const forms = rows.flatMap((row) => columns.map((column): Form => [row, column]));
  const [best] = forms.toSorted((a, b) => costOf(convolution, a) - costOf(convolution, b));
  return best && directCost(convolution) >= LEAST_GAIN * costOf(convolution, best) ? best : undefined;
}

/** Large tiles along both axes would square their error and the size of the mapped filter. */
function tilingsOf(axis: AxisGeometry, {axes}: Convolution): Tiling[] {
  if (axis.taps === 1) return [new Tiling(axis, 1)];
  const largest = axes.every(({taps}) => taps > 1) ? 7 : Infinity;
  return TILE_SIZES.filter((size) => size > axis.taps && size <= largest).map((size) => new Tiling(axis, size));
}

function directCost({batch, axes: [rows, columns], inChannels, outChannels}: Convolution): number {
  return batch * rows.outputs * columns.outputs * rows.taps * columns.taps * inChannels * outChannels;
}

function costOf({batch, inChannels, outChannels}: Convolution, [rows, columns]: Form): number {
  const products = rows.algorithm.products * columns.algorithm.products;
  const tiles = batch * rows.tiles * columns.tiles;
  const mapped = tiles * (inChannels + outChannels) + inChannels * outChannels;
  return products * (tiles * inChannels * outChannels + MAPPING_COST * mapped);
}

/** The convolution that makes the gradient of x from the gradient of y and the turned filter. */
export function turned({batch, axes, inChannels, outChannels}: Convolution): Convolution {
  const turnedAxis = ({taps, dilation, before, inputs, outputs}: AxisGeometry): AxisGeometry => ({
    taps,
    dilation,
    before: (taps - 1) * dilation - before,
    inputs: outputs,
    outputs: inputs,
  });
  const [rows, columns] = axes;
  return {batch, axes: [turnedAxis(rows), turnedAxis(columns)], inChannels: outChannels, outChannels: inChannels};
}

/**
 * The form with fewer products of a convolution, or undefined where there is none or the direct one is faster: on the
 * CPU alone, since graphs that leave ONNX Runtime keep the operators of convolutions.
 */
export function fastFormOf({options}: Graph, geometry: tf.backend_util.Conv2DInfo, kind: Kind): Form | undefined {
  const convolution = fastGeometry(geometry, kind);
  return options.target === 'cpu' && convolution !== undefined ? fastForm(convolution) : undefined;
}

/** That of the convolution that makes the gradient of x. */
export function turnedFormOf({options}: Graph, geometry: tf.backend_util.Conv2DInfo, kind: Kind): Form | undefined {
  const convolution = fastGeometry(geometry, kind);
  return options.target === 'cpu' && convolution !== undefined ? fastForm(turned(convolution)) : undefined;
}

function fastGeometry(geometry: tf.backend_util.Conv2DInfo, kind: Kind): Convolution | undefined {
  const {batchSize: batch, inChannels, outChannels} = geometry;
  const axes = axesOf(geometry);
  if (kind === 'depthwise' || axes.some(({stride}) => stride !== 1)) return undefined;
  return {batch, axes, inChannels, outChannels};
}
