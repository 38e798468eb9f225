import {decodeFrames} from '../demux/frames.js';
import {mapAhead} from './ahead.js';
import {findSubject, type FindOptions} from './align.js';
import {faceRow, type FaceRow} from './face-row.js';
import {openFinders, type FinderParams} from './open-finders.js';

export interface Search extends FinderParams, Omit<FindOptions, 'detector' | 'landmarkFinder'> {}

interface Surroundings {
  readonly models: Readonly<Record<string, string>>;
  readonly threads: number;
  readonly signal: AbortSignal;
}

/** Crops that are encoded while the next frames are looked at. */
const cropsAhead = 8;

/** Streams the subject's face of every frame that the video has, undefined where it is not seen. */
export async function* foundFaces(
  video: string,
  search: Search,
  surroundings: Surroundings,
): AsyncGenerator<FaceRow | undefined, void, undefined> {
  await using finders = await openFinders(search, surroundings);
  const {threads, signal} = surroundings;
  const subject = findSubject(decodeFrames({path: video, threads, signal}), {...search, ...finders});
  yield* mapAhead(subject, cropsAhead, async ({frame, face}) => face && faceRow(frame, face));
}
