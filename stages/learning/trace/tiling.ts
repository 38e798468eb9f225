/** How the positions along one axis of an image fall into the tiles of a short convolution. */
import type {Axis} from './image-geometry.js';
import {shortConvolution} from './toom-cook.js';
import type {ShortConvolution} from './toom-cook.js';

/** A convolution with stride 1 along one axis. */
export type AxisGeometry = Omit<Axis, 'stride'>;

export class Tiling {
  readonly algorithm: ShortConvolution;
  /** Tiles that cover the outputs; `dilation` of them interleave. */
  readonly tiles: number;

  /** `size`: elements that a tile reads, one of TILE_SIZES. */
  constructor(
    readonly axis: AxisGeometry,
    readonly size: number,
  ) {
    this.algorithm = shortConvolution(axis.taps, size);
    this.tiles = axis.dilation * Math.ceil(axis.outputs / (axis.dilation * this.algorithm.outputs));
  }

  /** Where an element of a tile lies. */
  position(tile: number, element: number): number {
    const {dilation} = this.axis;
    return (Math.floor(tile / dilation) * this.algorithm.outputs + element) * dilation + (tile % dilation);
  }

  /** The tile that an output belongs to, and its element. */
  placeOf(output: number): {tile: number; element: number} {
    const {dilation} = this.axis;
    const {outputs} = this.algorithm;
    const step = Math.floor(output / dilation);
    return {tile: Math.floor(step / outputs) * dilation + (output % dilation), element: step % outputs};
  }
}
