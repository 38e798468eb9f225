/**
 * Mel-frequency cepstral coefficients with their first and second differences, and three descriptors that
 * follow loudness and brightness: one vector per row of a log-mel spectrogram.
 *
 * An embedded default that needs no model. It is not the setting of any of the papers.
 */

export interface LogMelRow {
  readonly timeSeconds: number;
  readonly bands: Float32Array;
}

export interface Descriptor {
  readonly timeSeconds: number;
  readonly values: Float32Array;
}

/** Loudness, brightness, flux. */
const shapeCount = 3;

/** Length of a descriptor with that many coefficients: coefficients, differences, differences of those, shape. */
export function descriptorLength(coefficientCount: number): number {
  return 3 * coefficientCount + shapeCount;
}

/**
 * Streams one descriptor per row: c[n], Δc[n], ΔΔc[n], loudness, brightness, flux.
 *
 * @param deltaReach Rows on each side that a difference looks at; edges repeat the first and the last row.
 */
export async function* descriptors(
  rows: AsyncIterable<LogMelRow>,
  {coefficientCount, deltaReach}: {readonly coefficientCount: number; readonly deltaReach: number},
): AsyncGenerator<Descriptor, void, undefined> {
  const still = cepstra(rows, coefficientCount);
  const moving = withSlope(still, deltaReach, (row) => row.coefficients);
  for await (const {row, slope, slopeOfSlope} of withSlopeOfSlope(moving, deltaReach)) {
    const values = new Float32Array(descriptorLength(coefficientCount));
    values.set(row.coefficients);
    values.set(slope, coefficientCount);
    values.set(slopeOfSlope, 2 * coefficientCount);
    values.set(row.shape, 3 * coefficientCount);
    yield {timeSeconds: row.timeSeconds, values};
  }
}

interface Cepstrum {
  readonly timeSeconds: number;
  readonly coefficients: Float64Array;
  readonly shape: readonly [loudness: number, brightness: number, flux: number];
}

async function* cepstra(
  rows: AsyncIterable<LogMelRow>,
  coefficientCount: number,
): AsyncGenerator<Cepstrum, void, undefined> {
  let basis: readonly Float64Array[] | undefined;
  let before: Float32Array | undefined;
  for await (const {timeSeconds, bands} of rows) {
    basis ??= cosineBasis(coefficientCount, bands.length);
    const coefficients = Float64Array.from(basis, (cosines) => dot(cosines, bands));
    yield {timeSeconds, coefficients, shape: shapeOf(bands, before ?? bands)};
    before = bands;
  }
}

/**
 * Orthonormal cosine transform of type II, as scipy's `dct(norm='ortho')`:
 * c[n] = s[n] Σ x[b] cos(π n (2b + 1) / 2B), with s[0] = √(1/B) and s[n] = √(2/B).
 */
export function cosineBasis(coefficientCount: number, bandCount: number): readonly Float64Array[] {
  return Array.from({length: coefficientCount}, (_, n) => {
    const scale = Math.sqrt((n === 0 ? 1 : 2) / bandCount);
    return Float64Array.from(
      {length: bandCount},
      (_, band) => scale * Math.cos((Math.PI * n * (2 * band + 1)) / (2 * bandCount)),
    );
  });
}

function dot(a: Float64Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

/**
 * Loudness: mean of the bands. Brightness: mean position in [0, 1] of what lies above the lowest band, a stand-in
 * for pitch and vocal effort. Flux: mean rise of a band since the row before, which follows the rate of speech.
 */
function shapeOf(bands: Float32Array, before: Float32Array): [number, number, number] {
  const least = bands.reduce((least, band) => Math.min(least, band));
  let [sum, excess, moment, rise] = [0, 0, 0, 0];
  for (let k = 0; k < bands.length; k++) {
    const band = bands[k]!;
    sum += band;
    excess += band - least;
    moment += (band - least) * k;
    rise += Math.max(0, band - before[k]!);
  }
  const brightness = excess > 0 ? moment / excess / Math.max(1, bands.length - 1) : 0;
  return [sum / bands.length, brightness, rise / bands.length];
}

/** Adds the slope of a vector over its neighbours to every item. */
async function* withSlope<Item>(
  items: AsyncIterable<Item>,
  reach: number,
  vector: (item: Item) => Float64Array,
): AsyncGenerator<{row: Item; slope: Float64Array}, void, undefined> {
  for await (const around of neighbourhoods(items, reach)) {
    yield {row: around[reach]!, slope: slope(around.map(vector))};
  }
}

async function* withSlopeOfSlope<Row>(
  items: AsyncIterable<{row: Row; slope: Float64Array}>,
  reach: number,
): AsyncGenerator<{row: Row; slope: Float64Array; slopeOfSlope: Float64Array}, void, undefined> {
  for await (const {row, slope} of withSlope(items, reach, (item) => item.slope)) {
    yield {...row, slopeOfSlope: slope};
  }
}

/**
 * Slope of the regression line through 2R + 1 equally spaced vectors (Furui 1986, as in HTK):
 * Σ r (x[R + r] - x[R - r]) / (2 Σ r²), r = 1 … R.
 */
export function slope(around: readonly Float64Array[]): Float64Array {
  const reach = (around.length - 1) / 2;
  const result = new Float64Array(around[0]?.length ?? 0);
  let squares = 0;
  for (let r = 1; r <= reach; r++) {
    const after = around[reach + r]!;
    const before = around[reach - r]!;
    for (let k = 0; k < result.length; k++) result[k]! += r * (after[k]! - before[k]!);
    squares += 2 * r * r;
  }
  return result.map((sum) => sum / squares);
}

/** For every item the `reach` items before it, itself and the `reach` items after it; ends are repeated. */
export async function* neighbourhoods<Item>(
  items: AsyncIterable<Item>,
  reach: number,
): AsyncGenerator<Item[], void, undefined> {
  const around: Item[] = [];
  let itemCount = 0;
  for await (const item of items) {
    itemCount += 1;
    while (around.length < reach) around.push(item); // What stands before the first item.
    around.push(item);
    if (around.length > 2 * reach + 1) around.shift();
    if (around.length === 2 * reach + 1) yield [...around];
  }
  const last = around.at(-1);
  if (last === undefined) return;
  for (let left = Math.min(reach, itemCount); left > 0;) {
    around.push(last);
    if (around.length > 2 * reach + 1) around.shift();
    if (around.length === 2 * reach + 1) {
      yield [...around];
      left -= 1;
    }
  }
}
