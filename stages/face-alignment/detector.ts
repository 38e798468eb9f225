import type {Box, Point, RgbImage} from './image.js';

/** A face in pixels of the image it was found in. */
export interface Detection {
  readonly box: Box;
  /** Confidence in [0, 1]. */
  readonly score: number;
  /** The five points of `template.ts`, where the detector gives them itself (YuNet, SCRFD). */
  readonly landmarks?: readonly Point[];
}

/** Finds faces. What it finds depends on the image alone, best first. */
export interface FaceDetector extends AsyncDisposable {
  detect(image: RgbImage): Promise<Detection[]>;
}

/** Places the five points of `template.ts` in a face whose box is known. */
export interface LandmarkFinder extends AsyncDisposable {
  find(image: RgbImage, box: Box): Promise<readonly Point[]>;
}

/** Asks one detector after the other until one finds a face. */
export function firstThatFinds(detectors: readonly FaceDetector[]): FaceDetector {
  return {
    async detect(image) {
      for (const detector of detectors) {
        const found = await detector.detect(image);
        if (found.length > 0) return found;
      }
      return [];
    },
    async [Symbol.asyncDispose]() {
      for (const detector of detectors) await detector[Symbol.asyncDispose]();
    },
  };
}
