import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import {beforeAll, describe, expect, it} from 'vitest';
import {backboneTraining} from '../../../stages/backbone-training.js';
import {middleView} from '../../../stages/backbone-training/augmentation.js';
import {storedCrops} from '../../../stages/backbone-training/crops.js';
import type {ExportedBackbone} from '../../../stages/backbone-training/exported-backbone.js';
import {exportBackbone} from '../../../stages/backbone-training/exported-backbone.js';
import {networks} from '../../../stages/backbone-training/networks/index.js';
import type {CropFormat} from '../../../stages/backbone-training/networks/network.js';
import {readPretrained} from '../../../stages/backbone-training/pretrained.js';
import {writeSafetensors} from '../../../stages/learning/safetensors.js';
import {loadTraced} from '../../../stages/learning/traced.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import type {Fold, Tuned} from './drawn-fold.js';
import {drawnFold, small, tune} from './drawn-fold.js';

const network = networks['ir-small']!;
let fold: Fold;
let tuned: Tuned;
let exported: ExportedBackbone;
beforeAll(async () => {
  fold = await drawnFold([24, 20], [15]);
  tuned = await tune({fold, params: {epochs: 2}});
  const settings = backboneTraining.params.parse({...small, epochs: 2});
  exported = await exportBackbone({weights: tuned.outputs.weights, settings, images: 5, metadata: {fold: '0'}});
});

describe('a tuned backbone as a file', () => {
  it('gives the vectors that the stage wrote, of images made as its metadata say', async () => {
    const format = JSON.parse(exported.metadata['images']!) as CropFormat;
    expect([exported.shape, exported.metadata]).toEqual([
      [5, 20, 20, 3],
      {fold: '0', network: 'ir-small', images: JSON.stringify(network.format)},
    ]);
    const inference = await loadTraced(exported.onnx, {provider: 'cpu', threads: 1});
    const crops = storedCrops(fold.faces.validation[0]!, format);
    const found: number[] = [];
    for (let first = 0; first < 15; first += 5) {
      const values = new Float32Array(5 * 20 * 20 * 3);
      await crops.write(values, {first, stride: 1, count: 5}, middleView(network));
      found.push(...(await inference.run({images: {shape: exported.shape, values}}))['vector']!.values);
    }
    await inference.release();
    const expected = tuned.tuned.filter(({validation}) => validation).flatMap(({vector}) => [...vector]);
    // Batches of another size sum in another order.
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5);
    expect(found).toHaveLength(expected.length);
  });

  it('has weights that another training can start from', async () => {
    const file = path.join(temporaryFolder(), 'backbone.safetensors');
    await writeFile(file, writeSafetensors({tensors: exported.arrays, metadata: exported.metadata}));
    expect(await readPretrained(file, network)).toEqual(exported.arrays);
  });
});
