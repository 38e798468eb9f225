/** Triangular mel filters on HTK's scale: mel = 1127 ln(1 + f / 700). */
export interface MelBandOptions {
  readonly sampleRateHz: number;
  readonly fftLength: number;
  readonly bandCount: number;
  readonly lowestHz: number;
  readonly highestHz: number;
  /**
   * On which axis the sides of a triangle are straight: 'hertz' as in torchaudio and librosa (no
   * normalisation), or 'mel' as in VGGish, which also leaves out the constant component.
   */
  readonly straightIn: 'hertz' | 'mel';
}

/** The non-zero weights of one band: they apply to spectrum bins from `firstBin` on. */
export interface MelBand {
  readonly firstBin: number;
  readonly weights: Float64Array;
}

/** Bands from the lowest to the highest, for spectra of fftLength / 2 + 1 bins. */
export function melBands(options: MelBandOptions): readonly MelBand[] {
  const {bandCount, lowestHz, highestHz, straightIn} = options;
  const [lowest, highest] = [toMel(lowestHz), toMel(highestHz)];
  const edges = Array.from({length: bandCount + 2}, (_, k) => lowest + ((highest - lowest) * k) / (bandCount + 1));
  const axis = straightIn === 'mel' ? edges : edges.map(toHertz);
  const bins = binPositions(options);
  return Array.from({length: bandCount}, (_, band) => triangle(bins, axis[band]!, axis[band + 1]!, axis[band + 2]!));
}

export function toMel(hertz: number): number {
  return 1127 * Math.log1p(hertz / 700);
}

export function toHertz(mel: number): number {
  return 700 * Math.expm1(mel / 1127);
}

/** Where each bin lies on the axis; -∞ for a bin that belongs to no band. */
function binPositions({sampleRateHz, fftLength, straightIn}: MelBandOptions): Float64Array {
  return Float64Array.from({length: fftLength / 2 + 1}, (_, bin) => {
    const hertz = (bin * sampleRateHz) / fftLength;
    if (straightIn === 'hertz') return hertz;
    return bin === 0 ? Number.NEGATIVE_INFINITY : toMel(hertz);
  });
}

function triangle(bins: Float64Array, left: number, peak: number, right: number): MelBand {
  const all = bins.map((x) => Math.max(0, Math.min((x - left) / (peak - left), (right - x) / (right - peak))));
  const firstBin = all.findIndex((weight) => weight > 0);
  if (firstBin < 0) return {firstBin: 0, weights: new Float64Array(0)};
  return {firstBin, weights: all.slice(firstBin, all.findLastIndex((weight) => weight > 0) + 1)};
}
