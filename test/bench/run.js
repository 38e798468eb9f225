/** Runs a benchmark: bundles test/bench/<name>.ts like the product is bundled, and starts it. */
import {spawnSync} from 'node:child_process';
import path from 'node:path';
import {build as bundle} from 'esbuild';
import {build, bundling} from '../../build.js';

const [name, ...rest] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, '../..');
const outfile = path.join(root, 'node_modules/.cache/affectflow-bench', `${name}.mjs`);
// As the command line has it.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
await build();
await bundle({
  entryPoints: [path.join(root, 'test/bench', `${name}.ts`)],
  outfile,
  ...bundling,
  packages: 'external',
  sourcemap: true,
  // What the bundle asks of its own place, it is told of the source's.
  define: {BENCH_FOLDER: JSON.stringify(path.join(root, 'test/bench'))},
});
process.exitCode =
  spawnSync(process.execPath, ['--expose-gc', '--enable-source-maps', outfile, ...rest], {stdio: 'inherit'}).status ??
  1;
