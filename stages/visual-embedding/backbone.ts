import type {RgbImage} from '../face-alignment/image.js';

/** A network from face crops to vectors. */
export interface ImageBackbone extends AsyncDisposable {
  /** Images per call; a call with fewer is filled up, so that a vector never depends on how many came with it. */
  readonly batchSize: number;
  /** One vector per image, at most `batchSize` of them; each depends on its own image alone. One call at a time. */
  embed(images: readonly RgbImage[]): Promise<Float32Array[]>;
}
