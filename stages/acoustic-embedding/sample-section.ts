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
  #buffer = new Float32Array(0);
  /** Where in the buffer the samples that are held begin, and how many there are. */
  #offset = 0;
  #count = 0;
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
    const shift = this.#offset - this.#start;
    if (to > from) result.set(this.#buffer.subarray(from + shift, to + shift), from - start);
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
    return this.#start + this.#count;
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
    this.#makeRoom(value.sampleCount);
    this.#buffer.set(value.samples.subarray(0, value.sampleCount), this.#offset + this.#count);
    this.#count += value.sampleCount;
  }

  /** Moves what is held to the front of the buffer; the buffer grows only where that is not enough. */
  #makeRoom(sampleCount: number): void {
    if (this.#offset + this.#count + sampleCount <= this.#buffer.length) return;
    const held = this.#buffer.subarray(this.#offset, this.#offset + this.#count);
    const needed = this.#count + sampleCount;
    // Twice what is needed, so that a window moves through the buffer before it has to be copied again.
    if (2 * needed > this.#buffer.length) this.#buffer = new Float32Array(2 * needed);
    this.#buffer.set(held);
    this.#offset = 0;
  }

  #drop(start: number): void {
    const surplus = Math.min(Math.max(0, start - this.#start), this.#count);
    this.#offset += surplus;
    this.#count -= surplus;
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
