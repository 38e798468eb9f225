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

/** Where a face was last. */
interface Place {
  readonly box: Box;
  readonly timeSeconds: number;
}

/** Follows one face through a clip. Sightings arrive in order of time. */
export class SubjectTracker {
  #last: Place | undefined;
  /** Faces that were seen beside the subject, so they are not the subject. */
  #others: readonly Place[] = [];

  constructor(private readonly subject: Subject) {}

  /** The subject among the faces of one frame; undefined where it is not seen. */
  next(sighting: Sighting): Detection | undefined {
    const {timeSeconds, detections} = sighting;
    const isRecent = (place: Place) => timeSeconds - place.timeSeconds <= gapSeconds;
    if (this.#last && !isRecent(this.#last)) this.#last = undefined;
    this.#others = this.#last ? this.#others.filter(isRecent) : [];
    const found = this.subject === 'largest' ? this.#followed(sighting) : this.#onItsSide(sighting);
    const strangers = detections.filter((face) => (found ? distance(found.box, face.box) >= 1 : this.#isOther(face)));
    const unseen = this.#others.filter(({box}) => !continuation(box, strangers));
    this.#others = [...strangers.map(({box}) => ({box, timeSeconds})), ...unseen];
    if (found) this.#last = {box: found.box, timeSeconds};
    return found;
  }

  /** The face that continues the track. A lone face that was not beside it is the subject too, because cuts move it. */
  #followed({detections}: Sighting): Detection | undefined {
    if (!this.#last) return best(detections, ({box}) => box.width * box.height);
    const candidates = this.#own(detections);
    return continuation(this.#last.box, candidates) ?? (detections.length === 1 ? candidates[0] : undefined);
  }

  #own(detections: readonly Detection[]): Detection[] {
    return detections.filter((face) => !this.#isOther(face));
  }

  /** Whether a face continues one of the others, and does so better than it continues the subject. */
  #isOther({box}: Detection): boolean {
    const reach = this.#last ? Math.min(1, distance(this.#last.box, box)) : 1;
    return this.#others.some((other) => distance(other.box, box) < reach);
  }

  /** Of several faces the outermost; a lone face only where the subject was, or, if it was not seen lately, in its half. */
  #onItsSide({detections, frameWidth}: Sighting): Detection | undefined {
    const direction = this.subject === 'left' ? -1 : 1;
    const towardsSide = ({box}: Detection) => direction * (box.left + box.width / 2 - frameWidth / 2);
    const candidates = withoutBackground(detections);
    if (candidates.length > 1) return best(candidates, towardsSide);
    if (this.#last) return continuation(this.#last.box, this.#own(candidates));
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
