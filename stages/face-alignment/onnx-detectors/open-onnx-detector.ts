/**
 * YuNet (Wu et al., Machine Intelligence Research 20, 2023) and SCRFD (arXiv 2105.04714) as their published ONNX files
 * read and write. Both find the five points of `template.ts` themselves.
 */
import {StageError} from '../../errors.js';
import type {ModelContract} from '../../learning/model-contract.js';
import {openModel} from '../../learning/open-model.js';
import type {Detection, FaceDetector} from '../detector.js';
import {boxFromLetterbox, fromLetterbox, letterbox, letterboxMemory} from '../letterbox.js';
import {suppress} from '../nms.js';
import {decodeScrfd, decodeYunet, strides} from './decode.js';

export type OnnxDetectorName = 'yunet' | 'scrfd';

export interface OnnxDetectorOptions {
  readonly path: string;
  /** Side of the square that the network reads. */
  readonly size: number;
  readonly minScore: number;
  readonly threads: number;
}

/** By name, in the order of the file: an object would move names that are numbers to the front, by size. */
type Outputs = ReadonlyMap<string, Float32Array>;

interface Kind {
  readonly channels: 'RGB' | 'BGR';
  /** The network reads (value − mean) / std, with value in [0, 255]. */
  readonly mean: number;
  readonly std: number;
  /** Overlap above which the weaker of two boxes is dropped, as the authors' own programs have it. */
  readonly maxOverlap: number;
  /** Names of the outputs that must be there; SCRFD's are numbers that differ from file to file. */
  readonly outputs: readonly string[];
  decode(outputs: Outputs, options: OnnxDetectorOptions): Detection[];
}

const kinds: Readonly<Record<OnnxDetectorName, Kind>> = {
  yunet: {
    channels: 'BGR',
    mean: 0,
    std: 1,
    maxOverlap: 0.3,
    outputs: ['cls', 'obj', 'bbox', 'kps'].flatMap((name) => strides.map((stride) => `${name}_${stride}`)),
    decode: (outputs, {size, minScore}) =>
      strides.flatMap((stride) => {
        const [cls, obj, bbox, kps] = ['cls', 'obj', 'bbox', 'kps'].map((name) => outputs.get(`${name}_${stride}`)!);
        const map = {cls: cls!, obj: obj!, bbox: bbox!, kps: kps!};
        return decodeYunet(map, {stride, columns: size / stride, minScore});
      }),
  },
  scrfd: {
    channels: 'RGB',
    mean: 127.5,
    std: 128,
    maxOverlap: 0.4,
    outputs: [],
    // In every published file the outputs are scores, distances and points, each with strides 8, 16 and 32.
    decode: (outputs, {size, minScore}) => {
      const values = [...outputs.values()];
      return strides.flatMap((stride, index) => {
        const map = {scores: values[index]!, distances: values[index + 3]!, points: values[index + 6]!};
        return decodeScrfd(map, {stride, columns: size / stride, minScore});
      });
    },
  },
};

/** @throws StageError 'bad-model' where the file is no such detector, or not for squares of this size. */
export async function openOnnxDetector(name: OnnxDetectorName, options: OnnxDetectorOptions): Promise<FaceDetector> {
  const kind = kinds[name];
  const {path, size, threads} = options;
  const {session, checked} = await openModel(path, {
    contract: contractOf(name, options),
    options: {executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1},
  });
  const input = checked!.inputs[0]!;
  if (name === 'scrfd' && session.outputNames.length !== widths.scrfd.length * strides.length) {
    await session.release();
    throw new StageError(
      'bad-model',
      `model ${path}: it has ${session.outputNames.length} outputs, where SCRFD with five points has 9.`,
      'Choose an SCRFD file that also finds five points, such as det_10g.onnx.',
    );
  }
  const memory = letterboxMemory();
  const values = new Float32Array(3 * size ** 2);
  return {
    async detect(image) {
      const region = {left: 0, top: 0, width: image.width, height: image.height};
      const square = letterbox({image, region, size, placement: 'corner', memory});
      writePlanes(square.pixels, kind, values);
      const {Tensor} = await import('onnxruntime-node');
      const result = await session.run({[input]: new Tensor('float32', values, [1, 3, size, size])});
      const names = kind.outputs.length > 0 ? kind.outputs : session.outputNames;
      const outputs: Outputs = new Map(names.map((output) => [output, result[output]!.data as Float32Array]));
      checkSizes(name, options, outputs);
      const found = suppress(kind.decode(outputs, options), kind.maxOverlap);
      return found.map(({box, score, landmarks}) => ({
        box: boxFromLetterbox(square, box),
        score,
        landmarks: landmarks!.map((point) => fromLetterbox(square, point)),
      }));
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

function contractOf(name: OnnxDetectorName, {path, size}: OnnxDetectorOptions): ModelContract {
  const {channels, mean, std, outputs} = kinds[name];
  return {
    model: path,
    inputs: [
      {
        name: null,
        type: 'float32',
        shape: [1, 3, size, size],
        layout: 'NCHW',
        channels,
        range: [0, 255],
        mean: [mean, mean, mean],
        std: [std, std, std],
      },
    ],
    outputs: outputs.map((output) => ({name: output, type: 'float32', shape: null, meaning: 'see decode.ts'})),
  };
}

/** Interleaved RGB in [0, 255] → planes of channels as the network reads them. */
function writePlanes(pixels: Float32Array, {channels, mean, std}: Kind, values: Float32Array): void {
  const area = pixels.length / 3;
  for (let plane = 0; plane < 3; plane++) {
    let from = channels === 'BGR' ? 2 - plane : plane;
    for (let at = plane * area; at < (plane + 1) * area; at++, from += 3) values[at] = (pixels[from]! - mean) / std;
  }
}

/** Values per cell of each group of outputs. */
const widths: Readonly<Record<OnnxDetectorName, readonly number[]>> = {yunet: [1, 1, 4, 10], scrfd: [2, 8, 20]};

function checkSizes(name: OnnxDetectorName, {path, size}: OnnxDetectorOptions, outputs: Outputs): void {
  const expected = widths[name].flatMap((width) => strides.map((stride) => width * (size / stride) ** 2));
  const seen = [...outputs.values()].map(({length}) => length);
  if (seen.length === expected.length && seen.every((length, index) => length === expected[index])) return;
  throw new StageError(
    'bad-model',
    `model ${path}: its outputs hold ${seen.join(', ')} values, where ${name} gives ${expected.join(', ')}.`,
    `Choose ${name === 'scrfd' ? 'det_10g.onnx' : 'face_detection_yunet_2023mar.onnx'}.`,
  );
}
