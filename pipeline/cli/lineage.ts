import {existsSync, statSync} from 'node:fs';
import path from 'node:path';
import type {Digest} from '../../cache/digest.js';
import type {LineageMatch, TaskRecord} from '../../cache/lineage.js';
import {UsageError} from '../errors.js';
import {differences, ingredientsOf} from '../fingerprint.js';
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
    const counts = ['produced', 'reused', 'failed', 'skipped'];
    print(
      ...aligned([
        ['run', 'started', 'experiment', 'status', ...counts, 'command'],
        ...list.map((run) => [
          String(run.id),
          run.startedAt,
          run.experiment,
          run.status,
          ...counts.map((key) => String(run.counts[key] ?? 0)),
          run.command,
        ]),
      ]),
    );
  });
}

/** `affectflow lineage show` */
export async function show(id: string, options: Options): Promise<number> {
  return withLineage(options, async (workspace) => {
    const found = await find(workspace, id);
    if (found.type === 'run') return showRun(workspace, Number(found.id));
    if (found.type === 'task') return showTask(workspace.lineage.find(found.id)!);
    return showBytes(workspace, found);
  });
}

/** `affectflow lineage upstream` */
export async function upstream(id: string, options: Options): Promise<number> {
  return withLineage(options, async (workspace) => {
    const edges = workspace.lineage.upstream(await walkable(workspace, id));
    if (edges.length === 0) return print(`Nothing is recorded upstream of ${id}.`);
    print(
      ...aligned([
        ['read as', 'by', 'steps', 'made by', 'digest', 'file'],
        ...edges.map((edge) => [
          edge.name,
          `${edge.stage} ${words(edge.subject)}`,
          String(edge.depth),
          edge.producerStage ?? '',
          edge.digest.slice(0, 12),
          edge.path ?? '',
        ]),
      ]),
    );
  });
}

/** `affectflow lineage downstream` */
export async function downstream(id: string, options: Options): Promise<number> {
  return withLineage(options, async (workspace) => {
    const edges = workspace.lineage.downstream(await walkable(workspace, id));
    if (edges.length === 0) return print(`Nothing is recorded downstream of ${id}.`);
    const tasks = new Map(edges.map((edge) => [edge.fingerprint, edge]));
    print(
      ...aligned([
        ['task', 'steps', 'fingerprint'],
        ...[...tasks.values()].map((edge) => [
          `${edge.stage} ${words(edge.subject)}`,
          String(edge.depth),
          edge.fingerprint.slice(0, 12),
        ]),
      ]),
    );
  });
}

/** `affectflow lineage why` */
export async function why(id: string, options: Options): Promise<number> {
  return withLineage(options, async (workspace) => {
    const record = await findTask(workspace, id);
    const {lineage} = workspace;
    showTask(record);
    print('');
    const earlier = lineage.nearest(record.stage, record.subject, record.fingerprint);
    if (earlier === undefined) print('No other task of this stage and subject is recorded.');
    else {
      const changed = differences(ingredientsOf(earlier), ingredientsOf(record));
      print(
        `Against task ${earlier.fingerprint.slice(0, 12)} of ${earlier.startedAt}, the nearest other of this stage and subject:`,
      );
      print(...(changed.length === 0 ? ['  nothing differs'] : changed.map((line) => `  ${line}`)));
    }
    for (const run of lineage.runsOf(record.fingerprint))
      print(`run ${run.runId} of ${run.startedAt}: ${run.status}${run.reason === '' ? '' : `, because ${run.reason}`}`);
  });
}

/** `affectflow lineage rebuild` */
export async function rebuild(options: Options): Promise<number> {
  const workspace = openWorkspace(workspaceFolder(options.workspace), 'write');
  try {
    const {tasks, bad} = workspace.lineage.rebuild(workspace.manifests);
    for (const error of bad) print(`left out  ${error.message}`);
    print(`${tasks} tasks recorded from their manifests.`);
    return 0;
  } finally {
    workspace.close();
  }
}

type Found = Pick<LineageMatch, 'type' | 'id' | 'label'>;

