import {readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import path from 'node:path';
import {z} from 'zod';
import {StageError} from '../../errors.js';
import type {Arrays, ArrayValue} from '../../learning/program.js';
import type {ModelFile} from '../../stage.js';

/** Networks of the package `@vladmandic/face-api`, named as its files are. */
export type NetworkName = 'tiny_face_detector' | 'ssd_mobilenetv1' | 'face_landmark_68' | 'face_expression';

/** The format of tfjs weight manifests: tensors one after the other, possibly as 8-bit codes of scale · code + min. */
const manifest = z.array(
  z.object({
    weights: z.array(
      z.object({
        name: z.string(),
        shape: z.array(z.number().int()),
        dtype: z.enum(['float32', 'int32']),
        quantization: z.object({dtype: z.literal('uint8'), scale: z.number(), min: z.number()}).optional(),
      }),
    ),
  }),
);

type Entry = z.output<typeof manifest>[number]['weights'][number];

/** The two files that decide what a network computes: its parameters, and the manifest with their scales. */
export function modelFiles(network: NetworkName): ModelFile[] {
  const folder = path.join(
    path.dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
    'model',
  );
  return [
    {id: network, path: path.join(folder, `${network}_model.bin`)},
    {id: `${network}.manifest`, path: path.join(folder, `${network}_model-weights_manifest.json`)},
  ];
}

/** Reads the parameters of a network from the files that `modelFiles` declared, by tensor name. */
export async function readWeights(network: NetworkName, models: Readonly<Record<string, string>>): Promise<Arrays> {
  const file = models[network]!;
  try {
    const entries = manifest
      .parse(JSON.parse(await readFile(models[`${network}.manifest`]!, 'utf8')))
      .flatMap(({weights}) => weights);
    return decode(entries, await readFile(file));
  } catch (cause) {
    throw new StageError(
      'bad-model',
      `The face-api network ${network} cannot be read from ${file}: ${(cause as Error).message}`,
      'Install the packages again: npm ci',
      {cause},
    );
  }
}

function decode(entries: readonly Entry[], bytes: Buffer): Arrays {
  const arrays: Arrays = {};
  let at = 0;
  for (const entry of entries) {
    const length = entry.shape.reduce((product, side) => product * side, 1);
    const byteLength = entry.quantization ? length : 4 * length;
    if (at + byteLength > bytes.length)
      throw new RangeError(`it ends inside ${entry.name}, after ${bytes.length} bytes`);
    arrays[entry.name] = {shape: entry.shape, values: values(entry, bytes.subarray(at, at + byteLength))};
    at += byteLength;
  }
  if (at !== bytes.length) throw new RangeError(`it holds ${bytes.length} bytes where its manifest names ${at}`);
  return arrays;
}

function values({dtype, quantization}: Entry, bytes: Buffer): ArrayValue['values'] {
  if (quantization) {
    const real = new Float32Array(bytes.length);
    for (let index = 0; index < bytes.length; index++)
      real[index] = bytes[index]! * quantization.scale + quantization.min;
    return dtype === 'int32' ? Int32Array.from(real, Math.round) : real;
  }
  // Copied, because the tensors of the file need not start at multiples of four bytes.
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  return dtype === 'int32' ? new Int32Array(copy) : new Float32Array(copy);
}
