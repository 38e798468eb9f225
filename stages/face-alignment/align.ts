import type {Detection, FaceDetector, LandmarkFinder} from './detector.js';
import type {Box, Point, RgbImage} from './image.js';
import {estimateSimilarity, type Transform} from './similarity.js';
import {template} from './template.js';
import {continuation, SubjectTracker, type Subject} from './track.js';

export interface Frame extends RgbImage {
  readonly timeSeconds: number;
}

/** The subject's face in one frame, in pixels of the frame. */
export interface Face {
  readonly score: number;
  readonly box: Box;
  /** The five points of `template.ts`. */
  readonly landmarks: readonly Point[];
}

export interface AlignOptions {
  readonly detector: FaceDetector;
  readonly landmarkFinder: LandmarkFinder;
  readonly subject: Subject;
  /** Every n-th frame is looked at; faces between two of them are interpolated. */
  readonly detectEvery: number;
  /** Share of the previous frame's landmarks in this frame's, in [0, 1); 0 for none. */
  readonly smoothing: number;
}

/** Frames held at once; a multiple of it where `detectEvery` is larger than 1. */
const framesPerBatch = 8;

/**
 * Finds the subject's face in every frame of a clip and hands out each frame with it, in order; `undefined` where it is
 * not seen. Where the subject appears or disappears between two detections, the frames between are looked at as well.
 */
export async function* findSubject<F extends Frame>(
  frames: AsyncIterable<F>,
  options: AlignOptions,
): AsyncGenerator<{frame: F; face: Face | undefined}, void, undefined> {
  const tracker = new SubjectTracker(options.subject);
  let before: Face | undefined;
  let smoothed: Face | undefined;
  for await (const batch of batches(frames, options.detectEvery * Math.ceil(framesPerBatch / options.detectEvery))) {
    const faces = await facesOfBatch({batch, before, tracker, options});
    before = faces.at(-1);
    for (const [index, frame] of batch.entries()) {
      smoothed = smooth(smoothed, faces[index], options.smoothing);
      yield {frame, face: smoothed};
    }
  }
}

/** Similarity that takes the frame to the 112-pixel crop; undefined where the landmarks coincide. */
export function alignment({landmarks}: Face): Transform | undefined {
  const [first, ...rest] = landmarks;
  return rest.some(({x, y}) => x !== first!.x || y !== first!.y) ? estimateSimilarity(landmarks, template) : undefined;
}

interface Batch<F> {
  readonly batch: readonly F[];
  /** The face of the frame before the batch. */
  readonly before: Face | undefined;
  readonly tracker: SubjectTracker;
  readonly options: AlignOptions;
}

/** Looks at the last of every `detectEvery` frames (and at the batch's last), and fills in the frames between. */
async function facesOfBatch<F extends Frame>({
  batch,
  before,
  tracker,
  options,
}: Batch<F>): Promise<(Face | undefined)[]> {
  const keys = [...batch.keys()].filter(
    (index) => (index + 1) % options.detectEvery === 0 || index === batch.length - 1,
  );
  const images = keys.map((index) => batch[index]!);
  const detections = await options.detector.detect(images);
  const subjects = images.map((image, index) =>
    tracker.next({timeSeconds: image.timeSeconds, frameWidth: image.width, detections: detections[index]!}),
  );
  const found = await withLandmarks(images, subjects, options.landmarkFinder);
  const faces = new Array<Face | undefined>(batch.length);
  for (const [position, key] of keys.entries()) {
    const start = position === 0 ? -1 : keys[position - 1]!;
    const from = position === 0 ? before : found[position - 1];
    const between = batch.slice(start + 1, key);
    for (const [offset, face] of (await fillIn({between, from, to: found[position], options})).entries())
      faces[start + 1 + offset] = face;
    faces[key] = found[position];
  }
  return faces;
}

interface Between<F> {
  readonly between: readonly F[];
  readonly from: Face | undefined;
  readonly to: Face | undefined;
  readonly options: AlignOptions;
}

async function fillIn<F extends Frame>({between, from, to, options}: Between<F>): Promise<(Face | undefined)[]> {
  if (from && to) return between.map((_, index) => interpolate(from, to, (index + 1) / (between.length + 1)));
  const seen = from ?? to;
  if (!seen || between.length === 0) return between.map(() => undefined);
  const detections = await options.detector.detect(between);
  return withLandmarks(
    between,
    detections.map((ofFrame) => continuation(seen.box, ofFrame)),
    options.landmarkFinder,
  );
}

/** Completes detections by landmarks, unless the detector gave them itself. */
async function withLandmarks(
  images: readonly RgbImage[],
  subjects: readonly (Detection | undefined)[],
  finder: LandmarkFinder,
): Promise<(Face | undefined)[]> {
  const lacking = [...subjects.keys()].filter((index) => subjects[index] && !subjects[index].landmarks);
  const placed = await finder.find(lacking.map((index) => ({image: images[index]!, box: subjects[index]!.box})));
  const byIndex = new Map(lacking.map((index, position) => [index, placed[position]!]));
  return subjects.map((subject, index) => subject && {...subject, landmarks: subject.landmarks ?? byIndex.get(index)!});
}

function interpolate(from: Face, to: Face, share: number): Face {
  const mix = (a: number, b: number) => a + share * (b - a);
  return {
    score: mix(from.score, to.score),
    box: {
      left: mix(from.box.left, to.box.left),
      top: mix(from.box.top, to.box.top),
      width: mix(from.box.width, to.box.width),
      height: mix(from.box.height, to.box.height),
    },
    landmarks: from.landmarks.map(({x, y}, index) => ({
      x: mix(x, to.landmarks[index]!.x),
      y: mix(y, to.landmarks[index]!.y),
    })),
  };
}

/** Exponential smoothing of the landmarks, begun anew wherever the face was lost. */
function smooth(previous: Face | undefined, face: Face | undefined, share: number): Face | undefined {
  return previous && face && share > 0 ? {...face, landmarks: interpolate(face, previous, share).landmarks} : face;
}

async function* batches<F>(items: AsyncIterable<F>, size: number): AsyncGenerator<F[], void, undefined> {
  let batch: F[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
