/**
 * The contract of a backbone: a declared value from images to vectors, with the weights of its authors under their names.
 * Images are [N, H, W, C]; a spectrogram patch is an image of one channel.
 */
import type {PatchGeometry} from '../../acoustic-embedding/network-params.js';
import type {Declaration, Scope} from '../../learning/layers/declaration.js';
import type {tf} from '../../learning/tf.js';

/** What the network reads of a face crop. */
export interface CropFormat {
  readonly kind: 'crop';
  /** Side to which a crop is scaled. */
  readonly resizeTo: number;
  /** Side of the part of it that the network reads: its middle, or a random part in training. */
  readonly size: number;
  /** Subtracted from values in [0, 255], per channel: red, green, blue. */
  readonly mean: readonly [number, number, number];
  /** Divides what is left. */
  readonly std: readonly [number, number, number];
}

/** What the network reads of a spectrogram. */
export interface PatchFormat {
  readonly kind: 'patch';
  readonly geometry: PatchGeometry;
}

export interface Network {
  readonly name: string;
  readonly title: string;
  readonly paper: string;
  readonly format: CropFormat | PatchFormat;
  /** Length of a vector. */
  readonly dimension: number;
  /** Parts in the order of their release, by the beginnings of the names of their weights. */
  readonly groups: readonly (readonly string[])[];
  readonly declare: () => Declaration;
  /** Maps images [N, H, W, C] to vectors [N, d]. */
  readonly forward: (scope: Scope, images: tf.Tensor4D) => tf.Tensor2D;
}

/** [H, W, C] of an image that the network reads. */
export function imageShape({format}: Pick<Network, 'format'>): readonly [number, number, number] {
  if (format.kind === 'crop') return [format.size, format.size, 3];
  const {rowCount, bandCount, layout} = format.geometry;
  return layout === 'time-band' ? [rowCount, bandCount, 1] : [bandCount, rowCount, 1];
}

/** Names among these that belong to the first groups of the network. */
export function releasedNames(
  {groups}: Pick<Network, 'groups'>,
  groupCount: number,
  names: readonly string[],
): string[] {
  const beginnings = groups.slice(0, groupCount).flat();
  return names.filter((name) => beginnings.some((beginning) => name.startsWith(`${beginning}.`)));
}
