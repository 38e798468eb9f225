import type {Detection} from '../detector.js';
import type {Point} from '../image.js';

/** Strides of the three feature maps that YuNet and SCRFD look at, in pixels of the square. */
export const strides = [8, 16, 32] as const;

/** Five points of one prediction, given as offsets from (x, y) in units of `stride`. */
function pointsAt(offsets: ArrayLike<number>, index: number, {x, y}: Point, stride: number): Point[] {
  return Array.from({length: 5}, (_, point) => ({
    x: x + offsets[10 * index + 2 * point]! * stride,
    y: y + offsets[10 * index + 2 * point + 1]! * stride,
  }));
}

/** Predictions of one feature map, row by row. */
export interface YunetMap {
  /** [cells]: probability of a face, and objectness, in [0, 1]. */
  readonly cls: ArrayLike<number>;
  readonly obj: ArrayLike<number>;
  /** [cells, 4]: middle x and y against the cell, logarithms of width and height; in strides. */
  readonly bbox: ArrayLike<number>;
  /** [cells, 10]: x, y of five points against the cell, in strides. */
  readonly kps: ArrayLike<number>;
}

/** What YuNet found on one feature map of `columns` cells a row, in pixels of the square: score = √(cls · obj). */
export function decodeYunet(
  {cls, obj, bbox, kps}: YunetMap,
  {stride, columns, minScore}: {stride: number; columns: number; minScore: number},
): Detection[] {
  const found: Detection[] = [];
  for (let cell = 0; cell < cls.length; cell++) {
    const score = Math.sqrt(unit(cls[cell]!) * unit(obj[cell]!));
    if (score < minScore) continue;
    const corner = {x: (cell % columns) * stride, y: Math.floor(cell / columns) * stride};
    const [x, y] = [corner.x + bbox[4 * cell]! * stride, corner.y + bbox[4 * cell + 1]! * stride];
    const [width, height] = [Math.exp(bbox[4 * cell + 2]!) * stride, Math.exp(bbox[4 * cell + 3]!) * stride];
    const box = {left: x - width / 2, top: y - height / 2, width, height};
    found.push({box, score, landmarks: pointsAt(kps, cell, corner, stride)});
  }
  return found;
}

const unit = (value: number) => Math.min(1, Math.max(0, value));

/** Anchors that SCRFD has in every cell, both at the cell's corner. */
const anchorsPerCell = 2;

/** Predictions of one feature map, row by row, the anchors of a cell side by side. */
export interface ScrfdMap {
  /** [anchors], in [0, 1]. */
  readonly scores: ArrayLike<number>;
  /** [anchors, 4]: distances to the left, upper, right and lower side, in strides. */
  readonly distances: ArrayLike<number>;
  /** [anchors, 10]: x, y of five points against the anchor, in strides. */
  readonly points: ArrayLike<number>;
}

/** What SCRFD found on one feature map of `columns` cells a row, in pixels of the square. */
export function decodeScrfd(
  {scores, distances, points}: ScrfdMap,
  {stride, columns, minScore}: {stride: number; columns: number; minScore: number},
): Detection[] {
  const found: Detection[] = [];
  for (let anchor = 0; anchor < scores.length; anchor++) {
    const score = scores[anchor]!;
    if (score < minScore) continue;
    const cell = Math.floor(anchor / anchorsPerCell);
    const middle = {x: (cell % columns) * stride, y: Math.floor(cell / columns) * stride};
    const distance = (side: number) => distances[4 * anchor + side]! * stride;
    const box = {
      left: middle.x - distance(0),
      top: middle.y - distance(1),
      width: distance(0) + distance(2),
      height: distance(1) + distance(3),
    };
    found.push({box, score, landmarks: pointsAt(points, anchor, middle, stride)});
  }
  return found;
}
