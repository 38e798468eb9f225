/**
 * The lineage database: which tasks were done, from what, and what became of it; which runs asked for them; and a memo
 * of the digests of published files. SQLite in WAL mode; one process opens it for writing (D9). Tasks can be rebuilt
 * from manifests at any time. `migrations.ts` documents tables and views.
 */
import path from 'node:path';
import type {Database, Statement} from 'better-sqlite3';
import {openDatabase} from './database.js';
import {canonicalJson} from './canonical-json.js';
import type {Digest} from './digest.js';
import {CacheError} from './errors.js';
import type {LineageEdge, LineageMatch} from './lineage-graph.js';
import {downstream, resolve, upstream} from './lineage-graph.js';
import type {NewRun, RunEnd, RunRecord, RunTask, TaskRun} from './lineage-runs.js';
import {beginRun, endRun, listRuns, oneRun, recordRunTasks, runsOf} from './lineage-runs.js';
import type {TaskManifest} from './manifest.js';
import {manifests} from './manifest.js';
import {migrate} from './migrations.js';
import {codeOf, makeFolder, workspaceError} from './publish.js';

export type {LineageEdge, LineageMatch} from './lineage-graph.js';
export type {NewRun, RunEnd, RunRecord, RunTask, TaskRun, TaskStatus} from './lineage-runs.js';

/** What the lineage knows about a task: its manifest. */
export type TaskRecord = TaskManifest;

interface FileMemo {
  readonly path: string;
  readonly stamp: string;
  readonly digest: Digest;
}

/** What became of a task, for those who reuse it. */
export type TaskResult = Pick<TaskManifest, 'fingerprint' | 'outputs' | 'warnings' | 'notes'>;

/** What a rebuilding found. */
export interface Rebuilt {
  readonly tasks: number;
  /** Files among the manifests that are none. */
  readonly bad: readonly CacheError[];
}

/** A result of a query: names of the columns, and rows in that order. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Another process may be writing, for example one that copies the database: wait this long before giving up. */
const busyMilliseconds = 5_000;

/** An open lineage database. All methods are synchronous; writing ones are one transaction each. */
export class Lineage implements Disposable {
  readonly #statements: ReturnType<typeof prepare>;
  /** Read at once when first asked for: a run asks for the files of all its clips. */
  #memos: Map<string, FileMemo> | undefined;

  private constructor(private readonly database: Database) {
    this.#statements = prepare(database);
  }

  /**
   * Opens the database in a file, creating it or bringing it to this version.
   *
   * @throws CacheError 'newer-lineage', 'bad-lineage' if the file is damaged or something else, 'unwritable-workspace',
   *   'disk-full'.
   */
  static open(file: string): Lineage {
    return guarded(file, () => {
      makeFolder(path.dirname(path.resolve(file)));
      const database = openDatabase(file, {timeout: busyMilliseconds});
      try {
        database.pragma('journal_mode = WAL');
        // In WAL mode this survives a killed process whole, and a power cut but for the last commits, which manifests keep.
        database.pragma('synchronous = NORMAL');
        database.pragma('foreign_keys = ON');
        migrate(database);
        return new Lineage(database);
      } catch (error) {
        database.close();
        throw error;
      }
    });
  }

  /** Returns the task of a fingerprint, if it was done. Costs a few microseconds. */
  find(fingerprint: string): TaskRecord | undefined {
    const manifest = this.#statements.find.get(fingerprint);
    return manifest === undefined ? undefined : (JSON.parse(manifest) as TaskRecord);
  }

  /**
   * Returns, of those tasks that were done, what those who reuse their results need. Records of folds list thousands of
   * inputs, so this is much cheaper than `find`; and one question about thousands of tasks costs a sixth of as many.
   */
  resultsOf(fingerprints: readonly Digest[]): Map<Digest, TaskResult> {
    if (fingerprints.length === 0) return new Map();
    const results = JSON.parse(this.#statements.resultsOf.get(JSON.stringify(fingerprints)) ?? '[]') as TaskResult[];
    return new Map(results.map((result) => [result.fingerprint, result]));
  }

  /** Returns, of those fingerprints whose task failed in some run, what went wrong the last time. */
  failures(fingerprints: readonly Digest[]): ReadonlyMap<Digest, string> {
    if (fingerprints.length === 0) return new Map();
    const rows = this.#statements.failures.all(JSON.stringify(fingerprints));
    return new Map(rows.map(({fingerprint, error}) => [fingerprint, error]));
  }

  /** Records a task. If its fingerprint is known, the first record stays; `forget` it where its shards are lost. */
  record(manifest: TaskManifest): void {
    this.recordMany([manifest]);
  }

  /** Records tasks in one transaction. */
  recordMany(tasks: Iterable<TaskManifest>): void {
    this.#write(() => {
      for (const task of tasks) insertTask(this.#statements, task);
    });
  }

