import type {Point} from './image.js';

/** Side of the aligned crop in pixels, for which `template` is given. */
export const cropSize = 112;

/**
 * Where the five landmarks lie in the 112-pixel crop, in the order of the `landmarks` column: left eye, right eye,
 * nose tip, left and right mouth corner as seen in the image. The same numbers are used by InsightFace and OpenCV Zoo,
 * so that recognition networks trained on such crops see what they were trained on.
 */
export const template: readonly Point[] = [
  {x: 38.2946, y: 51.6963},
  {x: 73.5318, y: 51.5014},
  {x: 56.0252, y: 71.7366},
  {x: 41.5493, y: 92.3655},
  {x: 70.7299, y: 92.2041},
];
