import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {networks} from '../../../stages/backbone-training/networks/index.js';
import {readPretrained} from '../../../stages/backbone-training/pretrained.js';
import {exportForward} from '../../../stages/learning/export.js';
import type {Arrays} from '../../../stages/learning/program.js';
import {mapKeys, under} from '../../../stages/learning/records.js';
import {writeSafetensors} from '../../../stages/learning/safetensors.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {drawnFold, tune} from './drawn-fold.js';
import {filled} from './formulas.js';

const network = networks['ir-small']!;
const all = filled(network.declare());
const tensors: Arrays = {...under(all, 'weights'), ...under(all, 'statistics')};

const folder = temporaryFolder();
const written = async (name: string, bytes: Uint8Array | string) => {
  const file = path.join(folder, name);
  await writeFile(file, bytes);
  return file;
};
const safetensors = (content: Arrays) => writeSafetensors({tensors: content, metadata: {}});

describe('pretrained weights', () => {
  it('are read from safetensors, whatever wraps the network and whatever else is in the file', async () => {
    const wrapped = {
      ...mapKeys(tensors, (name) => `backbone.${name}`),
      'logits.weight': {shape: [8, 32], values: new Float32Array(256)},
      'logits.bias': {shape: [8], values: new Float32Array(8)},
    };
    expect(await readPretrained(await written('wrapped.safetensors', safetensors(wrapped)), network)).toEqual(tensors);
  });

  it('are read beside the counters of PyTorch’s batch norms, which have 64 bits', async () => {
    const counters = {'bn.num_batches_tracked': {dtype: 'I64', shape: [], data_offsets: [0, 8]}};
    const bytes = safetensors(tensors);
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as object;
    const extended = Buffer.from(JSON.stringify({...header, ...counters}));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(extended.length));
    const file = await written('counters.safetensors', Buffer.concat([size, extended, bytes.subarray(8 + length)]));
    expect(await readPretrained(file, network)).toEqual(tensors);
  });

  it('are read from the initialisers of an ONNX file that kept their names', async () => {
    const forward = (weights: Record<string, tf.Tensor>) => ({
      y: tf.addN(Object.values(weights).map((tensor) => tf.sum(tensor))),
    });
    const file = await written('kept.onnx', exportForward(forward, tensors, {}));
    expect(await readPretrained(file, network)).toEqual(tensors);
  });

  it('start the training, which then warns of nothing', async () => {
    const weights = await written('whole.safetensors', safetensors(tensors));
    const fold = await drawnFold([20], [15]);
    const run = await tune({fold, params: {weights, epochs: 1, learningRate: 1e-30}});
    const left = new Float32Array(
      Uint8Array.from(run.weights.find(({name}) => name === 'body.1.res_layer.1.weight')!.values).buffer,
    );
    expect(left).toEqual(tensors['body.1.res_layer.1.weight']!.values);
    expect(run.warnings).toEqual([]);
  });

  it.each([
    [
      'an exporter folded batch norms away',
      {code: 'bad-weights', message: /lacks 2 of the 59 tensors.*folded/},
      'folded',
    ],
    ['a weight has another shape', {code: 'bad-weights', message: /has the shape \[32\]/}, 'shape'],
    ['the file is PyTorch’s', {code: 'bad-weights', message: /PyTorch file/, remedy: /safetensors/}, 'torch'],
    ['the file is none of these', {code: 'bad-weights', message: /neither safetensors nor ONNX/}, 'text'],
  ])('are refused where %s', async (_, {code, message}, kind) => {
    const {'output_layer.4.weight': scale, 'output_layer.4.bias': shift, ...others} = tensors;
    const content: Record<string, Uint8Array | string> = {
      folded: safetensors(others),
      shape: safetensors({...tensors, 'input_layer.2.weight': scale!, 'output_layer.4.bias': shift!}),
      torch: 'PK\u0003\u0004archive/data.pkl',
      text: 'no network at all',
    };
    const file = await written(`${kind}.bin`, content[kind]!);
    const error = (await readPretrained(file, network).catch((caught: unknown) => caught)) as Error & {code: string};
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});
