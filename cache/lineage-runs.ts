/** Runs in the lineage: what was asked for, when, and what became of each task. */
import type {Database} from 'better-sqlite3';
import {CacheError} from './errors.js';

export type TaskStatus = 'reused' | 'produced' | 'failed' | 'skipped';

export interface NewRun {
  readonly experiment: string;
  /** The experiment after defaults and overrides; kept as JSON. */
  readonly config: unknown;
  readonly command: string;
  /** Version of Affectflow. */
  readonly version: string;
}

export interface RunEnd {
  /** In a word, such as 'succeeded', 'failed' or 'interrupted'. */
  readonly status: string;
  /** Tasks by outcome. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A run as it is remembered. */
export interface RunRecord extends NewRun {
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** 'unfinished' while it runs, and for ever if it was killed. */
  readonly status: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** What became of a task in a run. */
export interface RunTask {
  /** Label of the task, for people. */
  readonly task: string;
  readonly stage: string;
  /** Null where the task could not be known because an input was missing. */
  readonly fingerprint: string | null;
  readonly status: TaskStatus;
  /** Why it was done, reused or skipped. */
  readonly reason: string;
  readonly seconds: number;
  /** What went wrong, where it failed. */
  readonly error?: string;
}

/** A task's part in a run. */
export interface TaskRun extends Pick<RunTask, 'status' | 'reason'> {
  readonly runId: number;
  readonly experiment: string;
  readonly startedAt: string;
}

interface RunRow {
  id: number;
  experiment: string;
  config: string;
  command: string;
  version: string;
  started_at: string;
  ended_at: string | null;
  status: string | null;
  counts: string | null;
}

export function beginRun(database: Database, {experiment, config, command, version}: NewRun): number {
  const insert = database.prepare(
    `INSERT INTO run (experiment, config, command, version, started_at) VALUES (?, ?, ?, ?, ?)`,
  );
  const {lastInsertRowid} = insert.run(experiment, JSON.stringify(config), command, version, new Date().toISOString());
  return Number(lastInsertRowid);
}

export function endRun(database: Database, id: number, {status, counts}: RunEnd): void {
  const update = database.prepare('UPDATE run SET ended_at = ?, status = ?, counts = ? WHERE id = ?');
  if (update.run(new Date().toISOString(), status, JSON.stringify(counts), id).changes === 0) throw unknownRun(id);
}

export function recordRunTasks(database: Database, id: number, rows: readonly RunTask[]): void {
  const first = database.prepare<[number], number>('SELECT count(*) FROM run_task WHERE run_id = ?').pluck().get(id)!;
  const insert = database.prepare(
    `INSERT INTO run_task (run_id, position, task, stage, fingerprint, status, reason, seconds, error)
     VALUES (@id, @position, @task, @stage, @fingerprint, @status, @reason, @seconds, @error)`,
  );
  rows.forEach((row, index) => insert.run({error: null, ...row, id, position: first + index}));
}

export function listRuns(database: Database, limit: number): RunRecord[] {
  return database
    .prepare<[number], RunRow>('SELECT * FROM run ORDER BY id DESC LIMIT ?')
    .all(limit)
    .map((row) => runRecord(row));
}

export function oneRun(database: Database, id: number): RunRecord & {readonly tasks: readonly RunTask[]} {
  const row = database.prepare<[number], RunRow>('SELECT * FROM run WHERE id = ?').get(id);
  if (row === undefined) throw unknownRun(id);
  const tasks = database
    .prepare<[number], Omit<RunTask, 'error'> & {error: string | null}>(
      `SELECT task, stage, fingerprint, status, reason, seconds, error FROM run_task WHERE run_id = ? ORDER BY position`,
    )
    .all(id)
    .map(({error, ...task}) => (error === null ? task : {...task, error}));
  return {...runRecord(row), tasks};
}

export function runsOf(database: Database, fingerprint: string): TaskRun[] {
  return database
    .prepare<[string], TaskRun>(
      `SELECT run_id AS runId, experiment, run.started_at AS startedAt, run_task.status, reason
       FROM run_task JOIN run ON run.id = run_id WHERE fingerprint = ? ORDER BY run_id DESC`,
    )
    .all(fingerprint);
}

function runRecord(row: RunRow): RunRecord {
  const {id, experiment, command, version} = row;
  return {
    id,
    experiment,
    command,
    version,
    config: JSON.parse(row.config) as unknown,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    status: row.status ?? 'unfinished',
    counts: JSON.parse(row.counts ?? '{}') as Record<string, number>,
  };
}

function unknownRun(id: number): CacheError {
  return new CacheError('unknown-record', `there is no run ${id}`, '`affectflow lineage runs` lists the runs.');
}
