import type {Detection} from './detector.js';
import type {Box} from './image.js';
import {overlap} from './nms.js';

/** Which face of a clip is its subject: the largest, or the leftmost or rightmost as seen in the image. */
export type Subject = 'largest' | 'left' | 'right';

/** How long a face may be lost and still be awaited where it was. */
export const gapSeconds = 1;

/** A face this much smaller than the largest one is background, and cannot be the leftmost or rightmost subject. */
const backgroundArea = 1 / 4;

export interface Sighting {
  readonly timeSeconds: number;
  readonly frameWidth: number;
  readonly detections: readonly Detection[];
}

/** Follows one face through a clip. Sightings arrive in order of time. */
export class SubjectTracker {
  #last: {readonly box: Box; readonly timeSeconds: number} | undefined;

  constructor(private readonly subject: Subject) {}

  /** The subject among the faces of one frame; undefined where it is not seen. */
  next(sighting: Sighting): Detection | undefined {
    if (this.#last && sighting.timeSeconds - this.#last.timeSeconds > gapSeconds) this.#last = undefined;
    const found = this.subject === 'largest' ? this.#followed(sighting) : this.#onItsSide(sighting);
    if (found) this.#last = {box: found.box, timeSeconds: sighting.timeSeconds};
    return found;
  }

  /** The face that continues the track. A lone face is the subject wherever it is, because cuts move it. */
  #followed({detections}: Sighting): Detection | undefined {
    if (!this.#last || detections.length === 1) return best(detections, ({box}) => box.width * box.height);
    return continuation(this.#last.box, detections);
  }

  /** Of several faces the outermost; a lone face only where the subject was, or, if it was not seen lately, in its half. */
  #onItsSide({detections, frameWidth}: Sighting): Detection | undefined {
    const direction = this.subject === 'left' ? -1 : 1;
    const towardsSide = ({box}: Detection) => direction * (box.left + box.width / 2 - frameWidth / 2);
    const candidates = withoutBackground(detections);
    if (candidates.length > 1) return best(candidates, towardsSide);
    if (this.#last) return continuation(this.#last.box, candidates);
    return candidates.find((candidate) => towardsSide(candidate) > 0);
  }
}

/** The face that best continues a track which was last at `box`: it overlaps it, or at least is near and of like size. */
export function continuation(box: Box, detections: readonly Detection[]): Detection | undefined {
  const closest = best(detections, (detection) => overlap(box, detection.box) - distance(box, detection.box));
  return closest && distance(box, closest.box) < 1 ? closest : undefined;
}

/** Distance of the middles in units of the mean side, plus the logarithm of the ratio of sides. */
function distance(a: Box, b: Box): number {
  const [sideA, sideB] = [Math.sqrt(a.width * a.height), Math.sqrt(b.width * b.height)];
  const x = a.left + a.width / 2 - b.left - b.width / 2;
  const y = a.top + a.height / 2 - b.top - b.height / 2;
  return (2 * Math.hypot(x, y)) / (sideA + sideB) + Math.abs(Math.log(sideA / sideB));
}

function withoutBackground(detections: readonly Detection[]): Detection[] {
  const area = ({box}: Detection) => box.width * box.height;
  const largest = Math.max(...detections.map(area));
  return detections.filter((detection) => area(detection) >= backgroundArea * largest);
}

/** The detection with the greatest value; the first of equals. */
function best(detections: readonly Detection[], value: (detection: Detection) => number): Detection | undefined {
  return detections.toSorted((a, b) => value(b) - value(a))[0];
}
