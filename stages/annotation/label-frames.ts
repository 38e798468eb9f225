/** Gives every frame of the timeline its label: by line, by frame number or by time. */
import type {Annotation, AnnotationRow} from './read-annotation.js';

export interface FrameLabel {
  readonly frameIndex: number;
  /** In [-1, 1]; 0 where not valid. */
  readonly valence: number;
  readonly arousal: number;
  readonly valid: boolean;
}

export interface LabelledFrames {
  /** One label per frame. */
  readonly labels: readonly FrameLabel[];
  /** What the user should know: rows too many or too few, values out of range, nothing valid. */
  readonly warnings: readonly string[];
}

/** Aff-Wild2's mark of a frame that was not annotated. */
const notAnnotated = -5;

/**
 * Labels the frames at `timesSeconds`. A frame without a row is invalid, as is one of which either value lies
 * outside [-1, 1] (decision D12).
 */
export function labelFrames(
  annotation: Annotation,
  timesSeconds: Float64Array,
  {firstFrame}: {readonly firstFrame: number},
): LabelledFrames {
  const {rows, key} = annotation;
  const rowOf =
    key === 'time'
      ? rowsByTime(rows, timesSeconds)
      : rowsByIndex(rows, timesSeconds.length, key === 'frame' ? firstFrame : 0);
  const labels = rowOf.map((row, frameIndex) => labelOf(frameIndex, row));
  const coverage =
    key === 'time' ? timeCoverage(rows, timesSeconds) : lineCoverage(rows, labels.length, key, firstFrame);
  return {labels, warnings: [...coverage, ...outOfRange(rows), ...nothingValid(labels)]};
}

function labelOf(frameIndex: number, row: AnnotationRow | undefined): FrameLabel {
  if (!row || !inRange(row.valence) || !inRange(row.arousal)) return {frameIndex, valence: 0, arousal: 0, valid: false};
  return {frameIndex, valence: row.valence, arousal: row.arousal, valid: true};
}

function inRange(value: number): boolean {
  return value >= -1 && value <= 1;
}

function rowsByIndex(
  rows: readonly AnnotationRow[],
  frameCount: number,
  firstFrame: number,
): (AnnotationRow | undefined)[] {
  const found = new Array<AnnotationRow | undefined>(frameCount).fill(undefined);
  for (const row of rows) {
    const frameIndex = row.at - firstFrame;
    if (frameIndex >= 0 && frameIndex < frameCount) found[frameIndex] = row;
  }
  return found;
}

/**
 * The row nearest in time, if it lies within half a step of the annotation (its median step), so that a frame in
 * a gap of the annotation stays without label.
 */
function rowsByTime(rows: readonly AnnotationRow[], timesSeconds: Float64Array): (AnnotationRow | undefined)[] {
  const reachSeconds = medianStep(rows) / 2 + 1e-6;
  let next = 0;
  return Array.from(timesSeconds, (time) => {
    while (next < rows.length && rows[next]!.at < time) next++;
    const [before, after] = [rows[next - 1], rows[next]];
    const nearest = before && (!after || time - before.at <= after.at - time) ? before : after;
    return nearest && Math.abs(nearest.at - time) <= reachSeconds ? nearest : undefined;
  });
}

function medianStep(rows: readonly AnnotationRow[]): number {
  const steps = rows.slice(1).map((row, index) => row.at - rows[index]!.at);
  return steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0;
}

function lineCoverage(
  rows: readonly AnnotationRow[],
  frameCount: number,
  key: 'line' | 'frame',
  firstFrame: number,
): string[] {
  const last = rows.at(-1)?.at;
  const surplus = (last === undefined ? 0 : last - (key === 'frame' ? firstFrame : 0) + 1) - frameCount;
  const unit = Math.abs(surplus) === 1 ? `${key}` : `${key}s`;
  const warnings: string[] = [];
  if (surplus > 0) warnings.push(`annotation has ${surplus} ${unit} more than the video has frames; they were dropped`);
  if (surplus < 0)
    warnings.push(`annotation has ${-surplus} ${unit} fewer than the video has frames; those frames have no label`);
  if (key === 'frame' && firstFrame === 0 && surplus === 1 && rows[0]?.at === 1) {
    warnings.push('annotation counts its frames from 1, it seems: set annotation.firstFrame=1');
  }
  return warnings;
}

/** Annotation and video that end more than a second apart do not fit each other, or the unit is not seconds. */
function timeCoverage(rows: readonly AnnotationRow[], timesSeconds: Float64Array): string[] {
  const [annotationEnd, videoEnd] = [rows.at(-1)?.at ?? 0, timesSeconds.at(-1) ?? 0];
  if (Math.abs(annotationEnd - videoEnd) <= 1) return [];
  return [
    `annotation ends at ${annotationEnd.toFixed(1)} s and the video at ${videoEnd.toFixed(1)} s; frames without a row near them have no label`,
  ];
}

function outOfRange(rows: readonly AnnotationRow[]): string[] {
  const strange = (value: number) => !inRange(value) && value !== notAnnotated;
  const faulty = rows.filter(({valence, arousal}) => strange(valence) || strange(arousal));
  const [first] = faulty;
  if (!first) return [];
  const rowWord = faulty.length === 1 ? 'row' : 'rows';
  return [
    `annotation has ${faulty.length} ${rowWord} outside [-1, 1] that are not marked with -5 (first in line ${first.line}: ${first.valence}, ${first.arousal}); they count as not annotated`,
  ];
}

function nothingValid(labels: readonly FrameLabel[]): string[] {
  return labels.some(({valid}) => valid)
    ? []
    : [`annotation leaves none of the ${labels.length} frames with a valid label`];
}
