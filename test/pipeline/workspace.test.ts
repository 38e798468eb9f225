import {mkdirSync, readdirSync, utimesSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {expect, it} from 'vitest';
import {openWorkspace} from '../../pipeline/workspace.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

it('a run gives up checkpoints that nobody continued for a month, and keeps the others', () => {
  const folder = temporaryFolder();
  for (const [name, days] of [
    ['recent', 29],
    ['forgotten', 31],
  ] as const) {
    const scratch = path.join(folder, 'scratch', name);
    mkdirSync(scratch, {recursive: true});
    writeFileSync(path.join(scratch, 'both.safetensors'), '');
    const touched = Date.now() / 1000 - days * 24 * 3600;
    utimesSync(scratch, touched, touched);
  }
  openWorkspace(folder, 'read').close();
  expect(readdirSync(path.join(folder, 'scratch'))).toHaveLength(2);
  openWorkspace(folder, 'write').close();
  expect(readdirSync(path.join(folder, 'scratch'))).toEqual(['recent']);
});
