import {existsSync} from 'node:fs';
import path from 'node:path';
import {describe, expect, test} from 'vitest';
import {ModelError} from '../../../pipeline/models/errors.js';
import {stages} from '../../../stages/index.js';
import {visualEmbedding} from '../../../stages/visual-embedding.js';
import {findModel, knownModels, parseManifest, selectModels} from '../../../pipeline/models/manifest.js';

const folder = path.resolve('pipeline/models');

function refusal(action: () => unknown): ModelError {
  try {
    action();
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
  throw new Error('expected a ModelError');
}

describe('the list of models', () => {
  const {models, packs} = knownModels();

  test('has what the papers use and what replaces it', () => {
    expect(models.map(({id, kind}) => `${kind} ${id}`)).toEqual([
      'download yunet',
      'download det_10g',
      'download w600k_r50',
      'download sface',
      'download ferplus-8',
      'download enet_b0_8_va_mtl',
      'slot res50_ir_0.887',
      'slot vggish',
      'slot r2plus1d_18',
      'slot resnet18_audio',
      'slot w2v2-msp-dim',
      'slot bert-base-uncased',
      'slot whisper-base',
    ]);
    expect(packs).toEqual({buffalo_l: ['det_10g', 'w600k_r50']});
  });

  test('fetches only over encrypted connections', () => {
    const addresses = models
      .flatMap((entry) => (entry.kind === 'download' ? entry.urls : []))
      .map((url) => (typeof url === 'string' ? url : url.zip));
    expect(addresses.filter((address) => !address.startsWith('https://'))).toEqual([]);
  });

  test('says of every image network how its input is normalised, one number per channel', () => {
    for (const {inputs} of models) {
      for (const {channels, mean, std} of inputs.filter((input) => input.channels !== undefined)) {
        const count = channels === 'grey' ? 1 : 3;
        expect([mean?.length, std?.length]).toEqual([count, count]);
      }
    }
  });

  test('tells the stages the same of each image network as its contract does', () => {
    for (const {id, inputs, settings} of models) {
      const told = settings?.['visual-embedding.onnx'];
      if (told === undefined) continue;
      const {onnx} = visualEmbedding.params.parse({backbone: 'onnx', onnx: {...told, model: id}});
      const {shape, channels, range, mean, std} = inputs[0]!;
      const toBytes = 255 / range![1];
      expect([onnx!.inputSize ?? onnx!.resizeTo, onnx!.channels], id).toEqual([shape!.at(-1), channels!.toLowerCase()]);
      const same = (told: readonly number[], contract: readonly number[]) =>
        contract.every((value, k) => Math.abs((told[k] ?? told[0]!) - toBytes * value) < 1e-4);
      expect([same(onnx!.mean, mean!), same(onnx!.std, std!)], id).toEqual([true, true]);
    }
    const images = models.filter(({task}) => ['face-embedding', 'facial-expression', 'clip-embedding'].includes(task));
    expect(images.every(({settings}) => settings?.['visual-embedding.onnx'])).toBe(true);
  });

  test('tells the stages nothing they do not know', () => {
    for (const {id, settings = {}} of models) {
      for (const [place, told] of Object.entries(settings)) {
        const [stage, group] = place.split('.') as [string, string];
        const {params} = stages.find(({name}) => name === stage)!;
        expect(params.strict().safeParse({[group]: {...told, model: id}}).error, id).toBeUndefined();
      }
    }
  });

  test('names only recipes that exist', () => {
    const recipes = models.flatMap((entry) => (entry.kind === 'slot' && entry.recipe !== null ? [entry.recipe] : []));
    expect(recipes.filter((recipe) => !existsSync(path.join(folder, 'export', recipe)))).toEqual([]);
  });

  test('allows no commercial use of InsightFace’s networks', () => {
    expect(selectModels(['buffalo_l'], knownModels()).map(({licence}) => licence.commercial)).toEqual([false, false]);
  });
});

describe('finding a model', () => {
  test('suggests the nearest for a mistyped id', () => {
    const {code, message, remedy} = refusal(() => findModel('yunnet', knownModels()));
    expect([code, message]).toEqual(['unknown-model', "there is no model 'yunnet'"]);
    expect(remedy).toMatch(/^Did you mean 'yunet'\? Known: yunet, det_10g, /);
  });

  test('takes packs apart and names nothing twice', () => {
    expect(selectModels(['w600k_r50', 'buffalo_l'], knownModels()).map(({id}) => id)).toEqual(['w600k_r50', 'det_10g']);
  });
});

describe('a list that is not valid', () => {
  const [yunet] = knownModels().models;

  test.each([
    ['a short digest', {...yunet, sha256: 'abc'}, 'expected 64 hexadecimal digits'],
    ['an unknown field', {...yunet, shaa256: 'x'}, 'shaa256'],
    ['a file outside its folder', {...yunet, file: '../../elsewhere.onnx'}, 'expected a relative path'],
    ['a local address', {...yunet, urls: ['file:///etc/passwd']}, 'urls'],
  ])('is refused for %s', (_, entry, reason) => {
    const {code, message} = refusal(() => parseManifest({version: 1, models: [entry]}));
    expect(code).toBe('bad-manifest');
    expect(message).toContain(reason);
  });

  test('is refused for an id that is listed twice, or a pack of nothing known', () => {
    expect(refusal(() => parseManifest({version: 1, models: [yunet, yunet]})).message).toContain(
      "'yunet' is listed twice",
    );
    expect(refusal(() => parseManifest({version: 1, models: [yunet], packs: {all: ['none']}})).message).toContain(
      "a pack names 'none'",
    );
  });
});