  /** Forgets a task, so that it is done again; its shards and its part in past runs stay. */
  forget(fingerprint: string): void {
    this.#write(() => this.#statements.forget.run(fingerprint));
  }

  /**
   * Returns the latest task of a stage and subject, other than the given one: what a task that has to be done is
   * compared with to say why.
   */
  nearest(stage: string, subject: TaskManifest['subject'], except = ''): TaskRecord | undefined {
    const manifest = this.#statements.nearest.get(stage, canonicalJson(subject), except);
    return manifest === undefined ? undefined : (JSON.parse(manifest) as TaskRecord);
  }

  /** Replaces all tasks by those of a folder of manifests; runs and files stay. */
  rebuild(manifestFolder: string): Rebuilt {
    const bad: CacheError[] = [];
    let tasks = 0;
    this.#write(() => {
      this.#statements.forgetAll.run();
      for (const manifest of manifests(manifestFolder, (error) => bad.push(error))) {
        insertTask(this.#statements, manifest);
        tasks++;
      }
    });
    return {tasks, bad};
  }

  /** Starts a run and returns its number. */
  beginRun(run: NewRun): number {
    return this.#write(() => beginRun(this.database, run));
  }

  /** Records what became of tasks in a run, in one transaction. */
  recordTasks(runId: number, rows: readonly RunTask[]): void {
    this.#write(() => recordRunTasks(this.database, runId, rows));
  }

  /** Records what became of one task in a run; prefer `recordTasks` for many. */
  recordTask(runId: number, row: RunTask): void {
    this.recordTasks(runId, [row]);
  }

  /** Ends a run; a run that was killed never gets here and stays 'unfinished'. */
  endRun(runId: number, end: RunEnd): void {
    this.#write(() => endRun(this.database, runId, end));
  }

  /** Lists runs, the latest first. */
  runs(limit = 20): RunRecord[] {
    return listRuns(this.database, limit);
  }

  /**
   * Returns a run and what became of its tasks.
   *
   * @throws CacheError 'unknown-record' if there is no such run.
   */
  run(id: number): RunRecord & {readonly tasks: readonly RunTask[]} {
    return oneRun(this.database, id);
  }

  /** Lists the runs in which a fingerprint was asked for, the latest first. */
  runsOf(fingerprint: string): TaskRun[] {
    return runsOf(this.database, fingerprint);
  }

  /** Lists everything that went into a task, or into a shard, down to the published files; the nearest first. */
  upstream(digestOrFingerprint: string): LineageEdge[] {
    return upstream(this.database, digestOrFingerprint);
  }

  /** Lists everything that was made of a task's outputs, or of a shard or file; the nearest first. */
  downstream(digestOrFingerprint: string): LineageEdge[] {
    return downstream(this.database, digestOrFingerprint);
  }

  /**
   * Finds the one task, shard, file or run that a prefix means: four or more digits of a fingerprint or digest, or the
   * number of a run.
   *
   * @throws CacheError 'unknown-record' if nothing begins so, or several do; those are listed.
   */
  resolve(prefix: string): LineageMatch {
    return resolve(this.database, prefix);
  }

  /** Returns the tasks that wrote a shard: usually one, several where different tasks gave equal bytes. */
  producers(digest: Digest): Digest[] {
    return this.#statements.producers.all(digest);
  }

  /**
   * Records where a published file was when it had a digest, so that upstream ends in names.
   *
   * @param stamp State of the file, where a file in that state may be taken to have this digest; see `file-digests.ts`.
   */
  recordFile(digest: Digest, file: string, stamp?: string): void {
    this.#write(() => {
      this.#statements.recordFile.run({digest, path: file, seenAt: new Date().toISOString()});
      if (stamp === undefined) return;
      this.#statements.recordMemo.run(file, stamp, digest);
      this.#memos?.set(file, {path: file, stamp, digest});
    });
  }

  /** Returns the digest that a file in a state is known to have. */
  memo(file: string, stamp: string): Digest | undefined {
    this.#memos ??= new Map(this.#statements.memos.all().map((row) => [row.path, row]));
    const known = this.#memos.get(file);
    return known?.stamp === stamp ? known.digest : undefined;
  }

  /**
   * Answers a query in SQL that changes nothing.
   *
   * @throws TypeError if the statement would write; SqliteError if it is not SQL.
   */
  query(sql: string): QueryResult {
    const statement = this.database.prepare(sql);
    if (!statement.reader || !statement.readonly)
      throw new TypeError('Expected a query that only reads, such as SELECT');
    const columns = statement.columns().map(({name}) => name);
    return {columns, rows: statement.raw().all() as unknown[][]};
  }

  close(): void {
    this.database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write<T>(action: () => T): T {
    return guarded(this.database.name, () => this.database.transaction(action).immediate());
  }
}

