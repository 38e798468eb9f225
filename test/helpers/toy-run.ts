/** Runs plans of toy stages on a real workspace with real worker processes. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {totals, type Event} from '../../pipeline/events.js';
import {Executor, type Summary} from '../../pipeline/executor.js';
import type {Experiment} from '../../pipeline/experiment.js';
import {Graph} from '../../pipeline/graph.js';
import {Inspector} from '../../pipeline/inspector.js';
import {taskId, type Plan, type Task} from '../../pipeline/plan.js';
import {openWorkspace, type Workspace} from '../../pipeline/workspace.js';
import {toyStages} from './toy-stages.js';
import {bundled} from './bundled.js';
import {temporaryFolder} from './temporary-folder.js';

export interface ToyOptions {
  readonly plus?: number;
  readonly factor?: number;
  readonly seed?: number;
  readonly onFailedClip?: 'stop' | 'exclude';
  readonly forced?: readonly string[];
  readonly closures?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: Event) => void;
}

export interface ToyResult {
  readonly summary: Summary;
  readonly events: readonly Event[];
  /** Tasks that were executed, in the order they finished. */
  readonly produced: readonly string[];
  readonly reused: readonly string[];
}

const CLOSURES = {count: 'a', double: 'b', sum: 'c'};
const LOCK = {count: {version: 1, closure: 'a'}, double: {version: 1, closure: 'b'}, sum: {version: 1, closure: 'c'}};

/** A temporary folder with clips (name → text of the 'video') and a workspace. */
export class ToyProject {
  readonly folder = temporaryFolder();
  readonly workspaceFolder = path.join(this.folder, '.affectflow');
  static #entry: Promise<string> | undefined;

  constructor(readonly clips: Record<string, string>) {
    for (const [name, text] of Object.entries(clips)) this.write(name, text);
  }

  write(clip: string, text: string): void {
    writeFileSync(path.join(this.folder, `${clip}.mp4`), text);
  }

  workspace(access: 'read' | 'write' = 'read'): Workspace {
    return openWorkspace(this.workspaceFolder, access);
  }

  plan(options: ToyOptions = {}): Plan {
    const graph = new Graph(toyStages);
    const names = Object.keys(this.clips);
    const seed = options.seed ?? 0;
    const params = {count: {plus: options.plus ?? 0}, double: {factor: options.factor ?? 2}, sum: {}};
    const clipTasks = names.flatMap((clip): Task[] => [
      {
        id: taskId('count', {clip}),
        stage: 'count',
        subject: {clip},
        params: params.count,
        inputs: {video: {from: 'file', path: path.join(this.folder, `${clip}.mp4`)}},
      },
      {
        id: taskId('double', {clip}),
        stage: 'double',
        subject: {clip},
        params: params.double,
        inputs: {letters: {from: 'task', task: taskId('count', {clip}), output: 'letters'}},
      },
    ]);
    const ids = names.map((clip) => taskId('double', {clip}));
    const fold: Task = {
      id: taskId('sum', {fold: '0'}),
      stage: 'sum',
      subject: {fold: '0'},
      params: params.sum,
      seed,
      inputs: {doubled: {from: 'fold', output: 'doubled', train: ids.slice(1), validation: ids.slice(0, 1)}},
    };
    const experiment = {
      name: 'toy',
      file: path.join(this.folder, 'toy.yaml'),
      graph,
      config: {onFailedClip: options.onFailedClip ?? 'stop'},
    } as unknown as Experiment;
    return {experiment, tasks: [...clipTasks, fold]};
  }

  async run(options: ToyOptions = {}): Promise<ToyResult> {
    const workspace = this.workspace('write');
    const events: Event[] = [];
    try {
      const run = workspace.lineage.beginRun({experiment: 'toy', config: {}, command: 'test', version: '0'});
      const forced =
        options.forced === undefined ? {} : {forced: {stages: new Set(options.forced), because: 'asked for'}};
      const executor = new Executor({
        inspector: new Inspector({
          plan: this.plan(options),
          workspace,
          closures: {...CLOSURES, ...options.closures},
          lock: LOCK,
          ...forced,
        }),
        emit: (event) => {
          events.push(event);
          options.onEvent?.(event);
        },
        jobs: 2,
        device: 'cpu',
        signal: options.signal ?? new AbortController().signal,
        run,
        workerEntry: await (ToyProject.#entry ??= bundled("import './toy-worker.js'", import.meta.dirname)),
      });
      const summary = await executor.run();
      workspace.lineage.endRun(run, {status: summary.status, counts: totals(summary.stages)});
      const tasksOf = (kind: 'produced' | 'reused') =>
        events.flatMap((event) => (event.kind === kind ? [event.task] : []));
      return {summary, events, produced: tasksOf('produced').sort(), reused: tasksOf('reused').sort()};
    } finally {
      workspace.close();
    }
  }
}
