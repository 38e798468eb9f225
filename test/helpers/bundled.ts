import {symlinkSync} from 'node:fs';
import path from 'node:path';
import {build} from 'esbuild';
// @ts-expect-error -- the build script is plain JavaScript.
import {bundling} from '../../build.js';
import {temporaryFolder} from './temporary-folder.js';

const root = path.resolve(import.meta.dirname, '../..');

/** Bundles a module that stands in `folder`, so that Node runs it in a process of its own; gives the file. */
export async function bundled(source: string, folder: string): Promise<string> {
  const place = temporaryFolder();
  // Packages stay outside of the bundle, and are looked for beside it; so is the package that this is.
  for (const name of ['node_modules', 'package.json']) symlinkSync(path.join(root, name), path.join(place, name));
  const outfile = path.join(place, 'bundle.mjs');
  await build({
    stdin: {contents: source, resolveDir: folder, loader: 'ts'},
    outfile,
    ...bundling,
    packages: 'external',
  });
  return outfile;
}