function insertTask(statements: ReturnType<typeof prepare>, task: TaskManifest): void {
  const {fingerprint, stage, startedAt, seconds} = task;
  const clip = task.subject['clip'] ?? null;
  const {outputs, warnings, notes} = task;
  const result = JSON.stringify({outputs, warnings, notes});
  const row = {subject: canonicalJson(task.subject), manifest: JSON.stringify(task), result};
  if (statements.task.run({fingerprint, stage, clip, startedAt, seconds, ...row}).changes === 0) return;
  const inputs = [
    ...task.inputs.map((input) => ({role: 'input', clip, ...input})),
    ...task.models.map(({id, digest}) => ({role: 'model', clip: null, name: id, digest})),
  ];
  inputs.forEach((input, position) => statements.input.run({fingerprint, position, ...input}));
  task.outputs.forEach((output, position) =>
    statements.output.run({fingerprint, position, clip, startedAt, ...output}),
  );
}

function prepare(database: Database) {
  return {
    find: text(database, 'SELECT manifest FROM task WHERE fingerprint = ?'),
    // One text for all: a row and a JSON text for each would take twice the time.
    resultsOf: text(
      database,
      `SELECT '[' || group_concat('{"fingerprint":"' || fingerprint || '",' || substr(result, 2)) || ']'
       FROM json_each(?) CROSS JOIN task INDEXED BY task_result ON fingerprint = value`,
    ),
    failures: database.prepare<[string], {fingerprint: Digest; error: string}>(
      `SELECT fingerprint, error FROM json_each(?) CROSS JOIN run_task ON fingerprint = value
       WHERE status = 'failed' ORDER BY run_id`,
    ),
    nearest: text(
      database,
      `SELECT manifest FROM task WHERE stage = ? AND subject = ? AND fingerprint <> ?
       ORDER BY started_at DESC, fingerprint LIMIT 1`,
    ),
    task: database.prepare(
      `INSERT INTO task (fingerprint, stage, subject, clip, started_at, seconds, manifest, result)
       VALUES (@fingerprint, @stage, @subject, @clip, @startedAt, @seconds, @manifest, @result) ON CONFLICT DO NOTHING`,
    ),
    input: database.prepare('INSERT INTO task_input VALUES (@fingerprint, @position, @role, @name, @digest, @clip)'),
    output: database.prepare(
      `INSERT INTO task_output
       VALUES (@fingerprint, @position, @name, @kind, @digest, @rows, @bytes, @clip, @startedAt)`,
    ),
    forget: database.prepare('DELETE FROM task WHERE fingerprint = ?'),
    forgetAll: database.prepare('DELETE FROM task'),
    producers: text<Digest>(database, 'SELECT DISTINCT fingerprint FROM task_output WHERE digest = ? ORDER BY 1'),
    memos: database.prepare<[], FileMemo>('SELECT path, stamp, digest FROM file_memo'),
    recordMemo: database.prepare('REPLACE INTO file_memo (path, stamp, digest) VALUES (?, ?, ?)'),
    recordFile: database.prepare('REPLACE INTO file (digest, path, seen_at) VALUES (@digest, @path, @seenAt)'),
  };
}

/** A statement that gives one column of text; the types of SQLite's answers are declared here and nowhere else. */
function text<T extends string = string>(database: Database, sql: string): Statement<string[], T> {
  return database.prepare<string[], T>(sql).pluck();
}

/** Explains what SQLite refused; programmer errors stay as they are. */
function guarded<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (!/^SQLITE_(CORRUPT|NOTADB)/.test(code)) throw workspaceError(error, file);
    throw new CacheError(
      'bad-lineage',
      `${file}: not a lineage database, or damaged (${code})`,
      'Move the file away and run again: the lineage is rebuilt from the manifests, only the history of runs is lost.',
      {cause: error},
    );
  }
}
