/** A moving section of the audio shard, so that hours of sound are never in memory. */

export interface AudioRow {
  readonly sampleRateHz: number;
  readonly sampleCount: number;
  readonly samples: Float32Array;
}

/** Zero crossings of the interpolating sinc on each side: −80 dB of what would fold back, over most of the band. */
const sincReach = 16;

/** Reads windows of samples in order of time, at the rate of the shard or resampled; beyond the ends there are zeros. */
export class SampleSection {
  readonly #rows: AsyncIterator<AudioRow>;
  #held = new Float32Array(0);
  /** Position in the recording of the first sample held. */
  #start = 0;
  #ended = false;
  #rateHz = 0;
  /** For the one rate that is asked for. */
  #kernels: SincKernels | undefined;

  constructor(rows: AsyncIterable<AudioRow>) {
    this.#rows = rows[Symbol.asyncIterator]();
  }

  /** Whether a sample at or after this time exists; false everywhere where there is no sound. */
  async reaches(seconds: number): Promise<boolean> {
    while (!this.#ended && this.#end() <= seconds * this.#rateHz) await this.#read();
    return this.#end() > seconds * this.#rateHz;
  }

  /** `count` samples at `rateHz`, the same in every call, from a time on. Times must not fall from call to call by more than `count` samples. */
  async window(startSeconds: number, count: number, rateHz: number): Promise<Float32Array> {
    if (this.#rateHz === 0) await this.#read();
    if (this.#rateHz === 0) return new Float32Array(count);
    if (this.#rateHz === rateHz) return this.#copy(Math.round(startSeconds * rateHz), count);
    return this.#resampled(startSeconds, count, rateHz);
  }

  async #copy(start: number, count: number): Promise<Float32Array> {
    await this.#moveTo(start, start + count);
    const result = new Float32Array(count);
    const from = Math.max(start, this.#start);
    const to = Math.min(start + count, this.#end());
    if (to > from) result.set(this.#held.subarray(from - this.#start, to - this.#start), from - start);
    return result;
  }

  /** Interpolates by windowed sincs; the start is rounded to a sample of the recording. */
  async #resampled(startSeconds: number, count: number, rateHz: number): Promise<Float32Array> {
    const {kernels, reach, phaseCount} = (this.#kernels ??= sincKernels(this.#rateHz, rateHz));
    const first = Math.round(startSeconds * this.#rateHz) - reach;
    const source = await this.#copy(first, Math.ceil((count * this.#rateHz) / rateHz) + 2 * reach + 1);
    return Float32Array.from({length: count}, (_, n) => {
      const from = Math.floor((n * this.#rateHz) / rateHz);
      const kernel = kernels[n % phaseCount]!;
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += kernel[k]! * source[from + k]!;
      return sum;
    });
  }

  #end(): number {
    return this.#start + this.#held.length;
  }

  async #moveTo(start: number, end: number): Promise<void> {
    while (!this.#ended && this.#end() < end) {
      await this.#read();
      this.#drop(start);
    }
    this.#drop(start);
  }

  async #read(): Promise<void> {
    const {done, value} = await this.#rows.next();
    this.#ended = done === true;
    if (done === true) return;
    this.#rateHz = value.sampleRateHz;
    const joined = new Float32Array(this.#held.length + value.sampleCount);
    joined.set(this.#held);
    joined.set(value.samples.subarray(0, value.sampleCount), this.#held.length);
    this.#held = joined;
  }

  #drop(start: number): void {
    const surplus = Math.min(Math.max(0, start - this.#start), this.#held.length);
    if (surplus > 0) this.#held = this.#held.slice(surplus);
    this.#start += surplus;
  }
}

interface SincKernels {
  /** Weights of the samples from `reach` before to `reach` behind a position, per phase. */
  readonly kernels: readonly Float64Array[];
  readonly reach: number;
  /** Positions between samples that occur, after which they repeat. */
  readonly phaseCount: number;
}

/** Windowed sincs whose cut-off is half the lower of both rates. */
function sincKernels(fromHz: number, toHz: number): SincKernels {
  const cutoff = Math.min(1, toHz / fromHz);
  const reach = Math.ceil(sincReach / cutoff);
  const phaseCount = toHz / greatestCommonDivisor(fromHz, toHz);
  const kernels = Array.from({length: phaseCount}, (_, n) => {
    const fraction = (n * fromHz) / toHz - Math.floor((n * fromHz) / toHz);
    return Float64Array.from({length: 2 * reach + 1}, (_, k) => {
      const x = k - reach - fraction;
      return cutoff * sinc(x * cutoff) * hannAt(x / (reach + 1));
    });
  });
  return {kernels, reach, phaseCount};
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Hann window over [-1, 1]. */
function hannAt(x: number): number {
  return 0.5 + 0.5 * Math.cos(Math.PI * x);
}
