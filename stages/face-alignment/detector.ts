import type {Box, Point, RgbImage} from './image.js';

/** A face in pixels of the image it was found in. */
export interface Detection {
  readonly box: Box;
  /** Confidence in [0, 1]. */
  readonly score: number;
  /** The five points of `template.ts`, where the detector gives them itself (YuNet, SCRFD). */
  readonly landmarks?: readonly Point[];
}

/** Finds faces. Results depend on the image alone, best first. */
export interface FaceDetector {
  /** Images may differ in size. */
  detect(images: readonly RgbImage[]): Promise<Detection[][]>;
  release(): Promise<void>;
}

/** Places the five points of `template.ts` in faces whose boxes are known. */
export interface LandmarkFinder {
  find(faces: readonly {readonly image: RgbImage; readonly box: Box}[]): Promise<(readonly Point[])[]>;
  release(): Promise<void>;
}
