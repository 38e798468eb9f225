import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {beforeAll, describe, expect, it} from 'vitest';
import type {Experiment, Params} from '../../pipeline/experiment.js';
import {Graph} from '../../pipeline/graph.js';
import {Inspector} from '../../pipeline/inspector.js';
import {checkModels, withModelPaths, withoutModelParams} from '../../pipeline/model-params.js';
import type {Task} from '../../pipeline/plan.js';
import {openWorkspace} from '../../pipeline/workspace.js';
import {stages} from '../../stages/index.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const places = {folder: path.join(folder, 'models'), base: folder};
const pulled = path.join(places.folder, 'yunet/face_detection_yunet_2023mar.onnx');
const stage = {modelParams: ['model', 'onnx.model']};

beforeAll(() => {
  mkdirSync(path.dirname(pulled), {recursive: true});
  for (const file of [pulled, path.join(folder, 'own.onnx'), path.join(folder, 'copy.onnx')])
    writeFileSync(file, 'network');
  writeFileSync(path.join(folder, 'other.onnx'), 'another network');
});

describe('parameters that name models', () => {
  it('may be ids, or paths from the experiment file', () => {
    const params = {model: 'yunet', onnx: {model: 'own.onnx', std: [1]}, minScore: 0.5};
    expect(withModelPaths(stage, params, places)).toEqual({
      model: pulled,
      onnx: {model: path.join(folder, 'own.onnx'), std: [1]},
      minScore: 0.5,
    });
    expect(withModelPaths(stage, {minScore: 0.5}, places)).toEqual({minScore: 0.5});
  });

  it('are not handed to run', () => {
    expect(withoutModelParams(stage, {model: 'yunet', onnx: {model: 'own.onnx', std: [1]}})).toEqual({
      onnx: {std: [1]},
    });
    expect(withoutModelParams({}, {model: 'yunet'})).toEqual({model: 'yunet'});
  });

  it('fail where there is no such model, saying how to get it', () => {
    const open = (model: string) => () => withModelPaths(stage, {model}, places);
    expect(open('det_10g')).toThrow(
      expect.objectContaining({
        code: 'missing-model',
        remedy: expect.stringContaining('models pull det_10g') as unknown,
      }),
    );
    expect(open('yunett')).toThrow(expect.objectContaining({code: 'unknown-model'}));
    expect(open('none.onnx')).toThrow(expect.objectContaining({code: 'missing-model'}));
  });

  it('fail by id where the bytes are not those of the manifest', async () => {
    await expect(checkModels(stage, {model: 'yunet'}, places)).rejects.toMatchObject({code: 'wrong-bytes'});
    await expect(checkModels(stage, {model: 'own.onnx'}, places)).resolves.toBeUndefined();
  });
});

describe('a fingerprint', () => {
  async function fingerprint(params: Params): Promise<string> {
    const workspace = openWorkspace(path.join(folder, 'workspace'), 'write');
    try {
      const task: Task = {id: 'face-alignment c', stage: 'face-alignment', subject: {clip: 'c'}, params, inputs: {}};
      const experiment = {
        file: path.join(folder, 'e.yaml'),
        graph: new Graph(stages),
        config: {},
      } as unknown as Experiment;
      const inspector = new Inspector({
        plan: {experiment, tasks: [task]},
        workspace,
        closures: {'face-alignment': 'a'},
        lock: {},
      });
      expect(inspector.knowsFiles({...task, params: {...params, model: 'none.onnx'}})).toBe(false);
      await inspector.hashFiles(task);
      const verdict = inspector.inspect(task, () => ({is: 'failed'}));
      return verdict.is === 'run' ? verdict.ready.fingerprint : verdict.is;
    } finally {
      workspace.close();
    }
  }

  it('holds the bytes of a model and not its path', async () => {
    const params = (model: string) => ({detector: 'yunet', model});
    const own = await fingerprint(params('own.onnx'));
    expect(await fingerprint(params(path.join(folder, 'copy.onnx')))).toBe(own);
    expect(await fingerprint(params('other.onnx'))).not.toBe(own);
  });
});
