/** What finds faces and landmarks, by the parameters of face-alignment. */
import path from 'node:path';
import type {ModelFile} from '../stage.js';
import type {FaceDetector, LandmarkFinder} from './detector.js';
import {finderModels, openDetectors, openLandmarkFinder, type DetectorName} from './face-api/face-finders.js';
import type {Surroundings} from './face-api/network.js';
import {openOnnxDetector, type OnnxDetectorName} from './onnx-detectors/open-onnx-detector.js';

export interface FinderParams {
  readonly detector: DetectorName | OnnxDetectorName;
  /** Path of the network of yunet or scrfd. */
  readonly model?: string | undefined;
  readonly modelSize: number;
  readonly inputSizes: readonly number[];
  readonly minScore: number;
}

export interface Finders extends AsyncDisposable {
  readonly detector: FaceDetector;
  readonly landmarkFinder: LandmarkFinder;
}

/** The files that decide what detector and landmark network find. */
export function modelsOf({detector, model}: FinderParams): ModelFile[] {
  return isOnnx(detector) ? [{id: 'detector', path: path.resolve(model!)}] : finderModels(detector);
}

/** @throws StageError 'bad-model' where a file is damaged or another network. */
export async function openFinders(params: FinderParams, surroundings: Surroundings): Promise<Finders> {
  const {detector: name, modelSize: size, minScore} = params;
  if (isOnnx(name)) {
    const file = surroundings.models['detector']!;
    const detector = await openOnnxDetector(name, {path: file, size, minScore, threads: surroundings.threads});
    return {detector, landmarkFinder: noFinder, [Symbol.asyncDispose]: () => detector[Symbol.asyncDispose]()};
  }
  const detector = await openDetectors({...params, detector: name}, surroundings);
  const landmarkFinder = await openLandmarkFinder(surroundings);
  return {
    detector,
    landmarkFinder,
    async [Symbol.asyncDispose]() {
      await detector[Symbol.asyncDispose]();
      await landmarkFinder[Symbol.asyncDispose]();
    },
  };
}

/** Never asked: the detections of yunet and scrfd bring their landmarks. */
const noFinder: LandmarkFinder = {
  find: () => Promise.resolve([]),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function isOnnx(detector: FinderParams['detector']): detector is OnnxDetectorName {
  return detector === 'yunet' || detector === 'scrfd';
}
