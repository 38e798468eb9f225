/** Rows of a feature file on the frames of a video. Everything streams; rows and frames only move forward. */
import {badFeatures, type FeatureRow} from './feature-row.js';
import type {OwnParams} from './params.js';

export interface Frame {
  readonly frameIndex: number;
  readonly timeSeconds: number;
}

export interface FrameVector {
  readonly frameIndex: number;
  readonly vector: Float32Array;
}

export interface Alignment {
  readonly file: string;
  readonly params: OwnParams;
  readonly frameCount: number;
  warn(message: string): void;
}

/**
 * Streams one vector per frame. By frame: the row of that number, or the row at that place in files without numbers.
 * By time: the nearest row, zeros where none is near.
 *
 * @throws StageError 'bad-features' where rows and frames do not fit each other.
 */
export function alignRows(
  rows: AsyncIterable<FeatureRow>,
  frames: AsyncIterable<Frame>,
  alignment: Alignment,
): AsyncGenerator<FrameVector, void, undefined> {
  return alignment.params.align === 'frame'
    ? byFrame(checked(rows, alignment), frames, alignment)
    : byTime(checked(timed(rows, alignment), alignment), frames, alignment);
}

/** One width, finite values, rising keys. */
async function* checked(
  rows: AsyncIterable<FeatureRow>,
  {file, params}: Alignment,
): AsyncGenerator<FeatureRow, void, undefined> {
  let before: FeatureRow | undefined;
  let rowNumber = 0;
  for await (const row of rows) {
    rowNumber += 1;
    const {values, key} = row;
    if (before && values.length !== before.values.length) {
      throw badFeatures(
        file,
        `row ${rowNumber} has ${values.length} values, those before ${before.values.length}`,
        'Give all rows one length.',
      );
    }
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0 && params.nonFinite === 'error') {
      throw badFeatures(
        file,
        `value ${bad + 1} of row ${rowNumber} is ${values[bad]}`,
        'Correct it, or set own.nonFinite: zero.',
      );
    }
    if (key !== undefined && before?.key !== undefined && !(key > before.key)) {
      const seen = `row ${rowNumber} is for ${key}, after a row for ${before.key}`;
      throw badFeatures(file, seen, 'Sort the rows, and keep one per frame or time (one face, one segment).');
    }
    before = row;
    yield bad < 0 ? row : {key, values: values.map((value) => (Number.isFinite(value) ? value : 0))};
  }
  if (before === undefined)
    throw badFeatures(file, 'it has no rows', 'Write one row per frame, or leave the clip out.');
}

/** Keys in seconds on the clock of the video. */
async function* timed(
  rows: AsyncIterable<FeatureRow>,
  {file, params}: Alignment,
): AsyncGenerator<FeatureRow, void, undefined> {
  const {timeUnit, rowsPerSecond, offsetSeconds} = params;
  let rowIndex = 0;
  for await (const {key, values} of rows) {
    if (key === undefined && rowsPerSecond === undefined) {
      throw badFeatures(file, 'align: time, but it has no column of times', 'Set own.keyColumn or own.rowsPerSecond.');
    }
    const seconds = key === undefined ? rowIndex / rowsPerSecond! : timeUnit === 'ms' ? key / 1000 : key;
    rowIndex += 1;
    yield {key: seconds + offsetSeconds, values};
  }
}

