/**
 * The tables of the lineage database, as numbered steps: step n turns version n − 1 into version n. A step that was
 * released never changes; a new one is added. SQLite's user_version holds the version.
 */
import type {Database} from 'better-sqlite3';
import {CacheError} from './errors.js';

const tables = `
CREATE TABLE task (
  fingerprint TEXT PRIMARY KEY,            -- everything that decided the task's bytes
  stage       TEXT NOT NULL,
  subject     TEXT NOT NULL,               -- labels for people as canonical JSON: clip, fold, system, …
  clip        TEXT,                        -- subject ->> 'clip'
  started_at  TEXT NOT NULL,               -- ISO 8601, UTC
  seconds     REAL NOT NULL,
  manifest    TEXT NOT NULL                -- the whole manifest as JSON
) STRICT;
CREATE INDEX task_by_subject ON task (stage, subject, started_at);

CREATE TABLE task_input (
  fingerprint TEXT NOT NULL REFERENCES task ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  role        TEXT NOT NULL CHECK (role IN ('input', 'model')),
  name        TEXT NOT NULL,
  digest      TEXT NOT NULL,
  clip        TEXT,                        -- of the input, else of the task: tells producers of equal bytes apart
  PRIMARY KEY (fingerprint, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_input_by_digest ON task_input (digest);

CREATE TABLE task_output (
  fingerprint TEXT NOT NULL REFERENCES task ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  name        TEXT NOT NULL,
  kind        TEXT NOT NULL,
  digest      TEXT NOT NULL,
  rows        INTEGER NOT NULL,
  bytes       INTEGER NOT NULL,
  clip        TEXT,                        -- as in task, and so is started_at
  started_at  TEXT NOT NULL,
  PRIMARY KEY (fingerprint, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_output_by_digest ON task_output (digest, clip, started_at);

CREATE TABLE file (
  digest TEXT NOT NULL,                    -- of a published file: video, annotation, transcript, model
  path   TEXT NOT NULL,                    -- where it was when it was hashed
  seen_at TEXT NOT NULL,
  PRIMARY KEY (digest, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE file_memo (
  path   TEXT PRIMARY KEY,
  stamp  TEXT NOT NULL,                    -- size, mtime, ctime and inode when it was hashed
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  experiment TEXT NOT NULL,
  config     TEXT NOT NULL,                -- the experiment after defaults and overrides, as JSON
  command    TEXT NOT NULL,
  version    TEXT NOT NULL,                -- of Affectflow
  started_at TEXT NOT NULL,
  ended_at   TEXT,                         -- null while it runs, and for ever if it was killed
  status     TEXT,
  counts     TEXT                          -- tasks by outcome, as JSON
) STRICT;

CREATE TABLE run_task (
  run_id      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  task        TEXT NOT NULL,               -- label of the task
  stage       TEXT NOT NULL,
  fingerprint TEXT,                        -- null where an input was missing; a failed task has no row in task
  status      TEXT NOT NULL CHECK (status IN ('reused', 'produced', 'failed', 'skipped')),
  reason      TEXT NOT NULL,
  seconds     REAL NOT NULL,
  error       TEXT,
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_task_by_fingerprint ON run_task (fingerprint);
`;

const views = `
CREATE VIEW v_tasks AS -- one row per task that was done
SELECT fingerprint, stage, clip, subject ->> 'fold' AS fold, subject ->> 'system' AS system, started_at, seconds,
       manifest ->> 'seed' AS seed, manifest -> 'params' AS params, manifest ->> 'identity' AS identity,
       manifest ->> '$.machine.host' AS host, manifest -> 'warnings' AS warnings, manifest -> 'notes' AS notes
FROM task;

CREATE VIEW v_shards AS -- one row per shard and task that wrote it
SELECT o.digest, o.kind, o.rows, o.bytes, o.name, o.fingerprint, t.stage, t.clip
FROM task_output o JOIN task t USING (fingerprint);

CREATE VIEW v_edges AS -- one row per input of a task and where it came from: another task, or a file; clip is the input's
-- Different tasks can write equal bytes, such as empty shards of different clips. The producer is then the first task
-- of the input's own clip, else the first of any.
SELECT e.consumer, c.stage AS consumer_stage, e.clip, e.position, e.role, e.input, e.digest,
       o.kind, e.producer, p.stage AS producer_stage,
       (SELECT path FROM file f WHERE f.digest = e.digest ORDER BY seen_at DESC LIMIT 1) AS path
FROM (SELECT fingerprint AS consumer, clip, position, role, name AS input, digest,
             coalesce((SELECT fingerprint FROM task_output o WHERE o.digest = i.digest AND o.clip = i.clip
                       ORDER BY started_at LIMIT 1),
                      (SELECT fingerprint FROM task_output o WHERE o.digest = i.digest
                       ORDER BY clip, started_at LIMIT 1)) AS producer
      FROM task_input i) e
JOIN task c ON c.fingerprint = e.consumer
LEFT JOIN task p ON p.fingerprint = e.producer
LEFT JOIN task_output o ON o.fingerprint = e.producer AND o.digest = e.digest;

CREATE VIEW v_runs AS -- one row per run, the last first
SELECT id, experiment, command, version, started_at, ended_at, coalesce(status, 'unfinished') AS status,
       (SELECT count(*) FROM run_task WHERE run_id = run.id) AS tasks
FROM run ORDER BY id DESC;
`;

/** What those who reuse a task's result read, apart from its long list of inputs. */
const results = `
ALTER TABLE task ADD COLUMN result TEXT; -- JSON: outputs, warnings and notes of the manifest
UPDATE task SET result = json_object(
  'outputs', json_extract(manifest, '$.outputs'),
  'warnings', json_extract(manifest, '$.warnings'),
  'notes', json_extract(manifest, '$.notes'));
CREATE INDEX task_result ON task (fingerprint, result); -- answers without reading the manifest, which may be long
`;

/** The steps, oldest first. */
export const steps: readonly string[] = [tables, views, results];

/** The version that this program reads and writes. */
export const lineageVersion = steps.length;

/**
 * Brings a database to the version of this program, in one transaction.
 *
 * @throws CacheError 'newer-lineage' if a later program wrote it.
 */
export function migrate(database: Database): void {
  const version = database.pragma('user_version', {simple: true}) as number;
  if (version > lineageVersion) throw newer(database.name, version);
  if (version === lineageVersion) return;
  const apply = database.transaction(() => {
    for (const step of steps.slice(version)) database.exec(step);
    database.pragma(`user_version = ${lineageVersion}`);
  });
  apply.immediate();
}

function newer(file: string, version: number): CacheError {
  return new CacheError(
    'newer-lineage',
    `${file}: version ${version} of the lineage, but this Affectflow knows versions up to ${lineageVersion}`,
    'Update Affectflow, or choose another workspace.',
  );
}
