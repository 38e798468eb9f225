/** The command as a user runs it: bundled as the build does it, in a process of its own. */
import {execFile} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import {nodeProto} from '../../../stages/learning/onnx/tensor.js';
import {bundled} from '../../helpers/bundled.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {tinyModel} from './tiny-model.js';

const folder = temporaryFolder();
let script: string;
beforeAll(async () => {
  script = await bundled(
    `
    import {Command} from 'commander';
    import {declareModels} from './pipeline/cli/models-command.js';
    const program = new Command('affectflow');
    declareModels(program, (code) => { process.exitCode = code; });
    try { await program.parseAsync(); } catch (error) { console.error(error.message + '\\n' + error.remedy); process.exitCode = 2; }`,
    process.cwd(),
  );
});

async function run(...args: string[]): Promise<{code: number; output: string}> {
  return new Promise((resolve) => {
    const command = [script, 'models', ...args];
    const {PATH, TMPDIR, ORT_DISABLE_TELEMETRY} = process.env;
    const environment = {PATH, TMPDIR, ORT_DISABLE_TELEMETRY, HTTPS_PROXY: 'http://127.0.0.1:1'};
    execFile(process.execPath, command, {cwd: folder, env: environment, timeout: 30_000}, (error, stdout, stderr) =>
      resolve({
        code: typeof error?.code === 'number' ? error.code : 0,
        output: `${stdout}${stderr}`.replaceAll(folder, '…'),
      }),
    );
  });
}

describe('affectflow models', () => {
  test('adds a network, lists, verifies and removes it', async () => {
    const bytes = tinyModel({
      inputs: [{name: 'input', shape: [1, 1, 96, 64]}],
      outputs: [{name: 'embedding', shape: [1, 128]}],
    });
    writeFileSync(path.join(folder, 'mine.onnx'), bytes);
    const added = await run('add', 'vggish', 'mine.onnx', '--models', 'kept');
    expect(added.code).toBe(0);
    expect(added.output).toMatch(
      /^added {2}vggish {2}…\/kept\/vggish\/vggish\.onnx\n {7}batch: 1 {2}sha256 [0-9a-f]{64}\n {7}It takes exactly 1 at a time/,
    );
    const listed = await run('list', '--models', 'kept');
    expect(listed.output).toMatch(/^vggish +audio-embedding +\d+ B +Apache-2\.0 +verified$/m);
    expect(listed.output).toMatch(/^yunet +face-detection +232\.6 kB +MIT +absent$/m);
    expect(listed.output).toMatch(/^bert-base-uncased +text-embedding +Apache-2\.0 +yours to add$/m);
    expect(await run('verify', '--models', 'kept')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^ok {3}vggish .*\n1 model checked, 0 bad\.\n$/) as string,
    });
    expect(await run('remove', 'vggish', '--models', 'kept')).toEqual({code: 0, output: 'removed  vggish\n'});
  });

  test('shows what can be taken out of a network', async () => {
    const bytes = tinyModel({
      inputs: [{name: 'input', shape: ['N', 1, 96, 64]}],
      outputs: [{name: 'embedding', shape: ['N', 6144]}],
      nodes: [
        nodeProto('Flatten', ['input'], ['flat']),
        nodeProto('Shape', ['flat'], ['sizes']),
        nodeProto('Relu', ['flat'], ['embedding']),
      ],
    });
    writeFileSync(path.join(folder, 'network.onnx'), bytes);
    expect(await run('outputs', 'network.onnx')).toEqual({
      code: 0,
      output: [
        'tensor     operator  type and shape',
        'flat       Flatten   float32 [N, 6144]',
        'embedding  Relu      float32 [N, 6144]  output of the network',
        '',
        'And 1 more of other types than float32, which --all shows.',
        'Take one by its name, for example with visual-embedding: {onnx: {model: …, output: NAME}}.',
        '',
      ].join('\n'),
    });
    expect((await run('outputs', 'network.onnx', '--all')).output).toContain('sizes      Shape     int64 [2]');
    expect(await run('outputs', 'none.onnx')).toMatchObject({
      code: 2,
      output: expect.stringContaining('there is no model file …/none.onnx') as string,
    });
  });

  test('ends with 1 when a file is not what it should be, or absent', async () => {
    mkdirSync(path.join(folder, 'bad/yunet'), {recursive: true});
    writeFileSync(path.join(folder, 'bad/yunet/face_detection_yunet_2023mar.onnx'), 'other bytes');
    const {code, output} = await run('verify', '--models', 'bad');
    expect(code).toBe(1);
    expect(output).toMatch(/^BAD {2}model 'yunet': .* has SHA-256 [0-9a-f]{64}, expected 8f2383e4/);
    expect(output).toContain('Replace it with `affectflow models pull yunet`.');
    expect((await run('verify', 'sface', '--models', 'bad')).code).toBe(1);
  });

  test('ends with 1 when nothing can be fetched, and says what to do', async () => {
    const offline = await run('pull', 'yunet', '--offline', '--models', 'none');
    expect(offline.code).toBe(1);
    expect(offline.output).toContain(
      "FAILED    pull yunet: model 'yunet' is not there, and --offline forbids to fetch it",
    );
    const slot = await run('pull', 'vggish', '--models', 'none', '--json');
    expect(slot.code).toBe(1);
    const events = slot.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as {kind: string; code?: string});
    expect(events.map(({kind}) => kind)).toEqual(['started', 'failed']);
  });

  test('ends with 2 for a mistake in what was asked', async () => {
    expect(await run('pull', 'yunnet')).toMatchObject({
      code: 2,
      output: expect.stringContaining("there is no model 'yunnet'\nDid you mean 'yunet'?") as string,
    });
    expect((await run('pull', 'yunet', '--proxy', 'socks5://127.0.0.1')).output).toContain(
      'is not the address of an HTTP proxy',
    );
    expect((await run('pull', 'yunet', 'sface', '--from', 'mine.onnx')).output).toContain(
      '--from names one file, but 2 models are asked for',
    );
  });

  test('says what each licence allows', async () => {
    const {output} = await run('licences');
    expect(output).toContain('yunet: MIT; commercial use allowed\n');
    expect(output).toContain(
      'w600k_r50: InsightFace model licence; no commercial use. Non-commercial research only.\n',
    );
  });
});
