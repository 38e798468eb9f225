/** child.ts in a process of its own, on a disk of its own where wanted. */
import {execFileSync, spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {bundled} from '../helpers/bundled.js';

/** Builds child.ts so that plain Node runs it in a process of its own; gives the file. */
export const builtChild = (): Promise<string> => bundled("import './child.js'", import.meta.dirname);

/** Starts child.ts and hands over each line it prints. */
export function startChild(file: string, args: readonly string[], onLine: (line: string) => void): ChildProcess {
  const child = spawn(process.execPath, [file, ...args], {stdio: ['ignore', 'pipe', 'inherit']});
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  return child;
}

/** Resolves when a child has ended; fails where it ended by an error of its own. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) =>
    child.once('close', (code) => (code ? reject(new Error(`child.ts ended with ${code}`)) : resolve())),
  );
}

/** Whether this machine lets an ordinary user mount a small disk in a namespace of its own. */
export function canMount(): boolean {
  try {
    execFileSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
}

/** Runs child.ts with a disk of its own mounted at `folder`, and returns what it printed. */
export function runOnDisk(file: string, folder: string, options: string, args: readonly string[]): string {
  const script = 'folder=$1; options=$2; shift 2; mount -t tmpfs -o "$options" none "$folder" && exec "$@"';
  const command = ['-Urm', 'sh', '-c', script, 'sh', folder, options, process.execPath, file, ...args];
  return execFileSync('unshare', command, {encoding: 'utf8'}).trim();
}
