import {refuseMissing} from '../../stages/learning/obstacles.js';
import type {Device} from '../../stages/learning/program.js';
import {loadExperiment} from '../experiment.js';
import {makeLogger} from '../logging/logger.js';
import {runExperiment} from '../run.js';
import type {Experiment} from '../experiment.js';
import type {Summary} from '../executor.js';
import {workspaceFolder} from '../workspace.js';
import type {RunCommandOptions} from './options.js';

/** `affectflow run` and `affectflow rerun`; returns the exit code. */
export async function run(file: string, options: RunCommandOptions): Promise<number> {
  return exitCode(await runWith(loadExperiment(file, options.set), options));
}

/**
 * Runs an experiment with the logger the options ask for, and lets Ctrl-C stop it cleanly. A device that this machine
 * does not have is refused before anything is computed.
 */
export async function runWith(experiment: Experiment, options: RunCommandOptions): Promise<Summary> {
  refuseMissing(options.device as Device | 'auto');
  const interruption = new AbortController();
  const stop = () => {
    if (interruption.signal.aborted) process.exit(130);
    process.stderr.write('\nStopping; what is finished is kept. Press Ctrl-C again to stop at once.\n');
    interruption.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const logger = makeLogger(options);
  try {
    return await runExperiment(experiment, {
      workspace: workspaceFolder(options.workspace),
      selection: {
        ...(options.clips === undefined ? {} : {clips: options.clips}),
        ...(options.folds === undefined ? {} : {folds: options.folds}),
      },
      ...(options.from === undefined ? {} : {from: options.from}),
      ...(options.jobs === undefined ? {} : {jobs: options.jobs}),
      device: options.device,
      command: process.argv.slice(2).join(' '),
      emit: (event) => logger.log(event),
      signal: interruption.signal,
    });
  } finally {
    logger.close();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

export function exitCode({status}: Summary): number {
  return {ok: 0, failed: 1, interrupted: 130}[status];
}