/** Resolves a run number, a unique prefix of a fingerprint or digest, or the path of a published file or folder. */
async function find(workspace: Workspace, id: string): Promise<Found> {
  const file = path.resolve(id);
  const stats = statSync(file, {throwIfNoEntry: false});
  // A folder of published images counts as one file; a bare word is rather a number or digest than a folder.
  if (stats?.isFile() === true || (stats?.isDirectory() === true && id.includes(path.sep)))
    return {type: 'file', id: await workspace.fileDigests.digest(file), label: file};
  return workspace.lineage.resolve(id);
}

async function findTask(workspace: Workspace, id: string): Promise<TaskRecord> {
  const found = await find(workspace, id);
  const fingerprint = found.type === 'shard' ? producerOf(workspace, found.id) : found.id;
  const record = found.type === 'run' || fingerprint === undefined ? undefined : workspace.lineage.find(fingerprint);
  if (record !== undefined) return record;
  throw new UsageError(
    'unknown-record',
    `'${id}' is neither a task nor a shard that a task made`,
    'Give a prefix of a fingerprint, as `affectflow lineage show <run>` lists them.',
  );
}

async function walkable(workspace: Workspace, id: string): Promise<string> {
  const found = await find(workspace, id);
  if (found.type === 'run')
    throw new UsageError('unknown-record', `'${id}' is a run`, 'Give a task, a shard or a file.');
  return found.id;
}

/** The task that made a shard; the first where several gave equal bytes. */
function producerOf(workspace: Workspace, digest: string): string | undefined {
  return workspace.lineage.producers(digest as Digest)[0];
}

function words(subject: Readonly<Record<string, string>>): string {
  return Object.entries(subject)
    .map(([key, value]) => (key === 'clip' || key === 'system' ? value : `${key} ${value}`))
    .join(' ');
}

function showRun({lineage}: Workspace, id: number): void {
  const run = lineage.run(id);
  print(
    `run ${run.id} of '${run.experiment}', ${run.status}, started ${run.startedAt}`,
    `affectflow ${run.command}   (version ${run.version})`,
    '',
  );
  print(
    ...aligned([
      ['task', 'status', 'fingerprint', 'time', 'because'],
      ...run.tasks.map((row) => [
        row.task,
        row.status,
        row.fingerprint?.slice(0, 12) ?? '',
        duration(row.seconds),
        row.error ?? row.reason,
      ]),
    ]),
  );
}

function showTask(record: TaskRecord): void {
  const lines = [
    ['task', `${record.stage} ${words(record.subject)}`],
    ['fingerprint', record.fingerprint],
    ['code', record.identity],
    ['params', JSON.stringify(record.params)],
    ...(record.seed === null ? [] : [['seed', String(record.seed)]]),
    ...record.inputs.map(({name, digest}) => ['input', `${name}  ${digest}`]),
    ...record.models.map(({id, digest}) => ['model', `${id}  ${digest}`]),
    ...record.outputs.map(({name, digest, rows, bytes}) => [
      'output',
      `${name}  ${digest}  ${rows} rows, ${size(bytes)}`,
    ]),
    ...record.warnings.map((message) => ['warning', message]),
    ...Object.entries(record.notes).map(([key, value]) => [key, String(value)]),
    [
      'made',
      `${record.startedAt} in ${duration(record.seconds)} on ${record.machine.host}, node ${record.machine.node}`,
    ],
  ];
  print(...lines.map(([key, value]) => `${key!.padEnd(12)}${value!}`));
}

function showBytes(workspace: Workspace, {type, id, label}: Found): void {
  print(`${type.padEnd(12)}${id}`);
  if (type === 'file')
    return print(
      `${'file'.padEnd(12)}${label ?? ''}`,
      `Use \`affectflow lineage downstream ${id.slice(0, 12)}\` to see what was made of it.`,
    );
  print(`${'stored at'.padEnd(12)}${workspace.store.path(id as Digest)}`);
  for (const fingerprint of workspace.lineage.producers(id as Digest)) {
    print('');
    showTask(workspace.lineage.find(fingerprint)!);
  }
}

async function withLineage(options: Options, look: (workspace: Workspace) => void | Promise<void>): Promise<number> {
  const folder = workspaceFolder(options.workspace);
  if (!existsSync(folder))
    throw new UsageError(
      'not-run-yet',
      `there is no workspace at ${folder}`,
      'Run an experiment first, or name its workspace with --workspace.',
    );
  const workspace = openWorkspace(folder, 'read');
  try {
    await look(workspace);
    return 0;
  } finally {
    workspace.close();
  }
}
