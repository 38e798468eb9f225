/** The detectors and the landmark network of face-api, compiled for ONNX Runtime. */
import type * as tf from '@tensorflow/tfjs';
import type {Tensors} from '../../learning/program.js';
import type {ModelFile} from '../../stage.js';
import {firstThatFinds, type FaceDetector, type LandmarkFinder} from '../detector.js';
import {clipToImage, type Box, type Point, type RgbImage} from '../image.js';
import {boxFromLetterbox, fromLetterbox, letterbox, letterboxMemory} from '../letterbox.js';
import {suppress} from '../nms.js';
import {cropSize} from '../template.js';
import {fivePoints, landmarks68} from './landmarks.js';
import {openNetwork, type Surroundings} from './network.js';
import {decodeSsd, ssdMobilenet, ssdOverlap, ssdSize} from './ssd-mobilenet.js';
import {decodeTiny, tinyFaceDetector, tinyOverlap} from './tiny-face-detector.js';
import {modelFiles, readWeights, type NetworkName} from './weights.js';

export type DetectorName = 'face-api-tiny' | 'face-api-ssd';

const networks: Readonly<Record<DetectorName, NetworkName>> = {
  'face-api-tiny': 'tiny_face_detector',
  'face-api-ssd': 'ssd_mobilenetv1',
};

export interface DetectorParams {
  readonly detector: DetectorName;
  /** Side of the square that the tiny detector looks at, a multiple of 32. */
  readonly inputSize: number;
  readonly minScore: number;
}

/** The files that decide what detector and landmark network find. */
export function finderModels(detector: DetectorName): ModelFile[] {
  return [...modelFiles(networks[detector]), ...modelFiles('face_landmark_68')];
}

export interface DetectorChoice extends Omit<DetectorParams, 'inputSize'> {
  /** Sides for the tiny detector, in the order in which they are tried until a face is found. */
  readonly inputSizes: readonly number[];
}

/** @throws StageError 'bad-model' where the package's files are damaged. */
export async function openDetectors(choice: DetectorChoice, surroundings: Surroundings): Promise<FaceDetector> {
  const sizes = choice.detector === 'face-api-tiny' ? choice.inputSizes : [ssdSize];
  return firstThatFinds(
    await Promise.all(sizes.map((inputSize) => openDetector({...choice, inputSize}, surroundings))),
  );
}

/** @throws StageError 'bad-model' where the package's files are damaged. */
export async function openDetector(params: DetectorParams, surroundings: Surroundings): Promise<FaceDetector> {
  return params.detector === 'face-api-tiny' ? openTiny(params, surroundings) : openSsd(params, surroundings);
}

async function openTiny({inputSize, minScore}: DetectorParams, surroundings: Surroundings): Promise<FaceDetector> {
  const weights = await readWeights('tiny_face_detector', surroundings.models);
  const forward = (own: Tensors, images: tf.Tensor4D) => ({codes: tinyFaceDetector(own, images)});
  const network = await openNetwork({weights, forward, size: inputSize, surroundings});
  return detectorOf({
    size: inputSize,
    maxOverlap: tinyOverlap,
    find: async (pixels) => {
      const {codes} = await network.run(pixels);
      return decodeTiny(codes.values, codes.shape[1]!, minScore);
    },
    [Symbol.asyncDispose]: () => network.release(),
  });
}

async function openSsd({minScore}: DetectorParams, surroundings: Surroundings): Promise<FaceDetector> {
  const {'Output/extra_dim': anchors, ...weights} = await readWeights('ssd_mobilenetv1', surroundings.models);
  const network = await openNetwork({weights, forward: ssdMobilenet, size: ssdSize, surroundings});
  return detectorOf({
    size: ssdSize,
    maxOverlap: ssdOverlap,
    find: async (pixels) => {
      const {codes, scores} = await network.run(pixels);
      return decodeSsd({codes: codes.values, scores: scores.values, anchors: anchors!.values}, minScore);
    },
    [Symbol.asyncDispose]: () => network.release(),
  });
}

interface SquareDetector extends AsyncDisposable {
  readonly size: number;
  readonly maxOverlap: number;
  /** Boxes in units of the square's side. */
  find(pixels: Float32Array): Promise<{box: Box; score: number}[]>;
}

function detectorOf(square: SquareDetector): FaceDetector {
  const {size} = square;
  const memory = letterboxMemory();
  return {
    async detect(image) {
      const region = {left: 0, top: 0, width: image.width, height: image.height};
      const input = letterbox({image, region, size, placement: 'corner', memory});
      const found = suppress(await square.find(input.pixels), square.maxOverlap);
      const pixels = ({left, top, width, height}: Box) => ({
        left: left * size,
        top: top * size,
        width: width * size,
        height: height * size,
      });
      return found.map(({box, score}) => ({box: boxFromLetterbox(input, pixels(box)), score}));
    },
    [Symbol.asyncDispose]: () => square[Symbol.asyncDispose](),
  };
}

/** @throws StageError 'bad-model' where the package's files are damaged. */
export async function openLandmarkFinder(surroundings: Surroundings): Promise<LandmarkFinder> {
  const weights = await readWeights('face_landmark_68', surroundings.models);
  const forward = (own: Tensors, images: tf.Tensor4D) => ({points: landmarks68(own, images)});
  const network = await openNetwork({weights, forward, size: cropSize, surroundings});
  const memory = letterboxMemory();
  return {
    async find(image, box) {
      const region = wholePixels(box, image);
      const input = letterbox({image, region, size: cropSize, placement: 'centre', memory});
      const {points} = await network.run(input.pixels);
      return fivePoints(pairs(points.values).map(({x, y}) => fromLetterbox(input, {x: x * cropSize, y: y * cropSize})));
    },
    [Symbol.asyncDispose]: () => network.release(),
  };
}

/** The part of the box inside the image, at least one pixel. */
function wholePixels(box: Box, image: RgbImage): Box {
  const {left, top, width, height} = clipToImage(box, image);
  return {
    left: Math.min(left, image.width - 1),
    top: Math.min(top, image.height - 1),
    width: Math.max(1, width),
    height: Math.max(1, height),
  };
}

function pairs(values: ArrayLike<number>): Point[] {
  return Array.from({length: values.length / 2}, (_, index) => ({x: values[2 * index]!, y: values[2 * index + 1]!}));
}
