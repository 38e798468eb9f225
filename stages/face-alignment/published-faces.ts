/**
 * Face images that were published with a data set, such as Aff-Wild2's `cropped_aligned`: one file per frame, number k
 * for the k-th frame from 1 on (00001.jpg), none where no face was found. What was found where is not known.
 */
import {readdir, readFile} from 'node:fs/promises';
import path from 'node:path';
import {StageError} from '../errors.js';
import {mapAhead} from './ahead.js';
import {decodeCrop, encodeCrop} from './crop-image.js';
import {noFaceRow, type FaceRow} from './face-row.js';
import {cropSize} from './template.js';
import {scaleTo} from './warp.js';

export interface PublishedFaces {
  /** Folder of the images of one clip; undefined where the data set has none. */
  readonly folder: string | undefined;
  readonly frameCount: number;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** Images that are read and decoded at once, which other threads do. */
const imagesAhead = 16;

/**
 * Streams the face of every frame, undefined where there is no image. An image of 112 pixels is kept byte for byte; others
 * are scaled as `scaleTo` does. An image that cannot be decoded counts as missing, and is reported.
 *
 * @throws StageError 'bad-images' where the folder holds something else than one square image per frame, from 1 on.
 */
export async function* publishedFaces(published: PublishedFaces): AsyncGenerator<FaceRow | undefined, void, undefined> {
  const {folder, frameCount, signal} = published;
  if (folder === undefined) throw noFolder();
  const names = await imagesByNumber(folder);
  reportSurplus(names, published);
  const damaged: Damaged[] = [];
  yield* mapAhead(numbersTo(frameCount), imagesAhead, async (number) => {
    signal.throwIfAborted();
    const name = names.get(number);
    const image = name === undefined ? undefined : await readImage(path.join(folder, name));
    if (image instanceof Error) damaged.push({number, said: `${name!} (${image.message.split('\n')[0]!})`});
    // Where it lies in the video frame is not known, and no detector has scored it.
    return image === undefined || image instanceof Error ? undefined : {...noFaceRow(image), found: true, score: NaN};
  });
  reportDamage(damaged, names.size, published);
}

async function* numbersTo(last: number): AsyncGenerator<number, void, undefined> {
  for (let number = 1; number <= last; number++) yield await Promise.resolve(number);
}

async function imagesByNumber(folder: string): Promise<ReadonlyMap<number, string>> {
  const names = new Map<number, string>();
  for (const name of (await readdir(folder)).sort()) {
    const digits = /^(\d+)\.(jpe?g|png)$/i.exec(name)?.[1];
    if (digits === undefined) continue;
    const other = names.get(Number(digits));
    if (other !== undefined)
      throw badImages(folder, `${other} and ${name} are of the same frame`, 'Remove one of them.');
    names.set(Number(digits), name);
  }
  if (names.size === 0) throw badImages(folder, 'it holds no images called 00001.jpg and so on', unpackAgain);
  if (names.has(0)) {
    throw badImages(
      folder,
      `its images are numbered from 0 (${names.get(0)!}), where the first frame is number 1`,
      'Rename the images so that the first frame has number 1.',
    );
  }
  return names;
}

/** The image as it is stored; an Error where its bytes are no image. */
async function readImage(file: string): Promise<Uint8Array | Error> {
  const bytes = await readFile(file);
  const image = await decodeCrop(bytes).catch((error: StageError) => error.cause as Error);
  if (image instanceof Error) return image;
  const {width, height} = image;
  if (width !== height) {
    throw badImages(
      path.dirname(file),
      `${path.basename(file)} has ${width} x ${height} pixels, where aligned faces are square`,
      'Name the folder of aligned faces (cropped_aligned rather than cropped) in dataset.croppedAligned.',
    );
  }
  return width === cropSize ? bytes : encodeCrop(scaleTo(image, cropSize));
}

function reportSurplus(names: ReadonlyMap<number, string>, {folder, frameCount, warn}: PublishedFaces): void {
  const beyond = [...names.keys()].filter((number) => number > frameCount);
  if (beyond.length === 0) return;
  warn(
    `${beyond.length} images of ${folder!} are numbered beyond the ${frameCount} frames of the video, up to ${Math.max(...beyond)}, and are left out; were they made at another frame rate, faces and frames do not belong together`,
  );
}

interface Damaged {
  readonly number: number;
  readonly said: string;
}

function reportDamage(damaged: readonly Damaged[], imageCount: number, {folder, warn}: PublishedFaces): void {
  // They come in the order in which decoding ended, which is not that of the frames.
  const first = damaged.toSorted((a, b) => a.number - b.number)[0];
  if (first === undefined) return;
  const seen = `${damaged.length} of ${imageCount} images cannot be decoded, first ${first.said}`;
  if (damaged.length === imageCount) throw badImages(folder!, seen, unpackAgain);
  warn(`${seen}; they count as frames without a face`);
}

const unpackAgain = 'Download and unpack the images of this clip again, or exclude the clip.';

function badImages(folder: string, seen: string, remedy: string): StageError {
  return new StageError('bad-images', `Face images ${folder}: ${seen}.`, remedy);
}

function noFolder(): StageError {
  return new StageError(
    'bad-images',
    "The clip has no folder of face images, but the source is 'cropped-aligned'.",
    'Put <clip>/00001.jpg and so on into a folder of dataset.croppedAligned, or exclude the clip.',
  );
}
