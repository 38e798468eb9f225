/** Agreement of two series, in float64 with population moments (D12). */

export interface Series {
  readonly prediction: ArrayLike<number>;
  readonly label: ArrayLike<number>;
}

export interface Agreement {
  /** Concordance correlation coefficient (Lin, Biometrics 1989); 0 where either side is constant. */
  readonly ccc: number;
  /** NaN where either side is constant. */
  readonly pearson: number;
  readonly rmse: number;
  readonly frameCount: number;
}

/** 'sample' divides the variances, but not the covariance, by n − 1, as released code does. */
export type Variance = 'population' | 'sample';

/** Compares two series of equal length; NaN throughout where they are empty. */
export function agreement({prediction, label}: Series, variance: Variance = 'population'): Agreement {
  const frameCount = label.length;
  if (prediction.length !== frameCount) {
    throw new RangeError(`Expected \`prediction\` to have ${frameCount} values, got ${prediction.length}`);
  }
  if (frameCount === 0) return {ccc: NaN, pearson: NaN, rmse: NaN, frameCount};
  const {meanX, meanY, varX, varY, covariance, squaredError} = moments(prediction, label);
  const unbias = variance === 'sample' ? frameCount / Math.max(frameCount - 1, 1) : 1;
  const constant = varX === 0 || varY === 0;
  return {
    ccc: constant ? 0 : (2 * covariance) / ((varX + varY) * unbias + (meanX - meanY) ** 2),
    pearson: constant ? NaN : covariance / Math.sqrt(varX * varY),
    rmse: Math.sqrt(squaredError),
    frameCount,
  };
}

/** Population moments of two series of equal length that are not empty. Two passes: means first, so that nothing cancels. */
export function moments(x: ArrayLike<number>, y: ArrayLike<number>) {
  const n = x.length;
  const meanX = mean(x);
  const meanY = mean(y);
  let [varX, varY, covariance, squaredError] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [dx, dy] = [x[i]! - meanX, y[i]! - meanY];
    varX += (dx * dx) / n;
    varY += (dy * dy) / n;
    covariance += (dx * dy) / n;
    squaredError += (x[i]! - y[i]!) ** 2 / n;
  }
  return {meanX, meanY, varX, varY, covariance, squaredError};
}

function mean(values: ArrayLike<number>): number {
  // A constant series must have its value as its mean, to the bit, or rounding would give it a variance.
  const first = values[0]!;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - first;
  return first + sum / values.length;
}
