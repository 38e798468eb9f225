/** Mean and scale of each modality, from the training clips alone, so that validation clips decide nothing. */
import type {Features} from './features.js';
import type {Modality} from './system.js';
import type {Training} from './training-params.js';

/** Rows read at a time. */
const CHUNK_ROWS = 4096;

/** Below this deviation a feature is taken to be constant and only centred. */
const SMALLEST_DEVIATION = 1e-6;

export interface Normalisation {
  readonly mean: Float32Array;
  /** What a centred feature is multiplied by. */
  readonly scale: Float32Array;
}

/** How the features of one modality are normalised. */
type Kind = Exclude<Training['normalisation'], 'released'>;

/** The released code of the frame-level systems leaves to their networks' vectors the scale they have, but for text. */
export function kindOf(normalisation: Training['normalisation'], modality: Modality): Kind {
  if (normalisation !== 'released') return normalisation;
  return modality === 'linguistic' ? 'scalar' : 'none';
}

/** One pass over all training frames, in float64. */
export async function normalisationOf(features: Features, kind: Kind): Promise<Normalisation> {
  const {width} = features;
  if (kind === 'none') return {mean: new Float32Array(width), scale: new Float32Array(width).fill(1)};
  const perFeature = await sumsOf(features);
  const {mean, deviation} = moments(kind === 'scalar' ? pooled(perFeature) : perFeature);
  const scale = deviation.map((d) => (d > SMALLEST_DEVIATION ? 1 / d : 1));
  const spread = (values: number[]) => Float32Array.from({length: width}, (_, i) => values[kind === 'scalar' ? 0 : i]!);
  return {mean: spread(mean), scale: spread(scale)};
}

/** Standard deviation of each feature over all frames; what noise of a stated signal-to-noise ratio is measured by. */
export async function deviationOf(features: Features): Promise<Float32Array> {
  return Float32Array.from(moments(await sumsOf(features)).deviation);
}

async function sumsOf(features: Features): Promise<Sums> {
  const sums = new Float64Array(features.width);
  const squares = new Float64Array(features.width);
  let rowCount = 0;
  for (const [clip, frameCount] of features.frameCounts.entries()) {
    rowCount += frameCount;
    for (let start = 0; start < frameCount; start += CHUNK_ROWS) {
      const values = await features.read(clip, start, Math.min(frameCount, start + CHUNK_ROWS));
      for (let i = 0, column = 0; i < values.length; i++, column = column + 1 === features.width ? 0 : column + 1) {
        sums[column]! += values[i]!;
        squares[column]! += values[i]! ** 2;
      }
    }
  }
  return {sums, squares, count: rowCount};
}

interface Sums {
  readonly sums: Float64Array;
  readonly squares: Float64Array;
  readonly count: number;
}

const total = (values: Float64Array): Float64Array => Float64Array.of(values.reduce((sum, v) => sum + v, 0));

const pooled = ({sums, squares, count}: Sums): Sums => ({
  sums: total(sums),
  squares: total(squares),
  count: count * sums.length,
});

function moments({sums, squares, count}: Sums): {mean: number[]; deviation: number[]} {
  const n = Math.max(count, 1);
  const mean = [...sums].map((sum) => sum / n);
  const deviation = mean.map((m, i) => Math.sqrt(Math.max(squares[i]! / n - m * m, 0)));
  return {mean, deviation};
}
