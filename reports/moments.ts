/**
 * Sufficient statistics of CCC. A clip's six moments are all that is needed to compute the CCC of any set of clips
 * exactly as if their frames were concatenated; the CCCs of the clips are not enough.
 */

/** Moments of a clip's valid frames: population variances and covariance (divisor n). P: prediction, y: annotation. */
export interface ClipMoments {
  readonly clip: string;
  /** Valid frames; 0 is allowed, and then the moments are ignored. */
  readonly n: number;
  readonly meanP: number;
  readonly meanY: number;
  readonly varP: number;
  readonly varY: number;
  readonly cov: number;
}

/** Sums about a fixed centre: additive over clips, and precise because the centre is near the data. */
export interface CentredSums {
  readonly n: number;
  readonly p: number;
  readonly y: number;
  readonly pp: number;
  readonly yy: number;
  readonly py: number;
}

export interface Centre {
  readonly p: number;
  readonly y: number;
}

/** Computes a clip's moments in two passes; both arrays hold its valid frames. */
export function momentsOf(clip: string, predicted: ArrayLike<number>, annotated: ArrayLike<number>): ClipMoments {
  const n = predicted.length;
  if (annotated.length !== n) {
    throw new RangeError(`Expected ${n} annotations for ${n} predictions of ${clip}, got ${annotated.length}`);
  }
  let [meanP, meanY, varP, varY, cov] = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    meanP += predicted[i]! / n;
    meanY += annotated[i]! / n;
  }
  for (let i = 0; i < n; i++) {
    const [p, y] = [predicted[i]! - meanP, annotated[i]! - meanY];
    varP += (p * p) / n;
    varY += (y * y) / n;
    cov += (p * y) / n;
  }
  return {clip, n, meanP, meanY, varP, varY, cov};
}

/**
 * The CCC of all frames of all clips, concatenated: 2 cov / (varP + varY + (meanP − meanY)²). Undefined without a
 * frame, and where both sides are constant and equal.
 */
export function pooledCcc(clips: readonly ClipMoments[]): number | undefined {
  const centre = centreOf(clips);
  return cccOfSums(addUp(clips.map((clip) => centredSums(clip, centre))), centre);
}

/** The mean of both sides over all frames. */
export function centreOf(clips: readonly ClipMoments[]): Centre {
  const n = clips.reduce((sum, clip) => sum + clip.n, 0);
  const meanOf = (side: 'meanP' | 'meanY'): number =>
    clips.reduce((sum, clip) => (clip.n === 0 ? sum : sum + (clip.n / n) * clip[side]), 0);
  return {p: meanOf('meanP'), y: meanOf('meanY')};
}

/** Shifts a clip's moments to sums about a centre (Steiner's theorem). */
export function centredSums({n, meanP, meanY, varP, varY, cov}: ClipMoments, centre: Centre): CentredSums {
  if (n === 0) return {n: 0, p: 0, y: 0, pp: 0, yy: 0, py: 0};
  const [p, y] = [meanP - centre.p, meanY - centre.y];
  return {n, p: n * p, y: n * y, pp: n * (varP + p * p), yy: n * (varY + y * y), py: n * (cov + p * y)};
}

function addUp(sums: readonly CentredSums[]): CentredSums {
  return sums.reduce(
    (a, b) => ({
      n: a.n + b.n,
      p: a.p + b.p,
      y: a.y + b.y,
      pp: a.pp + b.pp,
      yy: a.yy + b.yy,
      py: a.py + b.py,
    }),
    {n: 0, p: 0, y: 0, pp: 0, yy: 0, py: 0},
  );
}

/** CCC from sums about a centre; undefined where there is no frame or nothing varies. */
export function cccOfSums({n, p, y, pp, yy, py}: CentredSums, centre: Centre): number | undefined {
  if (n === 0) return undefined;
  const [shiftP, shiftY] = [p / n, y / n];
  const variances = pp / n - shiftP * shiftP + (yy / n - shiftY * shiftY);
  const denominator = variances + (centre.p + shiftP - centre.y - shiftY) ** 2;
  return denominator > NOTHING_VARIES ? (2 * (py / n - shiftP * shiftY)) / denominator : undefined;
}

/** Rounding of float64 sums of values in [-1, 1] reaches about 1e-30; float32 predictions that vary exceed 1e-16. */
const NOTHING_VARIES = 1e-24;
