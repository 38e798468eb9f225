/**
 * Radix-2 fast Fourier transform of real frames: X[k] = Σ x[n] e^(-2πi kn / N), k = 0 … N/2.
 * Decimation in time (Cooley & Tukey 1965), in float64.
 */
export class Fft {
  readonly #order: Uint32Array;
  readonly #cosines: Float64Array;
  readonly #sines: Float64Array;
  readonly #real: Float64Array;
  readonly #imaginary: Float64Array;

  /** @param length Length N of a frame: a power of two, at least 2. */
  constructor(readonly length: number) {
    if (length < 2 || (length & (length - 1)) !== 0) {
      throw new RangeError(`Expected \`length\` to be a power of two from 2, got \`${length}\``);
    }
    this.#order = bitReversed(length);
    const angles = Float64Array.from({length: length / 2}, (_, k) => (-2 * Math.PI * k) / length);
    this.#cosines = angles.map(Math.cos);
    this.#sines = angles.map(Math.sin);
    this.#real = new Float64Array(length);
    this.#imaginary = new Float64Array(length);
  }

  /** Writes |X[k]|² for k = 0 … N/2 into `power`; a frame shorter than N is followed by zeros. */
  powerSpectrum(frame: Float64Array, power: Float64Array): void {
    const real = this.#real;
    const imaginary = this.#imaginary;
    real.fill(0);
    imaginary.fill(0);
    for (let n = 0; n < frame.length; n++) real[this.#order[n]!] = frame[n]!;
    for (let half = 1; half < this.length; half *= 2) this.#combine(half);
    for (let k = 0; k <= this.length / 2; k++) power[k] = real[k]! * real[k]! + imaginary[k]! * imaginary[k]!;
  }

  /** Combines transforms of length `half` into transforms of twice that length. */
  #combine(half: number): void {
    const real = this.#real;
    const imaginary = this.#imaginary;
    const stride = this.length / (2 * half);
    for (let k = 0; k < half; k++) {
      const cosine = this.#cosines[k * stride]!;
      const sine = this.#sines[k * stride]!;
      for (let even = k; even < this.length; even += 2 * half) {
        const odd = even + half;
        const turnedReal = real[odd]! * cosine - imaginary[odd]! * sine;
        const turnedImaginary = real[odd]! * sine + imaginary[odd]! * cosine;
        real[odd] = real[even]! - turnedReal;
        imaginary[odd] = imaginary[even]! - turnedImaginary;
        real[even] = real[even]! + turnedReal;
        imaginary[even] = imaginary[even]! + turnedImaginary;
      }
    }
  }
}

function bitReversed(length: number): Uint32Array {
  const bits = Math.log2(length);
  return Uint32Array.from({length}, (_, n) => {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit++) reversed |= ((n >> bit) & 1) << (bits - 1 - bit);
    return reversed;
  });
}
