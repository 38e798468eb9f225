/**
 * `npm run bench`: what the engine around the stages costs, and what the stages cost.
 * Ratios and floors within one run; nothing here is a test.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {build} from 'esbuild';
import type {Digest} from '../../cache/digest.js';
import {digestOfText} from '../../cache/digest.js';
import {ShardStore} from '../../cache/shard-store.js';
import type {Emit} from '../../pipeline/events.js';
import {Executor} from '../../pipeline/executor.js';
import {loadExperiment, type Experiment} from '../../pipeline/experiment.js';
import {Graph} from '../../pipeline/graph.js';
import {readClosures, readLock} from '../../pipeline/identity.js';
import {Inspector, type Outcome} from '../../pipeline/inspector.js';
import {makePlan, taskId, type Plan, type Task} from '../../pipeline/plan.js';
import {openWorkspace, type Workspace} from '../../pipeline/workspace.js';
import {idleStages} from './idle-stage.js';

declare const BENCH_FOLDER: string;
const root = path.resolve(BENCH_FOLDER, '../..');
const launcher = path.join(root, 'pipeline/cli/affectflow.js');
const say = (...lines: string[]) => process.stdout.write(`${lines.join('\n')}\n`);
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Fewer than a worker does before it is replaced, so that one worker does them all. */
const idleTasks = 190;
/** Left out: they start the worker, load its code, and make the folders of the store. */
const warmUpTasks = 40;

const folder = mkdtempSync(path.join(os.tmpdir(), 'affectflow-bench-'));
try {
  await noOp();
  await overhead();
  if (!process.argv.includes('--no-demo')) {
    await stageTimes();
    extraction('--only', 'shares');
    extraction('--only', 'memory', '--minutes', '1');
  }
} finally {
  if (process.argv.includes('--keep')) say(`kept ${folder}`);
  else rmSync(folder, {recursive: true, force: true});
}

/** A run that has nothing to do, for 10,000 tasks whose results are recorded. */
async function noOp(): Promise<void> {
  const clipCount = 1246;
  const place = path.join(folder, 'no-op');
  for (const name of ['videos', 'annotations', 'transcripts']) mkdirSync(path.join(place, name), {recursive: true});
  for (let index = 0; index < clipCount; index++) {
    for (const [name, extension] of [
      ['videos', 'mp4'],
      ['annotations', 'txt'],
      ['transcripts', 'vtt'],
    ]) {
      writeFileSync(
        path.join(place, name!, `clip-${String(index).padStart(5, '0')}.${extension!}`),
        `${name!} ${index}`,
      );
    }
  }
  const file = path.join(place, 'experiment.yaml');
  writeFileSync(
    file,
    'name: no-op\ndataset: {videos: videos, annotations: annotations, transcripts: transcripts}\nfolds: {kind: subjects, count: 5}\nsystems: [rcma]\n',
  );
  // The memo of a file's digest is trusted once the file is older than two seconds.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const workspace = openWorkspace(path.join(place, '.affectflow'), 'write');
  const count = await pretend(file, workspace);
  workspace.close();
  const run = () =>
    seconds(() =>
      execFileSync(process.execPath, [launcher, 'run', file, '--workspace', path.join(place, '.affectflow')], {
        encoding: 'utf8',
      }),
    );
  run();
  const wall = median([run(), run(), run(), run(), run()]);
  const node = median([1, 2, 3, 4, 5].map(() => seconds(() => execFileSync(process.execPath, ['-e', '']))));
  const floor = node + (count * 0.011) / 1000;
  say(
    `no-op run of ${count} tasks: ${(wall * 1000).toFixed(0)} ms wall with Node's start (${(node * 1000).toFixed(0)} ms)`,
  );
  say(
    `  floor ${(floor * 1000).toFixed(0)} ms (Node's start, and 0.011 ms per task for stat, look-up and key): ${(wall / floor).toFixed(1)} × the floor; target 500 ms`,
  );
}

/** Records every task of a plan as done, with one small shard for all outputs. */
async function pretend(file: string, workspace: Workspace): Promise<number> {
  const plan = makePlan(loadExperiment(file));
  const inspector = new Inspector({plan, workspace, closures: readClosures(), lock: readLock()});
  const store = ShardStore.open(workspace.store.root);
  const outcomes = new Map<string, Outcome>();
  const shards: {digest: Digest; bytes: number; rows: number}[] = [];
  for (const task of plan.tasks) {
    await inspector.hashFiles(task);
    const verdict = inspector.inspect(task, (id) => outcomes.get(id)!);
    if (verdict.is !== 'run') throw new Error(`${task.id}: expected to run`);
    // A shard per output, so that the store is as full as a real one.
    const outputs = [];
    for (const [name, schema] of Object.entries(inspector.stageOf(task).outputs)) {
      const digest = digestOfText(`${task.id} ${name}`);
      mkdirSync(path.dirname(store.path(digest)), {recursive: true});
      writeFileSync(store.path(digest), 'pretended');
      outputs.push({name, kind: schema.kind, digest, rows: 1, bytes: 9});
    }
    shards.push(...outputs);
    workspace.lineage.record({
      format: 1,
      fingerprint: verdict.ready.fingerprint,
      ...verdict.ready.ingredients,
      params: verdict.ready.ingredients.params as never,
      subject: {...task.subject},
      outputs,
      warnings: [],
      notes: {},
      startedAt: new Date().toISOString(),
      seconds: 1,
      machine: {host: 'bench', platform: 'bench', node: process.version, versions: {}},
    });
    outcomes.set(task.id, {
      is: 'done',
      outputs,
      excluded: new Set(),
    });
  }
  return plan.tasks.length;
}

