/** Runs a training in a process of its own and kills that process, as a power cut or the operating system would. */
import {spawn} from 'node:child_process';
import process from 'node:process';
import {bundled} from './bundled.js';

export interface Training {
  /** A module that trains in the folder `process.argv[2]`, and writes 'epoch' and a line feed after each epoch. */
  readonly source: string;
  /** Folder that its imports start from. */
  readonly folder: string;
}

/** Starts a training and kills it (SIGKILL) after `epochs` epochs; returns how many were done. */
export async function killedAfter({source, folder}: Training, scratch: string, epochs: number): Promise<number> {
  const command = [await bundled(source, folder), scratch];
  const child = spawn(process.execPath, command, {stdio: ['ignore', 'pipe', 'inherit']});
  let done = 0;
  for await (const chunk of child.stdout) {
    done += String(chunk).split('epoch').length - 1;
    if (done >= epochs && !child.killed) child.kill('SIGKILL');
  }
  return done;
}
