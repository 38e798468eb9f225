import type {Point} from './image.js';

/** Row-major 2 × 3 matrix [a, b, tx, c, d, ty]: (x, y) ↦ (a·x + b·y + tx, c·x + d·y + ty). */
export type Transform = readonly [number, number, number, number, number, number];

export const identity: Transform = [1, 0, 0, 0, 1, 0];

/**
 * Least-squares similarity (rotation, uniform scale, translation, no reflection) that takes `from` to `to`.
 * This is Umeyama's estimate (IEEE TPAMI 13(4), 1991, eq. 40–42); in the plane its singular value decomposition
 * has a closed form: with centred points p and q, a = Σ p·q / Σ |p|² and b = Σ p×q / Σ |p|².
 * Points that all coincide determine no scale: a RangeError.
 */
export function estimateSimilarity(from: readonly Point[], to: readonly Point[]): Transform {
  const p = centre(from);
  const q = centre(to);
  let dot = 0;
  let cross = 0;
  let spread = 0;
  for (const [index, {x, y}] of from.entries()) {
    const [px, py, qx, qy] = [x - p.x, y - p.y, to[index]!.x - q.x, to[index]!.y - q.y];
    dot += px * qx + py * qy;
    cross += px * qy - py * qx;
    spread += px * px + py * py;
  }
  if (!(spread > 0)) throw new RangeError(`Expected at least two different points, got ${JSON.stringify(from)}`);
  const a = dot / spread;
  const b = cross / spread;
  return [a, -b, q.x - a * p.x + b * p.y, b, a, q.y - b * p.x - a * p.y];
}

export function apply([a, b, tx, c, d, ty]: Transform, {x, y}: Point): Point {
  return {x: a * x + b * y + tx, y: c * x + d * y + ty};
}

export function invert([a, b, tx, c, d, ty]: Transform): Transform {
  const determinant = a * d - b * c;
  const [e, f, g, h] = [d / determinant, -b / determinant, -c / determinant, a / determinant];
  return [e, f, -(e * tx + f * ty), g, h, -(g * tx + h * ty)];
}

/** Does the second, then the first. */
export function compose([a, b, tx, c, d, ty]: Transform, [e, f, ux, g, h, uy]: Transform): Transform {
  return [a * e + b * g, a * f + b * h, a * ux + b * uy + tx, c * e + d * g, c * f + d * h, c * ux + d * uy + ty];
}

/** The same crop with `factor` times as many pixels per side: pixel edges, not pixel centres, are scaled. */
export function rescale([a, b, tx, c, d, ty]: Transform, factor: number): Transform {
  const shift = factor / 2 - 0.5;
  return [factor * a, factor * b, factor * tx + shift, factor * c, factor * d, factor * ty + shift];
}

/** Pixels of the crop per pixel of the image. */
export function scaleOf([a, b, , c, d]: Transform): number {
  return Math.sqrt(Math.abs(a * d - b * c));
}

function centre(points: readonly Point[]): Point {
  let [x, y] = [0, 0];
  for (const point of points) {
    x += point.x;
    y += point.y;
  }
  return {x: x / points.length, y: y / points.length};
}
