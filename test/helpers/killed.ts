/** Runs a training in a process of its own and kills that process, as a power cut or the operating system would. */
import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import {build} from 'esbuild';

export interface Training {
  /** A module that trains in the folder `process.argv[2]`, and writes 'epoch' and a line feed after each epoch. */
  readonly source: string;
  /** Folder that its imports start from. */
  readonly folder: string;
}

/** Starts a training and kills it (SIGKILL) after `epochs` epochs; returns how many were done. */
export async function killedAfter({source, folder}: Training, scratch: string, epochs: number): Promise<number> {
  // Beside node_modules, so that packages, which stay outside of the bundle, are found.
  const cache = path.join(process.cwd(), 'node_modules', '.cache');
  mkdirSync(cache, {recursive: true});
  const place = mkdtempSync(path.join(cache, 'affectflow-killed-'));
  const outfile = path.join(place, 'child.mjs');
  await build({
    stdin: {contents: source, resolveDir: folder},
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
  rmSync(place, {recursive: true});
  return done;
}
