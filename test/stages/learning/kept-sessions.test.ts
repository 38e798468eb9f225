import {utimesSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {Tensor, type InferenceSession} from 'onnxruntime-node';
import {expect, test} from 'vitest';
import {keepSessions} from '../../../stages/learning/kept-sessions.js';
import {encodeModel} from '../../../stages/learning/onnx/model.js';
import {nodeProto, valueInfo} from '../../../stages/learning/onnx/tensor.js';
import {openModel} from '../../../stages/learning/open-model.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

const folder = temporaryFolder();

/** Writes a network of one operator on one number. */
function network(name: string, operator = 'Neg'): string {
  const file = path.join(folder, `${name}.onnx`);
  const graph = {
    name: 'graph',
    node: [nodeProto(operator, ['x'], ['y'])],
    initializer: [],
    input: [valueInfo('x', 'float32', [1])],
    output: [valueInfo('y', 'float32', [1])],
  };
  writeFileSync(file, encodeModel({irVersion: 8, opsetImport: [{domain: '', version: 17}], graph}));
  return file;
}

const open = async (file: string, options?: InferenceSession.SessionOptions) =>
  (await openModel(file, options ? {options} : {})).session;
const answer = async (session: InferenceSession, x: number) =>
  ((await session.run({x: new Tensor('float32', [x], [1])}))['y']!.data as Float32Array)[0];

test('nothing is kept where no process asked for it', async () => {
  const file = network('a');
  const first = await open(file);
  await first.release();
  const second = await open(file);
  expect(second).not.toBe(first);
  await expect(answer(first, 1)).rejects.toThrow();
  await second.release();
});

test('a released network is handed out again, and still works', async () => {
  keepSessions(2);
  const file = network('b');
  const first = await open(file);
  await first.release();
  const second = await open(file);
  expect(second).toBe(first);
  expect(await answer(second, 2)).toBe(-2);
  await second.release();
});

test('a file that changed, or other options, are another network', async () => {
  keepSessions(4);
  const file = network('c');
  const first = await open(file);
  await first.release();
  network('c', 'Abs');
  utimesSync(file, new Date(), new Date(Date.now() + 5000));
  const changed = await open(file);
  expect(await answer(changed, -3)).toBe(3);
  await changed.release();
  const threads = await open(file, {intraOpNumThreads: 1});
  expect(threads).not.toBe(changed);
  await threads.release();
});

test('two tasks at once have networks of their own, of which one is kept', async () => {
  keepSessions(4);
  const file = network('d');
  const [first, second] = [await open(file), await open(file)];
  expect(first).not.toBe(second);
  await first.release();
  await second.release();
  expect(await open(file)).toBe(first);
  await expect(answer(second, 1)).rejects.toThrow();
  await first.release();
});

test('the one that was used longest ago is freed where more than the limit are idle', async () => {
  keepSessions(2);
  const files = ['e', 'f', 'g'].map((name) => network(name));
  const sessions: InferenceSession[] = [];
  for (const file of files) sessions.push(await open(file));
  for (const session of sessions) await session.release();
  await expect(answer(sessions[0]!, 1)).rejects.toThrow();
  expect(await open(files[1]!)).toBe(sessions[1]);
  expect(await open(files[2]!)).toBe(sessions[2]);
  const again = await open(files[0]!);
  expect(again).not.toBe(sessions[0]);
});

test('a file that is missing is still said to be so', async () => {
  keepSessions(2);
  await expect(open(path.join(folder, 'none.onnx'))).rejects.toMatchObject({code: 'bad-model'});
});
