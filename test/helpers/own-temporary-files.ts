/**
 * Tests, the libraries they load and the processes they start keep their temporary files in one folder, which goes when
 * all tests are over, however they ended.
 */
import {rmSync} from 'node:fs';
import {temporaryFolder} from './temporary-folder.js';

/** Vitest calls this before it starts the processes of the tests, and what it returns after the last has ended. */
export default function setUp(): () => void {
  const folder = temporaryFolder();
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, {recursive: true, force: true});
}
