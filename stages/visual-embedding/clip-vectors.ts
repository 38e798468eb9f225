/** One vector per video frame from an ONNX network that reads clips, such as R(2+1)D-18. */
import {embedded, openVectorNetwork, type FrameVector, type Item} from '../acoustic-embedding/vector-network.js';
import {mapAhead} from '../face-alignment/ahead.js';
import {decodeCrop} from '../face-alignment/crop-image.js';
import {blackImage, type RgbImage} from '../face-alignment/image.js';
import {cropSize} from '../face-alignment/template.js';
import {clipFrames, reachOf} from './clip-frames.js';
import type {ClipParams} from './clip-params.js';
import {channelCount, writeImage, type ImageFormat} from './image-input.js';
import type {OnnxBackboneOptions} from './onnx-backbone.js';
import {unitLength} from './unit-length.js';

/** A row of the shard of faces. */
interface Face {
  readonly image: Uint8Array;
}

interface Faces {
  readonly rowCount: number;
  rows(): AsyncIterable<Face>;
}

export interface ClipBackboneOptions extends OnnxBackboneOptions {
  readonly clip: ClipParams;
}

/** Clips whose frames are decoded while the network works on those before. */
const clipsAhead = 4;

/**
 * Streams one vector per frame; every crop is decoded once at most, and only where a clip needs it. Holds the frames of
 * a few clips.
 *
 * @throws StageError 'bad-model' where the file is no network that takes such clips.
 */
export async function* clipVectors(
  faces: Faces,
  options: ClipBackboneOptions,
): AsyncGenerator<FrameVector, void, undefined> {
  const {path, output, threads, format, clip} = options;
  await using network = await openVectorNetwork({
    path,
    output,
    threads,
    itemShape: shapeOf(format, clip),
    layout: clip.layout.toUpperCase(),
    averageSteps: false,
    // A clip is work enough for one call, and a batch that is not full would compute clips that nobody wants.
    freeBatchSize: 1,
  });
  const items = mapAhead(clips(faces, clip), clipsAhead, (one) => joined(one, format, clip));
  for await (const {frameIndex, vector} of embedded(network, items)) {
    yield {frameIndex, vector: options.normalise === 'l2' ? unitLength(vector) : vector};
  }
}

function shapeOf(format: ImageFormat, {frames, layout}: ClipParams): number[] {
  const {inputSize} = format;
  const channels = channelCount(format);
  return layout === 'ncthw' ? [channels, frames, inputSize, inputSize] : [frames, channels, inputSize, inputSize];
}

/** A crop that several clips share: opened when the first of them needs it. */
class SharedCrop {
  #planes: Promise<Float32Array> | undefined;

  constructor(private readonly open: () => Promise<RgbImage>) {}

  /** [channels, rows, columns], as the network wants them. */
  planes(format: ImageFormat): Promise<Float32Array> {
    return (this.#planes ??= this.open().then((image) => {
      const values = new Float32Array(format.inputSize ** 2 * channelCount(format));
      writeImage(image, format, values, 0);
      return values;
    }));
  }
}

interface Clip {
  readonly frameIndex: number;
  /** undefined where the vector of the frame before is repeated. */
  readonly crops: readonly SharedCrop[] | undefined;
}

/** One clip per frame, in order; holds the crops that this or a later clip needs. */
async function* clips(faces: Faces, geometry: ClipParams): AsyncGenerator<Clip, void, undefined> {
  const {before, after} = reachOf(geometry);
  const held = new Map<number, SharedCrop>();
  const black = new SharedCrop(() => Promise.resolve(blackImage(cropSize)));
  let next = 0;
  const clip = (): Clip => {
    const frameIndex = next++;
    const frames = frameIndex % geometry.everyFrames === 0 && clipFrames(frameIndex, faces.rowCount, geometry);
    return {frameIndex, crops: frames ? frames.map((at) => (at === undefined ? black : held.get(at)!)) : undefined};
  };
  let row = 0;
  for await (const {image} of faces.rows()) {
    held.set(row++, new SharedCrop(() => decodeCrop(image)));
    while (next + after < row) {
      yield clip();
      held.delete(next - before - 1);
    }
  }
  while (next < row) yield clip();
}

/** Frames in the order of the network's axes. */
async function joined({frameIndex, crops}: Clip, format: ImageFormat, {layout}: ClipParams): Promise<Item> {
  if (crops === undefined) return {frameIndex, values: undefined};
  const frames = await Promise.all(crops.map((crop) => crop.planes(format)));
  const planeLength = format.inputSize ** 2;
  const channels = channelCount(format);
  const values = new Float32Array(frames.length * channels * planeLength);
  for (const [time, frame] of frames.entries()) {
    for (let channel = 0; channel < channels; channel++) {
      const plane = layout === 'ncthw' ? channel * frames.length + time : time * channels + channel;
      values.set(frame.subarray(channel * planeLength, (channel + 1) * planeLength), plane * planeLength);
    }
  }
  return {frameIndex, values};
}
