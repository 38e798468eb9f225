import {alignment, type Face} from './align.js';
import {encodeCrop} from './crop-image.js';
import type {RgbImage} from './image.js';
import {cropSize} from './template.js';
import {warp} from './warp.js';

/** What a frame's row of `faces` says about the face. */
export interface FaceRow {
  readonly found: boolean;
  readonly score: number;
  readonly box: Float32Array;
  readonly landmarks: Float32Array;
  readonly transform: Float32Array;
  readonly image: Uint8Array;
}

/** Cuts the face out of the frame; `undefined` where its landmarks determine no alignment. */
export async function faceRow(frame: RgbImage, face: Face): Promise<FaceRow | undefined> {
  const transform = alignment(face);
  if (!transform) return undefined;
  const {left, top, width, height} = face.box;
  return {
    found: true,
    score: face.score,
    box: Float32Array.of(left, top, width, height),
    landmarks: Float32Array.from(face.landmarks.flatMap(({x, y}) => [x, y])),
    transform: Float32Array.from(transform),
    image: await encodeCrop(warp(frame, transform, cropSize)),
  };
}

/** The row of a frame without a face; `image` is the encoded black crop. */
export function noFaceRow(image: Uint8Array): FaceRow {
  return {
    found: false,
    score: 0,
    box: new Float32Array(4),
    landmarks: new Float32Array(10),
    transform: new Float32Array(6),
    image,
  };
}
