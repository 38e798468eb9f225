/** Models named by id in the parameters of each stage that has some: found, checked, and in the fingerprint by their bytes. */
import {appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {beforeAll, describe, expect, it} from 'vitest';
import type {Experiment} from '../../pipeline/experiment.js';
import {Graph} from '../../pipeline/graph.js';
import {Inspector, type ReadyTask} from '../../pipeline/inspector.js';
import {withModelSettings} from '../../pipeline/model-params.js';
import {addModel} from '../../pipeline/models/add.js';
import {findModel, knownModels} from '../../pipeline/models/manifest.js';
import {filesOf, modelPath, writeRecord} from '../../pipeline/models/store.js';
import type {Task} from '../../pipeline/plan.js';
import {openWorkspace} from '../../pipeline/workspace.js';
import {stages} from '../../stages/index.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';
import {tinyModel} from './models/tiny-model.js';

const folder = temporaryFolder();
const models = path.join(folder, 'workspace/models');
const graph = new Graph(stages);

const entry = (id: string) => findModel(id, knownModels());

/** Fills a slot with a network that has the inputs and outputs of the real one, and with text for its companions. */
async function fill(id: string): Promise<void> {
  const {inputs, outputs} = entry(id);
  const sized = (tensors: typeof inputs | typeof outputs) =>
    tensors.map(({name, type, shape}) => ({name: name!, type, shape: shape!}));
  const bytes = tinyModel({inputs: sized(inputs), outputs: sized(outputs)});
  const source = path.join(folder, `source-${id}`);
  for (const file of filesOf(entry(id))) {
    mkdirSync(path.dirname(path.join(source, file)), {recursive: true});
    writeFileSync(path.join(source, file), file.endsWith('.onnx') ? bytes : '{}');
  }
  await addModel(entry(id), source, models);
}

/** What the pipeline would run for a task with these parameters. */
async function ready(stage: string, given: Record<string, unknown>): Promise<ReadyTask> {
  const workspace = openWorkspace(path.join(folder, 'workspace'), 'write');
  try {
    const params = graph.stage(stage).params.parse(withModelSettings(graph.stage(stage), given));
    const task: Task = {id: `${stage} c`, stage, subject: {clip: 'c'}, params, inputs: {}};
    const experiment = {file: path.join(folder, 'e.yaml'), graph, config: {}} as unknown as Experiment;
    const plan = {experiment, tasks: [task]};
    const inspector = new Inspector({plan, workspace, closures: {[stage]: 'a'}, lock: {}});
    await inspector.hashFiles(task);
    const verdict = inspector.inspect(task, () => ({is: 'failed'}));
    if (verdict.is !== 'run') throw new Error(`expected a task to run, got ${verdict.is}`);
    return verdict.ready;
  } finally {
    workspace.close();
  }
}

const cases = [
  ['res50_ir_0.887', 'visual-embedding', {backbone: 'onnx', onnx: {model: 'res50_ir_0.887'}}],
  ['r2plus1d_18', 'visual-embedding', {backbone: 'onnx', onnx: {model: 'r2plus1d_18'}}],
  ['vggish', 'acoustic-embedding', {backbone: 'onnx-patches', patches: {model: 'vggish'}}],
  ['resnet18_audio', 'acoustic-embedding', {backbone: 'onnx-patches', patches: {model: 'resnet18_audio'}}],
  ['w2v2-msp-dim', 'acoustic-embedding', {backbone: 'onnx-waveform', waveform: {model: 'w2v2-msp-dim'}}],
  ['bert-base-uncased', 'text-embedding', {backbone: 'bert', bert: {modelFolder: 'bert-base-uncased'}}],
  ['whisper-base', 'transcription', {source: 'whisper', whisper: {modelFolder: 'whisper-base'}}],
] as const;

describe.each(cases)('%s, named in %s', (id, stage, given) => {
  beforeAll(() => fill(id));

  it('is found, every file of it, and handed to the stage', async () => {
    const {models: handed, ingredients} = await ready(stage, {...given});
    expect(Object.values(handed).sort()).toEqual(
      filesOf(entry(id))
        .map((file) => path.join(models, id, file))
        .sort(),
    );
    expect(Object.values(handed).every((file) => existsSync(file))).toBe(true);
    expect(ingredients.models.map((model) => model.id).sort()).toEqual(Object.keys(handed).sort());
    // Neither the id nor a path is part of the fingerprint.
    expect(JSON.stringify(ingredients)).not.toMatch(/"model(Folder)?":/);
    expect(JSON.stringify(ingredients)).not.toContain(folder);
  });

  it('counts by its bytes: another network has another fingerprint, the same under its path has the same', async () => {
    const before = await ready(stage, {...given});
    const [group, {...params}] = Object.entries(given)[1] as [string, Record<string, unknown>];
    const name = 'model' in params ? 'model' : 'modelFolder';
    const settings = entry(id).settings?.[`${stage}.${group}`];
    const byPath = {...given, [group]: {...settings, ...params, [name]: modelPath(entry(id), models)}};
    expect((await ready(stage, byPath)).fingerprint).toBe(before.fingerprint);
    for (const file of filesOf(entry(id))) {
      appendFileSync(path.join(models, id, file), ' ');
      await writeRecord(entry(id), models);
      expect((await ready(stage, {...given})).fingerprint, file).not.toBe(before.fingerprint);
    }
  });

  it('is refused where its bytes are not those that were added, or it is not there', async () => {
    for (const file of filesOf(entry(id))) {
      appendFileSync(path.join(models, id, file), 'x');
      await expect(ready(stage, {...given}), file).rejects.toMatchObject({
        code: 'wrong-bytes',
        remedy: expect.stringContaining(`affectflow models add ${id} <file>`) as string,
      });
      await writeRecord(entry(id), models);
    }
    rmSync(path.join(models, id), {recursive: true});
    await expect(ready(stage, {...given})).rejects.toMatchObject({
      code: 'missing-model',
      message: expect.stringContaining(`model '${id}' is not there`) as string,
    });
  });
});

it('a mistyped id is refused with the nearest', async () => {
  const given = {source: 'whisper', whisper: {modelFolder: 'wisper-base'}};
  await expect(ready('transcription', given)).rejects.toMatchObject({
    code: 'unknown-model',
    remedy: expect.stringContaining("Did you mean 'whisper-base'?") as string,
  });
});
