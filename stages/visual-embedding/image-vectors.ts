/** One vector per video frame from a network that reads single images. */
import {mapAhead} from '../face-alignment/ahead.js';
import {decodeCrop} from '../face-alignment/crop-image.js';
import {groups} from '../face-alignment/groups.js';
import type {ImageBackbone} from './backbone.js';

interface Face {
  readonly frameIndex: number;
  readonly image: Uint8Array;
}

/** Crops that other threads decode while the network works on those before: JPEG images of data sets, which sharp reads. */
const cropsAhead = 16;

export async function* imageVectors(
  faces: AsyncIterable<Face>,
  backbone: ImageBackbone,
): AsyncGenerator<{frameIndex: number; vector: Float32Array}, void, undefined> {
  const crops = mapAhead(faces, cropsAhead, async ({frameIndex, image}) => ({
    frameIndex,
    image: await decodeCrop(image),
  }));
  for await (const group of groups(crops, backbone.batchSize)) {
    const vectors = await backbone.embed(group.map(({image}) => image));
    for (const [index, {frameIndex}] of group.entries()) yield {frameIndex, vector: vectors[index]!};
  }
}
