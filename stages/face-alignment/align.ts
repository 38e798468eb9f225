import type {Detection, FaceDetector, LandmarkFinder} from './detector.js';
import {groups} from './groups.js';
import type {Box, Point, RgbImage} from './image.js';
import {estimateSimilarity, type Transform} from './similarity.js';
import {template} from './template.js';
import {continuation, gapSeconds, SubjectTracker, type Subject} from './track.js';

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

export interface FindOptions {
  readonly detector: FaceDetector;
  readonly landmarkFinder: LandmarkFinder;
  readonly subject: Subject;
  /** Every n-th frame is looked at; that many frames are held at once. */
  readonly detectEvery: number;
  /** Every n-th frame is looked at while the subject has been out of sight for longer than `gapSeconds`. */
  readonly searchEvery: number;
  /** Share of the previous frame's landmarks in this frame's, in [0, 1); 0 for none. */
  readonly smoothing: number;
}

/**
 * Finds the subject's face in every frame of a clip and hands out each frame with it, in order; `undefined` where it is
 * not seen. Faces between two looks are interpolated; where the subject appears or disappears between two looks, the
 * frames between are looked at as well.
 */
export async function* findSubject<F extends Frame>(
  frames: AsyncIterable<F>,
  options: FindOptions,
): AsyncGenerator<{frame: F; face: Face | undefined}, void, undefined> {
  const tracker = new SubjectTracker(options.subject);
  const {detectEvery, searchEvery} = options;
  let last: Face | undefined;
  let seenSeconds: number | undefined;
  let smoothed: Face | undefined;
  const stride = ({timeSeconds}: Frame) =>
    timeSeconds - (seenSeconds ??= timeSeconds) > gapSeconds ? Math.max(detectEvery, searchEvery) : detectEvery;
  for await (const group of groups(frames, stride)) {
    const between = group.slice(0, -1);
    const looked = await look(group.at(-1)!, tracker, options);
    const faces = [...(await fillIn({between, from: last, to: looked, options})), looked];
    last = looked;
    if (looked) seenSeconds = group.at(-1)!.timeSeconds;
    for (const [index, frame] of group.entries()) {
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

async function look(frame: Frame, tracker: SubjectTracker, options: FindOptions): Promise<Face | undefined> {
  const detections = await options.detector.detect(frame);
  const subject = tracker.next({timeSeconds: frame.timeSeconds, frameWidth: frame.width, detections});
  return withLandmarks(frame, subject, options.landmarkFinder);
}

interface Between {
  readonly between: readonly Frame[];
  readonly from: Face | undefined;
  readonly to: Face | undefined;
  readonly options: FindOptions;
}

async function fillIn({between, from, to, options}: Between): Promise<(Face | undefined)[]> {
  if (from && to) return between.map((_, index) => interpolate(from, to, (index + 1) / (between.length + 1)));
  const seen = from ?? to;
  const faces: (Face | undefined)[] = [];
  for (const frame of between) {
    const found = seen && continuation(seen.box, await options.detector.detect(frame));
    faces.push(await withLandmarks(frame, found, options.landmarkFinder));
  }
  return faces;
}

/** Completes a detection by landmarks, unless the detector gave them itself. */
async function withLandmarks(
  image: RgbImage,
  found: Detection | undefined,
  finder: LandmarkFinder,
): Promise<Face | undefined> {
  if (!found) return undefined;
  return {...found, landmarks: found.landmarks ?? (await finder.find(image, found.box))};
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
