/** The main job on real files: videos in, CCC table out; then everything a user does next. */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {beforeAll, describe, expect, it} from 'vitest';
import {decodeModel} from '../stages/learning/onnx/model.js';
import {makeDemoDataset} from '../pipeline/datasets/demo/demo-dataset.js';
import {affectflow, eventsOf, producedByStage, startAffectflow} from './helpers/command.js';
import {temporaryFolder} from './helpers/temporary-folder.js';

const EXPERIMENT = `
name: small
dataset: {videos: videos, annotations: annotations, transcripts: transcripts, subjects: subjects.csv}
folds: {kind: subjects, count: 2}
stages:
  fusion-training:
    targets: joint
    windowFrames: 20
    hopFrames: 10
    learningRate: 5.0e-3
    warmUp: none
    epochs: 2
    minimumEpochs: 1
    architecture: {visualChannels: [8], acousticChannels: [8], linguisticChannels: [8]}
systems: [audio, rcma]
`;
const CLIPS = 4;

const folder = temporaryFolder();
/** What is the user's, beside the workspace: commands must leave nothing there. */
const [temporaryFiles, home] = [temporaryFolder(), temporaryFolder()];
Object.assign(process.env, {TMPDIR: temporaryFiles, HOME: home});
delete process.env['ORT_DISABLE_TELEMETRY'];
beforeAll(async () => {
  await makeDemoDataset({folder, seed: 3, subjectCount: CLIPS, clipsPerSubject: 1, secondsPerClip: 3, frameRateHz: 10});
  writeFileSync(path.join(folder, 'e.yaml'), EXPERIMENT);
}, 120_000);

const run = (...args: string[]) => affectflow(['run', 'e.yaml', '--json', ...args], folder);
const clipFile = (index: number) =>
  path.join(folder, 'videos', readdirSync(path.join(folder, 'videos')).sort()[index]!);

