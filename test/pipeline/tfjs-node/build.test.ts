import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {describe, expect, it} from 'vitest';
import {buildAddon, planAddon} from '../../../pipeline/tfjs-node/addon.js';
import {findTensorflow, LIBRARIES} from '../../../pipeline/tfjs-node/tensorflow.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

const folder = temporaryFolder();

/** An interpreter that answers every question with one line. */
function pythonThatSays(name: string, answer: unknown): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
  chmodSync(file, 0o755);
  return file;
}

const refusal = (act: () => unknown, message: RegExp, remedy: RegExp) =>
  expect(act).toThrow(
    expect.objectContaining({
      code: 'cannot-build',
      message: expect.stringMatching(message) as string,
      remedy: expect.stringMatching(remedy) as string,
    }),
  );

describe('finding TensorFlow', () => {
  it('says when there is no such Python', () => {
    refusal(() => findTensorflow(path.join(folder, 'absent')), /absent was not found/, /--python/);
  });

  it('says when this Python has none', () => {
    refusal(() => findTensorflow(pythonThatSays('bare', null)), /has no TensorFlow/, /pip install tensorflow-cpu/);
  });

  it('says what an installation lacks to be linked against', () => {
    const old = {distribution: 'tensorflow', version: '2.3.0', folder: path.join(folder, 'old')};
    refusal(
      () => findTensorflow(pythonThatSays('python-old', old)),
      /2\.3\.0.*lacks libtensorflow_cc/,
      /2\.9 or later/,
    );
  });

  it('returns one with libraries and headers', () => {
    const found = {distribution: 'tensorflow_cpu', version: '2.21.0', folder: path.join(folder, 'tensorflow')};
    for (const file of [...LIBRARIES, 'include/tensorflow/c/eager/c_api.h']) {
      mkdirSync(path.join(found.folder, path.dirname(file)), {recursive: true});
      writeFileSync(path.join(found.folder, file), '');
    }
    expect(findTensorflow(pythonThatSays('python', found))).toEqual(found);
  });
});

describe.skipIf(process.platform !== 'linux')('building the addon', () => {
  const tensorflow = {distribution: 'tensorflow', version: '2.21.0', folder};

  it('says how to install the package it belongs to', () => {
    refusal(() => planAddon('@tensorflow/absent', tensorflow), /is not installed/, /npm install --ignore-scripts/);
  });

  it('says which compiler is missing, and leaves the addon that is there alone', () => {
    const target = path.join(folder, 'lib/tfjs_binding.node');
    const plan = {compiler: path.join(folder, 'no-compiler'), arguments: [], target, aside: `${target}.new.node`};
    refusal(() => buildAddon(plan), /no-compiler was not found/, /g\+\+/);
  });

  it('shows what the compiler says', () => {
    const target = path.join(folder, 'lib/tfjs_binding.node');
    const complaint = 'process.stderr.write("error: no member"); process.exit(1)';
    const plan = {compiler: 'node', arguments: ['-e', complaint], target, aside: `${target}.new.node`};
    refusal(() => buildAddon(plan), /failed:[^]*no member/, /--python/);
  });
});
