import {existsSync} from 'node:fs';
import path from 'node:path';
import type {Digest} from '../../cache/digest.js';
import type {TaskRecord} from '../../cache/lineage.js';
import {UsageError} from '../errors.js';
import {differences, type Ingredients} from '../fingerprint.js';
import {aligned, duration, size} from '../logging/words.js';
import {openWorkspace, workspaceFolder, type Workspace} from '../workspace.js';
import {print} from './screen.js';

interface Options {
  readonly workspace?: string;
}

/** `affectflow lineage runs` */
export async function runs(options: Options & {limit: string}): Promise<number> {
  return withLineage(options, ({lineage}) => {
    const list = lineage.runs(Number(options.limit));
    if (list.length === 0) return print('No run yet.');
    print(
      ...aligned([
        ['run', 'started', 'experiment', 'status', 'produced', 'reused', 'failed', 'command'],
        ...list.map((run) => {
          const total = (key: 'produced' | 'reused' | 'failed') => String(run.counts.reduce((sum, count) => sum + count[key], 0));
          return [String(run.id), run.startedAt, run.experiment, run.status, total('produced'), total('reused'), total('failed'), run.command];
        }),
      ]),
    );
  });
}

/** `affectflow lineage show` */
export async function show(id: string, options: Options): Promise<number> {
  return withLineage(options, async (workspace) => {
    const found = await find(workspace, id);
    if (found.is === 'run') return showRun(workspace, found.id);
    if (found.is === 'task') return showTask(found.record);
    return showBytes(workspace, found.digest);
  });
}

/** `affectflow lineage upstream` */
export async function upstream(id: string, options: Options): Promise<number> {
  return walk(id, options, 'upstream');
}

/** `affectflow lineage downstream` */
export async function downstream(id: string, options: Options): Promise<number> {
  return walk(id, options, 'downstream');
}

/** `affectflow lineage why` */
export async function why(id: string, options: Options): Promise<number> {
  return withLineage(options, async (workspace) => {
    const record = await findTask(workspace, id);
    const earlier = workspace.lineage.nearest(record.stage, record.subject, record.fingerprint);
    const changed = earlier === undefined ? [] : differences(earlier as unknown as Ingredients, record as unknown as Ingredients);
    showTask(record);
    print('');
    if (earlier === undefined) print('It ran because it was new: no earlier task of this stage and subject is recorded.');
    else print(`Against the nearest other task ${earlier.fingerprint.slice(0, 12)} of ${earlier.startedAt}:`, ...(changed.length === 0 ? ['  nothing differs'] : changed.map((line) => `  ${line}`)));
    for (const row of workspace.lineage.history(record.fingerprint)) print(`run ${row.run}: ${row.status}${row.reason === '' ? '' : ` because ${row.reason}`}`);
  });
}

/** `affectflow lineage rebuild` */
export async function rebuild(options: Options): Promise<number> {
  const workspace = openWorkspace(workspaceFolder(options.workspace), 'write');
  try {
    const count = workspace.lineage.rebuild(workspace.manifests);
    print(`${count} tasks recorded from their manifests.`);
    return 0;
  } finally {
    workspace.close();
  }
}

type Found = {is: 'run'; id: number} | {is: 'task'; record: TaskRecord} | {is: 'bytes'; digest: Digest};

/** Resolves a run number, a unique prefix of a fingerprint or digest, or the path of a published file. */
async function find(workspace: Workspace, id: string): Promise<Found> {
  if (existsSync(path.resolve(id))) return {is: 'bytes', digest: await workspace.fileDigests.digest(path.resolve(id))};
  const match = workspace.lineage.resolve(id);
  if (match.kind === 'run') return {is: 'run', id: match.id};
  if (match.kind === 'task') return {is: 'task', record: workspace.lineage.find(match.id)!};
  return {is: 'bytes', digest: match.id};
}

async function findTask(workspace: Workspace, id: string): Promise<TaskRecord> {
  const found = await find(workspace, id);
  if (found.is === 'task') return found.record;
  const producer = found.is === 'bytes' ? workspace.lineage.producer(found.digest) : undefined;
  if (producer !== undefined) return producer;
  throw new UsageError('unknown-record', `'${id}' is not a task, nor a shard that a task made`, 'Give a prefix of a fingerprint, as `affectflow lineage show <run>` lists them.');
}

async function walk(id: string, options: Options, direction: 'upstream' | 'downstream'): Promise<number> {
  return withLineage(options, async (workspace) => {
    const found = await find(workspace, id);
    if (found.is === 'run') throw new UsageError('unknown-record', `'${id}' is a run`, 'Give a task, a shard or a file.');
    const rows = workspace.lineage[direction](found.is === 'task' ? found.record.fingerprint : found.digest);
    if (rows.length === 0) return print(`Nothing is recorded ${direction} of ${id}.`);
    print(...aligned([['what', 'stage', 'of', 'task', 'distance'], ...rows.map((row) => [row.what, row.stage, row.subject, row.id.slice(0, 12), String(row.distance)])]));
  });
}

function showRun({lineage}: Workspace, id: number): void {
  const run = lineage.run(id)!;
  print(`run ${run.id} of '${run.experiment}', ${run.status}, started ${run.startedAt}`, `affectflow ${run.command}   (version ${run.version})`, '');
  print(
    ...aligned([
      ['task', 'status', 'fingerprint', 'time', 'because'],
      ...lineage.tasksOf(id).map((row) => [row.task, row.status, row.fingerprint?.slice(0, 12) ?? '', duration(row.seconds), row.error ?? row.reason]),
    ]),
  );
}

function showTask(record: TaskRecord): void {
  print(
    `task        ${record.stage} ${Object.values(record.subject).join(' ')}`,
    `fingerprint ${record.fingerprint}`,
    `code        ${record.identity}`,
    `params      ${JSON.stringify(record.params)}`,
    ...(record.seed === null ? [] : [`seed        ${record.seed}`]),
    ...record.inputs.map(({name, digest}) => `input       ${name}  ${digest}`),
    ...record.models.map(({id, digest}) => `model       ${id}  ${digest}`),
    ...record.outputs.map(({name, digest, rows, bytes}) => `output      ${name}  ${digest}  ${rows} rows, ${size(bytes)}`),
    ...record.warnings.map((message) => `warning     ${message}`),
    ...Object.entries(record.notes).map(([key, value]) => `${key.padEnd(11)} ${value}`),
    `made        ${record.startedAt} in ${duration(record.seconds)} on ${record.machine.host} (node ${record.machine.node})`,
  );
}

function showBytes(workspace: Workspace, digest: Digest): void {
  const producer = workspace.lineage.producer(digest);
  const paths = workspace.lineage.pathsOf(digest);
  print(`digest      ${digest}`, ...paths.map((file) => `file        ${file}`));
  if (producer !== undefined) print(`shard       ${workspace.store.path(digest)}`, '');
  if (producer !== undefined) showTask(producer);
}

async function withLineage(options: Options, look: (workspace: Workspace) => void | Promise<void>): Promise<number> {
  const folder = workspaceFolder(options.workspace);
  if (!existsSync(folder)) throw new UsageError('not-run-yet', `there is no workspace at ${folder}`, 'Run an experiment first, or name its workspace with --workspace.');
  const workspace = openWorkspace(folder, 'read');
  try {
    await look(workspace);
    return 0;
  } finally {
    workspace.close();
  }
}