/**
 * What the engine costs per task that is executed: a stage that does nothing, through the real executor, pool, worker,
 * store, manifests and lineage. One worker, so that nothing overlaps.
 */
async function overhead(): Promise<void> {
  const place = path.join(folder, 'overhead');
  mkdirSync(place, {recursive: true});
  const plan = idlePlan(place);
  const workspace = openWorkspace(path.join(place, '.affectflow'), 'write');
  const marks: Mark[] = [];
  const emit: Emit = (event) => {
    if (event.kind !== 'produced') return;
    const {user, system} = process.cpuUsage();
    marks.push({...(event.notes as unknown as WorkerNotes), wallSeconds: clock(), mainSeconds: (user + system) / 1e6});
  };
  const run = workspace.lineage.beginRun({experiment: 'overhead', config: {}, command: 'bench', version: '0'});
  const inspector = new Inspector({plan, workspace, closures: {idle: 'a'}, lock: {idle: {version: 1, closure: 'a'}}});
  const {signal} = new AbortController();
  const executor = new Executor({
    inspector,
    emit,
    jobs: 1,
    device: 'cpu',
    signal,
    run,
    workerEntry: await idleWorker(),
  });
  const {status} = await executor.run();
  workspace.close();
  if (status !== 'ok') throw new Error(`the run of idle tasks: ${status}`);
  tellOverhead(marks.slice(warmUpTasks), marks.length - warmUpTasks);
}

/** What a process has used up to a task, as the idle stage notes it. */
interface WorkerNotes {
  readonly cpuSeconds: number;
  readonly syncSeconds: number;
  readonly syncCount: number;
}
interface Mark extends WorkerNotes {
  readonly wallSeconds: number;
  readonly mainSeconds: number;
}

function tellOverhead(marks: readonly Mark[], count: number): void {
  const perTask = (of: (mark: Mark) => number) => ((of(marks.at(-1)!) - of(marks[0]!)) / (count - 1)) * 1000;
  const [wall, sync] = [perTask((mark) => mark.wallSeconds), perTask((mark) => mark.syncSeconds)];
  const [main, worker] = [perTask((mark) => mark.mainSeconds), perTask((mark) => mark.cpuSeconds)];
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  say(
    '',
    `overhead per executed task: ${ms(wall - sync)} of wall time beside fsync; target 1 ms (${count} tasks that do nothing, one worker)`,
    `  processor: ${ms(main)} in the main process, ${ms(worker)} in the worker`,
    `  fsync: ${ms(sync)} in ${(perTask((mark) => mark.syncCount) / 1000).toFixed(1)} calls (shard, its folder, manifest, its folder), so that a power cut loses nothing`,
  );
}

function idlePlan(place: string): Plan {
  const tasks = Array.from({length: idleTasks}, (_, index): Task => {
    const clip = `clip-${index}`;
    const video = path.join(place, `${clip}.mp4`);
    writeFileSync(video, clip);
    const inputs = {video: {from: 'file', path: video}} as const;
    return {id: taskId('idle', {clip}), stage: 'idle', subject: {clip}, params: {value: index}, inputs};
  });
  const experiment = {name: 'overhead', file: path.join(place, 'overhead.yaml'), graph: new Graph(idleStages)};
  return {experiment: {...experiment, config: {onFailedClip: 'stop'}} as unknown as Experiment, tasks};
}

/** Bundled beside node_modules, so that packages resolve. */
async function idleWorker(): Promise<string> {
  const outfile = path.join(root, 'node_modules/.cache/affectflow-bench/idle-worker.mjs');
  await build({
    entryPoints: [path.join(BENCH_FOLDER, 'idle-worker.ts')],
    outdir: path.dirname(outfile),
    outExtension: {'.js': '.mjs'},
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
  });
  return outfile;
}

/** The demo from nothing: time per stage, and what is left beside the stages. */
async function stageTimes(): Promise<void> {
  const place = path.join(folder, 'demo');
  const {status, stdout, stderr} = spawnSync(
    process.execPath,
    [launcher, 'demo', '--folder', place, '--workspace', path.join(place, '.affectflow'), '--json'],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  );
  if (status !== 0) throw new Error(`the demo failed: ${stderr}`);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, never>);
  const ended = events.find((event) => event['kind'] === 'run-ended') as unknown as {
    seconds: number;
    stages: {stage: string; produced: number; seconds: number}[];
  };
  const total = ended.stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const produced = ended.stages.reduce((sum, stage) => sum + stage.produced, 0);
  say('', `demo: ${produced} tasks in ${ended.seconds.toFixed(1)} s wall, ${total.toFixed(1)} s inside tasks`);
  for (const stage of ended.stages) {
    say(
      `  ${stage.stage.padEnd(20)} ${stage.seconds.toFixed(1).padStart(7)} s  ${((100 * stage.seconds) / total).toFixed(1).padStart(5)} %  ${(stage.seconds / Math.max(1, stage.produced)).toFixed(2)} s per task`,
    );
  }
  const jobs = os.availableParallelism();
  const outside = (1000 * (ended.seconds * jobs - total)) / produced;
  say(
    `  outside tasks (starting workers, scheduling, recording, and cores without work): ${outside.toFixed(0)} ms per task`,
  );
}

/** The share of time outside decoding and networks, and peak memory, as `npm run bench:extract` measures them. */
function extraction(...args: string[]): void {
  say('');
  const script = path.join(BENCH_FOLDER, 'run.js');
  const {status} = spawnSync(process.execPath, [script, 'extract', ...args], {stdio: 'inherit'});
  if (status !== 0) throw new Error(`bench:extract ${args.join(' ')} failed`);
}

function clock(): number {
  return performance.now() / 1000;
}

function seconds(work: () => unknown): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
