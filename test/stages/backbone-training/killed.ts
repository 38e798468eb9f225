/** Trains in a process of its own and kills that process, as a power cut or the operating system would. */
import {spawn} from 'node:child_process';
import {rm} from 'node:fs/promises';
import path from 'node:path';
import {build} from 'esbuild';
import {temporaryFolder} from './drawn-fold.js';

/** Starts a small training and kills it (SIGKILL) after `epochs` epochs; returns how many were done. */
export async function killedAfter(scratch: string, epochs: number): Promise<number> {
  const name = path.basename(await temporaryFolder());
  const outfile = path.join(process.cwd(), 'node_modules', '.cache', name, 'child.mjs');
  await build({
    stdin: {
      contents: `
        import {drawnFold, tune} from './drawn-fold.js';
        const fold = await drawnFold([24, 20], [15]);
        const onEpoch = () => process.stdout.write('epoch\\n');
        await tune({fold, params: {epochs: 8}, scratch: process.argv[2], onEpoch});`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    outfile,
  });
  const child = spawn(process.execPath, [outfile, scratch], {stdio: ['ignore', 'pipe', 'inherit']});
  let done = 0;
  for await (const chunk of child.stdout) {
    done += String(chunk).split('epoch').length - 1;
    if (done >= epochs && !child.killed) child.kill('SIGKILL');
  }
  await rm(path.dirname(outfile), {recursive: true});
  return done;
}
