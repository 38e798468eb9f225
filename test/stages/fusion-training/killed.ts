/** Trains in a process of its own and kills that process, as a power cut or the operating system would. */
import {spawn} from 'node:child_process';
import {rm} from 'node:fs/promises';
import path from 'node:path';
import {build} from 'esbuild';
import {temporaryFolder} from './run-fold.js';

/** Starts the small training of `run-fold.ts` and kills it (SIGKILL) after `epochs` epochs; returns how many were done. */
export async function killedAfter(scratch: string, epochs: number): Promise<number> {
  const bundle = await bundled();
  const child = spawn(process.execPath, [bundle, scratch], {stdio: ['ignore', 'pipe', 'inherit']});
  let done = 0;
  for await (const chunk of child.stdout) {
    done += String(chunk).split('epoch').length - 1;
    if (done >= epochs && !child.killed) child.kill('SIGKILL');
  }
  await rm(path.dirname(bundle), {recursive: true});
  return done;
}

/** The training as one file; packages stay outside, found from the folder of the project. */
async function bundled(): Promise<string> {
  const outfile = path.join(
    process.cwd(),
    'node_modules',
    '.cache',
    path.basename(await temporaryFolder()),
    'child.mjs',
  );
  await build({
    stdin: {
      contents: `
        import {train} from './run-fold.js';
        await train({params: {epochs: 6}, scratch: process.argv[2], onEpoch: () => process.stdout.write('epoch\\n')});`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    outfile,
  });
  return outfile;
}
