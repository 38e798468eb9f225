import type {View} from './augmentation.js';

/** Frames first, first + stride, … of a clip. */
export interface Frames {
  readonly first: number;
  readonly stride: number;
  readonly count: number;
}

/** What a network reads of the frames of one clip. */
export interface FrameImages {
  readonly frameCount: number;
  /** Writes the images of frames [count, H, W, C], all seen the same way. */
  write(out: Float32Array, frames: Frames, view: View): Promise<void>;
}
