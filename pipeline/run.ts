/** Runs an experiment from its plan to the lineage of its run; the commands `run`, `rerun` and `demo` are this. */
import os from 'node:os';
import {totals, type Emit} from './events.js';
import {Executor, type Summary} from './executor.js';
import type {Experiment} from './experiment.js';
import {readClosures, readLock} from './identity.js';
import {Inspector} from './inspector.js';
import {packageVersion} from './package-root.js';
import {makePlan, type Selection} from './plan.js';
import {unusedSettings} from './unused-settings.js';
import {openWorkspace} from './workspace.js';

export interface RunOptions {
  readonly workspace: string;
  readonly selection?: Selection;
  /** Stage from which on everything runs, whatever is cached. */
  readonly from?: string;
  readonly jobs?: number;
  readonly device?: string;
  /** The command line, for the lineage. */
  readonly command: string;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export async function runExperiment(experiment: Experiment, options: RunOptions): Promise<Summary> {
  const clock = performance.now();
  const plan = makePlan(experiment, options.selection);
  const forced =
    options.from === undefined
      ? {}
      : {forced: {stages: experiment.graph.downstream(options.from), because: `asked for by --from ${options.from}`}};
  const workspace = openWorkspace(options.workspace, 'write');
  try {
    const run = workspace.lineage.beginRun({
      experiment: experiment.name,
      config: {file: experiment.file, ...experiment.config},
      command: options.command,
      version: packageVersion(),
    });
    const {emit} = options;
    emit({
      kind: 'run-started',
      experiment: experiment.name,
      tasks: plan.tasks.length,
      workspace: workspace.folder,
      run,
    });
    // Of clips alone, stages per fold are not planned, whatever the systems ask for.
    const unused = options.selection?.clips === undefined ? unusedSettings(plan) : [];
    for (const message of [...experiment.dataset.remarks, ...unused]) emit({kind: 'note', message});
    const inspector = new Inspector({plan, workspace, closures: readClosures(), lock: readLock(), ...forced});
    const executor = new Executor({
      inspector,
      emit,
      jobs: options.jobs ?? os.availableParallelism(),
      device: options.device ?? 'auto',
      signal: options.signal,
      run,
    });
    const summary = await executor.run();
    workspace.lineage.endRun(run, {status: summary.status, counts: totals(summary.stages)});
    emit({
      kind: 'run-ended',
      status: summary.status,
      seconds: (performance.now() - clock) / 1000,
      stages: summary.stages,
    });
    return summary;
  } finally {
    workspace.close();
  }
}
