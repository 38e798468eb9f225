/**
 * Cuts the part of a spectrogram that belongs to each video frame, by presentation time: the input of
 * networks on patches (VGGish: 96 rows that begin at the frame; ResNet-18 of TSAV and JCA: 107 rows that end with it).
 */
import type {LogMelRow} from './mfcc.js';

export interface PatchOptions {
  /** Rows per patch, T. */
  readonly rowCount: number;
  /** Where the frame lies in its patch. */
  readonly frameAt: 'start' | 'centre' | 'end';
  /** Moves every patch on (or back, where negative). */
  readonly offsetSeconds?: number;
  /** What stands in rows before the first and after the last: the nearest row, or this value in every band. */
  readonly beyond: 'repeat' | number;
}

export interface Patch {
  readonly frameIndex: number;
  /** rowCount × bands, row-major, the earliest row first. */
  readonly values: Float32Array;
}

/**
 * Streams one patch per frame; holds the rows of one patch. A patch with the frame at its start begins with
 * the row nearest to the frame's time; row k stands for the time k × hop, as in both published spectrograms.
 * Gives nothing where there are no rows.
 */
export async function* patchesAtFrames(
  rows: AsyncIterable<LogMelRow>,
  frames: AsyncIterable<{readonly frameIndex: number; readonly timeSeconds: number}>,
  {rowCount, frameAt, offsetSeconds = 0, beyond}: PatchOptions,
): AsyncGenerator<Patch, void, undefined> {
  const held = new HeldRows(rows);
  const hopSeconds = await held.hopSeconds();
  if (hopSeconds === undefined) return;
  const rowsBefore = {start: 0, centre: Math.floor(rowCount / 2), end: rowCount - 1}[frameAt];
  for await (const {frameIndex, timeSeconds} of frames) {
    const start = Math.round((timeSeconds + offsetSeconds) / hopSeconds) - rowsBefore;
    await held.moveTo(start, start + rowCount);
    yield {frameIndex, values: patch(held, start, rowCount, beyond)};
  }
}

function patch(held: HeldRows, start: number, rowCount: number, beyond: 'repeat' | number): Float32Array {
  const values = new Float32Array(rowCount * held.bandCount);
  for (let k = 0; k < rowCount; k++) {
    const bands = held.at(start + k, beyond === 'repeat');
    const from = k * held.bandCount;
    if (bands) values.set(bands, from);
    else values.fill(Number(beyond), from, from + held.bandCount);
  }
  return values;
}

/** A moving section of the rows; the very first and the last row stay at hand for the ends. */
class HeldRows {
  bandCount = 0;
  readonly #source: AsyncIterator<LogMelRow>;
  #rows: Float32Array[] = [];
  /** Index of the first row held. */
  #start = 0;
  #ended = false;
  #first: Float32Array | undefined;
  #last: Float32Array | undefined;

  constructor(rows: AsyncIterable<LogMelRow>) {
    this.#source = rows[Symbol.asyncIterator]();
  }

  /** Time from row to row; any positive value where there is but one row; undefined where there is none. */
  async hopSeconds(): Promise<number | undefined> {
    const [first, second] = [await this.#read(), await this.#read()];
    return first && (second ? second.timeSeconds - first.timeSeconds : 1);
  }

  /** Holds rows [start, end), as far as they exist; `start` never moves back. */
  async moveTo(start: number, end: number): Promise<void> {
    while (!this.#ended && this.#start + this.#rows.length < end) {
      await this.#read();
      this.#drop(start);
    }
    this.#drop(start);
  }

  /** The bands of a row; beyond the ends those of the nearest row, or undefined. */
  at(index: number, repeat: boolean): Float32Array | undefined {
    if (index < 0) return repeat ? this.#first : undefined;
    return this.#rows[index - this.#start] ?? (repeat ? this.#last : undefined);
  }

  async #read(): Promise<LogMelRow | undefined> {
    const {done, value} = await this.#source.next();
    this.#ended = done === true;
    if (done === true) return undefined;
    this.#first ??= value.bands;
    this.#last = value.bands;
    this.bandCount = value.bands.length;
    this.#rows.push(value.bands);
    return value;
  }

  #drop(start: number): void {
    const surplus = Math.min(Math.max(0, start - this.#start), this.#rows.length);
    this.#rows = surplus === 0 ? this.#rows : this.#rows.slice(surplus);
    this.#start += surplus;
  }
}
