import type {Box} from './image.js';

/** Intersection over union of two boxes, in [0, 1]; 0 where either is empty. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

/**
 * Greedy non-maximum suppression: keeps the best box, drops all that overlap it by more than `threshold`, and so on.
 * Best first; equal scores keep their order, so that the result is a function of the values alone.
 */
export function suppress<D extends {readonly box: Box; readonly score: number}>(
  found: readonly D[],
  threshold: number,
): D[] {
  const kept: D[] = [];
  for (const candidate of found.toSorted((a, b) => b.score - a.score)) {
    if (kept.every(({box}) => overlap(box, candidate.box) <= threshold)) kept.push(candidate);
  }
  return kept;
}
