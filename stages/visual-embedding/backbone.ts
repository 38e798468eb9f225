import type {RgbImage} from '../face-alignment/image.js';

/** A network from a face crop to a vector. */
export interface ImageBackbone extends AsyncDisposable {
  /** Vectors have one length and depend on their own image alone. */
  embed(image: RgbImage): Promise<Float32Array>;
}
