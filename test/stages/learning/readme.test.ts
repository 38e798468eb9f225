/** The example of the engine's README is run as it stands there. */
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {expect, test} from 'vitest';
import {bundled} from '../../helpers/bundled.js';

const root = path.resolve(import.meta.dirname, '../../..');

test('the example of the README trains, and gives the numbers again from its weights', async () => {
  const text = readFileSync(path.join(root, 'stages/learning/README.md'), 'utf8');
  const example = /```ts\n([^]*?)```/.exec(text)![1]!;
  const module = await bundled(example.replace("device: 'auto'", "device: 'cpu'"), root);
  const lines = execFileSync(process.execPath, [module], {encoding: 'utf8', stdio: 'pipe'}).trim().split('\n');
  expect(lines[0]).toBe('cpu cpu was asked for.');
  const losses = lines.slice(1, 5).map((line) => Number(line.split(' ')[1]));
  expect(losses[3]).toBeLessThan(losses[0]! * 0.9);
  expect(lines[5]).toMatch(/^\d+ -?0\.\d+$/);
});
