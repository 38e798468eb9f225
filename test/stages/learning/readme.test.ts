/** The example of the engine's README is run as it stands there. */
import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {build} from 'esbuild';
import {expect, test} from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');

test('the example of the README trains, and gives the numbers again from its weights', async () => {
  const text = readFileSync(path.join(root, 'stages/learning/README.md'), 'utf8');
  const example = /```ts\n([^]*?)```/.exec(text)![1]!;
  const folder = path.join(root, `node_modules/.cache/affectflow-readme-${process.pid}`);
  mkdirSync(folder, {recursive: true});
  try {
    const outfile = path.join(folder, 'example.mjs');
    const contents = example.replace("device: 'auto'", "device: 'cpu'");
    const stdin = {contents, resolveDir: root, loader: 'ts'} as const;
    await build({
      stdin,
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      packages: 'external',
    });
    const lines = execFileSync(process.execPath, [outfile], {encoding: 'utf8', stdio: 'pipe'}).trim().split('\n');
    expect(lines[0]).toBe('cpu cpu was asked for.');
    const losses = lines.slice(1, 5).map((line) => Number(line.split(' ')[1]));
    expect(losses[3]).toBeLessThan(losses[0]! * 0.9);
    expect(lines[5]).toMatch(/^\d+ -?0\.\d+$/);
  } finally {
    rmSync(folder, {recursive: true});
  }
});