async function* byFrame(
  rows: AsyncGenerator<FeatureRow, void, undefined>,
  frames: AsyncIterable<Frame>,
  alignment: Alignment,
): AsyncGenerator<FrameVector, void, undefined> {
  const {firstFrame} = alignment.params;
  const first = await rows.next();
  if (first.done === true) return;
  const keyed = first.value.key !== undefined;
  const zeros = new Float32Array(first.value.values.length);
  const counts = {rows: 1, matched: 0, missing: 0, firstKey: first.value.key};
  let [row, last]: [FeatureRow | undefined, FeatureRow] = [first.value, first.value];
  const advance = async () => {
    const next = await rows.next();
    row = next.done === true ? undefined : next.value;
    if (row) counts.rows += 1;
  };
  for await (const {frameIndex} of frames) {
    while (keyed && row && row.key! - firstFrame < frameIndex) await advance();
    const hit = row !== undefined && (!keyed || row.key! - firstFrame === frameIndex);
    counts[hit ? 'matched' : 'missing'] += 1;
    if (hit) last = row!;
    yield {frameIndex, vector: hit || !keyed ? last.values : zeros};
    if (hit) await advance();
  }
  while (row) await advance();
  (keyed ? judgeKeyed : judgeOrdered)(counts, alignment);
}

interface Counts {
  readonly rows: number;
  readonly matched: number;
  readonly missing: number;
  readonly firstKey: number | undefined;
}

function judgeOrdered({rows, missing}: Counts, {file, params, frameCount, warn}: Alignment): void {
  const difference = rows - frameCount;
  if (difference === 0) return;
  const seen = `${rows} rows for ${frameCount} frames`;
  if (Math.abs(difference) > params.toleranceRows) {
    const remedy =
      'Write one row per frame, align by time (own.align: time, own.rowsPerSecond), or raise own.toleranceRows.';
    throw badFeatures(file, seen, remedy);
  }
  warn(`Own features: ${seen}; ${missing > 0 ? 'the last row is repeated' : 'the last rows are left out'}.`);
}

function judgeKeyed({rows, matched, missing, firstKey}: Counts, {file, params, frameCount, warn}: Alignment): void {
  if (matched === 0 && frameCount > 0) {
    throw badFeatures(
      file,
      `none of its ${rows} rows is for any of the ${frameCount} frames`,
      'Check own.keyColumn and own.firstFrame.',
    );
  }
  if (missing > 0) warn(`Own features: ${missing} of ${frameCount} frames have no row and get zeros.`);
  if (rows > matched) warn(`Own features: ${rows - matched} of ${rows} rows are for no frame of the video.`);
  if (firstKey === 1 && params.firstFrame === 0 && rows > matched)
    warn('Own features: the rows count frames from 1, it seems: set own.firstFrame: 1.');
}

async function* byTime(
  rows: AsyncGenerator<FeatureRow, void, undefined>,
  frames: AsyncIterable<Frame>,
  {file, params, frameCount, warn}: Alignment,
): AsyncGenerator<FrameVector, void, undefined> {
  let before: FeatureRow | undefined;
  let after = await rows.next();
  if (after.done === true) return;
  const zeros = new Float32Array(after.value.values.length);
  let missing = 0;
  for await (const {frameIndex, timeSeconds} of frames) {
    for (; after.done !== true && after.value.key! <= timeSeconds; after = await rows.next()) before = after.value;
    const near = nearer(before, after.done === true ? undefined : after.value, timeSeconds);
    const found = Math.abs(near.key! - timeSeconds) <= params.maxGapSeconds;
    if (!found) missing += 1;
    yield {frameIndex, vector: found ? near.values : zeros};
  }
  // What is left is read too: a bad row fails the clip, wherever it stands.
  while (after.done !== true) after = await rows.next();
  if (missing === frameCount && frameCount > 0) {
    const seen = `no row lies within ${params.maxGapSeconds} s of any of the ${frameCount} frames`;
    throw badFeatures(file, seen, 'Check own.timeUnit, own.offsetSeconds and own.keyColumn.');
  }
  if (missing > 0)
    warn(
      `Own features: ${missing} of ${frameCount} frames are farther than ${params.maxGapSeconds} s from any row and get zeros.`,
    );
}

/** At least one of both is given. */
function nearer(before: FeatureRow | undefined, after: FeatureRow | undefined, timeSeconds: number): FeatureRow {
  if (!before || !after) return (before ?? after)!;
  return after.key! - timeSeconds < timeSeconds - before.key! ? after : before;
}
