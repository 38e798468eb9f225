import {existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {beforeEach, describe, expect, test} from 'vitest';
import {addModel} from '../../../pipeline/models/add.js';
import {findModel, knownModels} from '../../../pipeline/models/manifest.js';
import {checkedSha256, locateModel, resolveModel} from '../../../pipeline/models/resolve.js';
import {sha256OfFile} from '../../../pipeline/models/sha256.js';
import {removeModel, stateOf} from '../../../pipeline/models/store.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {tinyModel} from './tiny-model.js';

let folder: string;
let models: string;
beforeEach(() => {
  folder = temporaryFolder();
  models = path.join(folder, 'models');
});

const entry = (id: string) => findModel(id, knownModels());
const vggish = tinyModel({
  inputs: [{name: 'input', shape: ['N', 1, 96, 64]}],
  outputs: [{name: 'embedding', shape: ['N', 128]}],
});
const tokens = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => ({
  name,
  type: 'int64' as const,
  shape: ['N', 'L'],
}));
const bert = tinyModel({
  inputs: tokens,
  outputs: ['last_hidden_state', 'last_four_sum'].map((name) => ({name, shape: ['N', 7, 768]})),
});

function write(name: string, bytes: Uint8Array | string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, bytes);
  return file;
}

describe('a network the user exported', () => {
  test('is checked, copied and found by its id, with its digest and contract', async () => {
    const file = write('mine.onnx', vggish);
    const added = await addModel(entry('vggish'), file, models);
    const sha256 = await sha256OfFile(file);
    expect(added).toMatchObject({path: path.join(models, 'vggish/vggish.onnx'), sha256, checked: {batch: 'dynamic'}});
    expect(stateOf(entry('vggish'), models)).toBe('verified');
    const resolved = await resolveModel('vggish', models);
    expect([resolved.path, resolved.sha256, resolved.contract?.outputs[0]?.name]).toEqual([
      added.path,
      sha256,
      'embedding',
    ]);
    expect(readdirSync(models)).toEqual(['vggish']);
  });

  test('with another interface is refused, and what was there stays', async () => {
    await addModel(entry('vggish'), write('right.onnx', vggish), models);
    const wrong = tinyModel({
      inputs: [{name: 'input', shape: ['N', 1, 64, 107]}],
      outputs: [{name: 'embedding', shape: ['N', 128]}],
    });
    await expect(addModel(entry('vggish'), write('wrong.onnx', wrong), models)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining(
        "model vggish: input 'input' is float32 [N, 1, 64, 107], expected float32 [N, 1, 96, 64]",
      ) as string,
    });
    expect(readFileSync(path.join(models, 'vggish/vggish.onnx')).equals(vggish)).toBe(true);
    expect(readdirSync(models)).toEqual(['vggish']);
  });

  test('replaces the one before it', async () => {
    await addModel(entry('vggish'), write('first.onnx', vggish), models);
    const fixed = tinyModel({
      inputs: [{name: 'input', shape: [1, 1, 96, 64]}],
      outputs: [{name: 'embedding', shape: [1, 128]}],
    });
    const {checked, sha256} = await addModel(entry('vggish'), write('second.onnx', fixed), models);
    expect(checked.batch).toBe(1);
    expect((await resolveModel('vggish', models)).sha256).toBe(sha256);
  });

  test('brings the files that belong to it, and is refused without them', async () => {
    write('bert/onnx/model.onnx', bert);
    await expect(addModel(entry('bert-base-uncased'), path.join(folder, 'bert'), models)).rejects.toMatchObject({
      code: 'not-found',
    });
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json']) write(`bert/${name}`, '{}');
    await addModel(entry('bert-base-uncased'), path.join(folder, 'bert'), models);
    const files = readdirSync(path.join(models, 'bert-base-uncased'), {recursive: true, encoding: 'utf8'}).sort();
    expect(files).toEqual([
      'config.json',
      'onnx',
      'onnx/model.onnx',
      'record.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    // A changed tokenizer changes the features as a changed network would.
    writeFileSync(path.join(models, 'bert-base-uncased/tokenizer.json'), '{"changed": true}');
    await expect(resolveModel('bert-base-uncased', models)).rejects.toMatchObject({code: 'wrong-bytes'});
  });

  test('cannot take the place of a published one', async () => {
    await expect(addModel(entry('yunet'), write('mine.onnx', vggish), models)).rejects.toMatchObject({
      code: 'not-a-slot',
    });
  });
});

describe('a model that an experiment names', () => {
  test('and that is not there says how to get it', async () => {
    await expect(resolveModel('yunet', models)).rejects.toMatchObject({
      code: 'missing-model',
      remedy: 'Pull it with `affectflow models pull yunet`.',
    });
    await expect(resolveModel('vggish', models)).rejects.toMatchObject({
      remedy:
        'Export it with pipeline/models/export/vggish.py (vggish-10086976.pth, release of harritaylor/torchvggish) and `affectflow models add vggish <file>`.',
    });
    expect(() => locateModel('yunet', models)).toThrow("model 'yunet' is not there");
  });

  test('may be a file of the user’s, which no contract describes', async () => {
    const file = write('mine.onnx', vggish);
    expect(await resolveModel(file, models)).toEqual({
      path: file,
      sha256: await sha256OfFile(file),
      contract: undefined,
      entry: undefined,
    });
    await expect(resolveModel('./none.onnx', models)).rejects.toMatchObject({code: 'missing-model'});
  });

  test('is refused when its file changed since it was added', async () => {
    const {path: location} = await addModel(entry('vggish'), write('mine.onnx', vggish), models);
    writeFileSync(location, 'changed');
    expect(stateOf(entry('vggish'), models)).toBe('present');
    await expect(resolveModel('vggish', models)).rejects.toMatchObject({
      code: 'wrong-bytes',
      remedy: expect.stringContaining('models add vggish') as string,
    });
  });

  test('is hashed again where only its time changed, and then known', async () => {
    const {path: location, sha256} = await addModel(entry('vggish'), write('mine.onnx', vggish), models);
    writeFileSync(location, vggish);
    expect(stateOf(entry('vggish'), models)).toBe('present');
    expect((await resolveModel('vggish', models)).sha256).toBe(sha256);
    expect(stateOf(entry('vggish'), models)).toBe('verified');
  });

  test('that changed without a trace in size and time is found by hashing it again', async () => {
    const {path: location} = await addModel(entry('vggish'), write('mine.onnx', vggish), models);
    utimesSync(location, 1e9, 1e9);
    await resolveModel('vggish', models);
    const damaged = Buffer.from(vggish);
    damaged[20]! ^= 1;
    writeFileSync(location, damaged);
    utimesSync(location, 1e9, 1e9);
    expect(stateOf(entry('vggish'), models)).toBe('verified');
    await expect(checkedSha256(entry('vggish'), models, {rehash: true})).rejects.toMatchObject({code: 'wrong-bytes'});
  });

  test('is gone once removed', async () => {
    await addModel(entry('vggish'), write('mine.onnx', vggish), models);
    expect([removeModel(entry('vggish'), models), removeModel(entry('vggish'), models)]).toEqual([true, false]);
    expect(existsSync(path.join(models, 'vggish'))).toBe(false);
  });
});
