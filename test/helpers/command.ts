/** Runs the real command line in a process of its own, as a user would. */
import {spawn, spawnSync, type ChildProcess} from 'node:child_process';
import path from 'node:path';

const launcher = path.resolve(import.meta.dirname, '../../pipeline/cli/affectflow.js');

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function affectflow(args: readonly string[], cwd: string): CommandResult {
  const {status, stdout, stderr} = spawnSync(process.execPath, [launcher, ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return {code: status, out: stdout, err: stderr};
}

/** Starts the command and leaves it running. */
export function startAffectflow(args: readonly string[], cwd: string): ChildProcess {
  return spawn(process.execPath, [launcher, ...args], {cwd, stdio: ['ignore', 'pipe', 'pipe']});
}

/** Events of a `--json` run. */
export function eventsOf({out}: CommandResult): Record<string, unknown>[] {
  return out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** How many tasks of each stage were produced in a `--json` run; stages without any are left out. */
export function producedByStage(result: CommandResult): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of eventsOf(result)) {
    if (event['kind'] === 'produced') counts[String(event['stage'])] = (counts[String(event['stage'])] ?? 0) + 1;
  }
  return counts;
}
