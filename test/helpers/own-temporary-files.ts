/**
 * Runs before each test file: it, the libraries it loads and the processes it starts keep their temporary files in a
 * folder of its own, which goes when its tests are over, however they end.
 */
import {rmSync} from 'node:fs';
import {afterAll} from 'vitest';
import {temporaryFolder} from './temporary-folder.js';

const folder = temporaryFolder();
process.env['TMPDIR'] = folder;
afterAll(() => rmSync(folder, {recursive: true, force: true}));