describe('from video files to a CCC table', () => {
  it('runs every stage once per clip, and once per fold and system', () => {
    const result = run();
    expect(result.err).toBe('');
    expect(result.code).toBe(0);
    expect(producedByStage(result)).toEqual({
      demux: CLIPS,
      'face-alignment': CLIPS,
      spectrogram: CLIPS,
      transcription: CLIPS,
      annotation: CLIPS,
      'visual-embedding': CLIPS,
      'acoustic-embedding': CLIPS,
      'text-embedding': CLIPS,
      'fusion-training': 4,
      'fold-evaluation': 4,
    });
  });

  it('does nothing the second time, and says so', () => {
    const {code, out} = affectflow(['run', 'e.yaml'], folder);
    expect(code).toBe(0);
    expect(out).toContain(`Nothing to do: all ${8 * CLIPS + 8} tasks are up to date`);
  });

  it('runs training and evaluation, and no extraction, after a change of a training parameter', () => {
    const set = ['--set', 'fusion-training.learningRate=1e-3'];
    const plan = affectflow(['plan', 'e.yaml', '--why', ...set], folder);
    expect(plan.out).toMatch(/run {5}fusion-training audio fold 0 seed 0 {2}because learningRate 0\.005 → 0\.001/);
    expect(producedByStage(run(...set))).toEqual({'fusion-training': 4, 'fold-evaluation': 4});
  });

  it('reruns a stage and what reads from it, and stops where the bytes come out the same', () => {
    const result = affectflow(['rerun', 'e.yaml', '--from', 'spectrogram', '--json'], folder);
    expect(producedByStage(result)).toEqual({
      spectrogram: CLIPS,
      'acoustic-embedding': CLIPS,
      'fusion-training': 4,
      'fold-evaluation': 4,
    });
    expect(result.out).not.toContain('other bytes');
  });

  it('changes of one modality leave the others alone', () => {
    expect(producedByStage(run('--set', 'text-embedding.hashDimensions=16'))).toEqual({
      'text-embedding': CLIPS,
      'fusion-training': 2,
      'fold-evaluation': 2,
    });
  });

  it('tunes the face network on each fold where asked to, for the systems that look at faces, and predicts with it', () => {
    const small = {network: 'ir-small', windowFrames: 20, hopFrames: 10, epochs: 2, minimumEpochs: 1};
    const settings = Object.entries(small).map(([key, value]) => `backbone-training.${key}=${value}`);
    const tuning = ['fusion-training.visual=fine-tuned', ...settings].flatMap((one) => ['--set', one]);
    expect(producedByStage(run(...tuning))).toEqual({
      'backbone-training': 2,
      'fusion-training': 2,
      'fold-evaluation': 2,
    });
    expect(producedByStage(run(...tuning))).toEqual({});
    expect(producedByStage(run())).toEqual({});
    const other = [...tuning, '--set', 'backbone-training.randomFlip=false'];
    const plan = affectflow(['plan', 'e.yaml', '--why', ...other], folder).out;
    expect(plan).toMatch(/run {5}backbone-training fold 0 seed 0 {2}because randomFlip true → false/);
    expect(plan).not.toMatch(/run {5}(visual-embedding|fusion-training audio)/);
    // Clips that the best fold was trained on are refused, so the first that was not is predicted.
    const predicted = readdirSync(path.join(folder, 'videos')).find((video) => {
      const which = ['--system', 'rcma', '--best', '1', '--clips', path.parse(video).name, '--output', 'predicted'];
      return affectflow(['predict', 'e.yaml', ...which, ...tuning], folder).code === 0;
    });
    const rows = readFileSync(path.join(folder, 'predicted', `${path.parse(predicted!).name}.txt`), 'utf8')
      .trim()
      .split('\n');
    expect(rows.length).toBeGreaterThan(25);
    // A system that reads a tuned network is exported with it.
    const files = ['--onnx', 'tuned.onnx', '--safetensors', 'tuned.safetensors'];
    const exported = affectflow(['export', 'e.yaml', '--system', 'rcma', ...files, ...tuning], folder).out;
    expect(exported).toMatch(/tuned-visual\.onnx: backbone-training's network, images \[1, 20, 20, 3\] to the vectors/);
    expect(exported).toMatch(/tuned-visual\.safetensors: its weights, for backbone-training\.weights/);
    const facts = decodeModel(readFileSync(path.join(folder, 'tuned-visual.onnx'))).metadataProps!;
    const training = facts.find(({key}) => key === 'training')!.value!;
    expect(affectflow(['lineage', 'why', training], folder).out).toContain('backbone-training');
  });

  it('reports a table whose numbers lead back to their tasks and files', () => {
    const report = affectflow(['report', 'e.yaml', '--format', 'csv'], folder);
    expect(report.code).toBe(0);
    const [header, first] = report.out.split('\n');
    const fingerprint = first!.split(',')[header!.split(',').indexOf('fingerprint')]!;
    expect(affectflow(['lineage', 'why', fingerprint.slice(0, 12)], folder).out).toContain('fold-evaluation');
    const upstream = affectflow(['lineage', 'upstream', fingerprint], folder).out;
    expect(upstream).toContain(path.basename(clipFile(0)));
    expect(affectflow(['lineage', 'downstream', clipFile(0)], folder).out).toContain('fold-evaluation');
    expect(affectflow(['report', 'e.yaml', '--format', 'md'], folder).out).toContain('| rcma');
  });

  it('does not run again when clips are renamed', () => {
    const copy = path.join(folder, 'renamed');
    for (const name of ['videos', 'annotations', 'transcripts']) {
      mkdirSync(path.join(copy, name), {recursive: true});
      for (const file of readdirSync(path.join(folder, name)))
        copyFileSync(path.join(folder, name, file), path.join(copy, name, `renamed ${file}`));
    }
    writeFileSync(
      path.join(copy, 'subjects.csv'),
      readFileSync(path.join(folder, 'subjects.csv'), 'utf8')
        .replace(/^(?!clip)/gm, 'renamed ')
        .replace(/\nrenamed $/, '\n'),
    );
    writeFileSync(path.join(copy, 'e.yaml'), EXPERIMENT);
    const result = affectflow(['run', 'e.yaml', '--json', '--workspace', path.join(folder, '.affectflow')], copy);
    expect(producedByStage(result)).toEqual({});
  });

  it('rebuilds the lineage from the manifests and still has nothing to do', () => {
    for (const name of readdirSync(path.join(folder, '.affectflow')))
      if (name.startsWith('lineage.sqlite')) rmSync(path.join(folder, '.affectflow', name));
    expect(affectflow(['lineage', 'rebuild'], folder).out).toMatch(/tasks recorded/);
    expect(producedByStage(run())).toEqual({});
  });
});

describe('what goes wrong', () => {
  it('a broken video fails alone, with its name and a remedy; the rest runs where allowed', () => {
    const good = readFileSync(clipFile(0));
    writeFileSync(clipFile(0), 'this is no video');
    const stopped = run();
    expect(stopped.code).toBe(1);
    expect(eventsOf(stopped).find(({kind}) => kind === 'failed')).toMatchObject({
      stage: 'demux',
      remedy: expect.any(String),
      message: expect.stringContaining('s01'),
    });
    const excluded = run('--set', 'onFailedClip=exclude');
    expect(excluded.code).toBe(1);
    expect(producedByStage(excluded)).toMatchObject({'fusion-training': 4, 'fold-evaluation': 4});
    // What failed stays out of the report too, and out of every system.
    const report = affectflow(['report', 'e.yaml', '--set', 'onFailedClip=exclude'], folder);
    expect(report.code).toBe(0);
    expect(report.out).toMatch(/1 clip failed and is left out of training and evaluation of every system/);
    expect(report.out).toMatch(/Clips that are left out\ns01/);
    expect(report.out).toMatch(/^rcma .* mean ± sd over folds/m);
    writeFileSync(clipFile(0), good);
    expect(producedByStage(run())).toEqual({});
  });

  it('a model folder that lacks files fails the tasks that need it, by what is missing', () => {
    const bert = ['text-embedding.backbone=bert', 'text-embedding.bert.modelFolder=videos'];
    const result = run('--clips', 's01*', ...bert.flatMap((one) => ['--set', one]));
    expect(result.code).toBe(1);
    expect(eventsOf(result).find(({kind}) => kind === 'failed')).toMatchObject({
      stage: 'text-embedding',
      code: 'bad-model',
      message: expect.stringMatching(/The model folder .*videos lacks tokenizer\.json, .*onnx\/model\.onnx/),
    });
  });

  it('a damaged shard is noticed by verify and made again', () => {
    const shards = path.join(folder, '.affectflow', 'shards');
    const prefix = readdirSync(shards)
      .filter((name) => name.length === 2)
      .sort()[0]!;
    const file = path.join(shards, prefix, readdirSync(path.join(shards, prefix))[0]!);
    chmodSync(file, 0o644);
    truncateSync(file, 40);
    const {code, out} = affectflow(['verify'], folder);
    expect(code).toBe(1);
    expect(out).toMatch(/damaged {2}[0-9a-f]{32}/);
    expect(run().code).toBe(0);
    expect(affectflow(['verify'], folder).code).toBe(0);
  });

  it.each([
    [['run', 'none.yaml'], /no experiment file/],
    [['run', 'e.yaml', '--from', 'spectogram'], /no stage 'spectogram'[\s\S]*Did you mean 'spectrogram'/],
    [['run', 'e.yaml', '--set', 'systems=[rcna]'], /unknown system 'rcna'/],
    [['run', 'e.yaml', '--folds', '7'], /no fold '7'/],
    [['run', 'e.yaml', '--jobs', 'many'], /whole number/],
    [['run', 'e.yaml', '--device', 'abacus'], /expected one of/],
    [['lineage', 'why', 'zzzz'], /zzzz/],
    [['report', 'e.yaml', '--format', 'pdf'], /no format 'pdf'/],
    [['rnu'], /rnu/],
  ])('%j is a usage error without a stack', (args, message) => {
    const {code, err} = affectflow(args, folder);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });

  it('two runs on one workspace at once: the second is told who holds it', async () => {
    const first = startAffectflow(['rerun', 'e.yaml', '--from', 'demux'], folder);
    await new Promise((resolve) => first.stdout!.once('data', resolve));
    const second = affectflow(['run', 'e.yaml'], folder);
    expect(second.code).toBe(2);
    expect(second.err).toContain(String(first.pid));
    const code = await new Promise((resolve) => {
      first.once('exit', resolve);
      first.kill('SIGINT');
    });
    expect(code).toBe(130);
  });

  it('kill -9 in the middle loses only what was in flight', async () => {
    const workspace = ['--workspace', path.join(folder, 'killed')];
    const first = startAffectflow(['run', 'e.yaml', '--json', ...workspace], folder);
    let produced = 0;
    await new Promise<void>((resolve) => {
      first.stdout!.on('data', (chunk: Buffer) => {
        produced += chunk.toString().split('"kind":"produced"').length - 1;
        if (produced >= 8) resolve();
      });
    });
    const gone = new Promise((resolve) => first.once('exit', resolve));
    first.kill('SIGKILL');
    await gone;
    const second = run(...workspace);
    expect(second.code).toBe(0);
    const reused = eventsOf(second).filter(({kind}) => kind === 'reused').length;
    expect(reused).toBeGreaterThanOrEqual(8);
    expect(affectflow(['verify', ...workspace], folder).code).toBe(0);
  });
});

it('leaves nothing in the folders for temporary files and of the user, however its commands ended', () => {
  expect([...readdirSync(temporaryFiles), ...readdirSync(home)]).toEqual([]);
});
