/** Ways through the lineage: from a number to the videos it came from, and from a video to all it went into. */
import type {Database} from 'better-sqlite3';
import type {Digest} from './digest.js';
import {CacheError} from './errors.js';

/** One input of a task and where it came from. */
export interface LineageEdge {
  /** Steps from where the search began, from 0 upstream and from 1 downstream. */
  readonly depth: number;
  /** The task that read the input. */
  readonly fingerprint: Digest;
  readonly stage: string;
  readonly subject: Readonly<Record<string, string>>;
  readonly role: 'input' | 'model';
  /** Name of the input, or id of the model. */
  readonly name: string;
  readonly digest: Digest;
  /** Kind of shard, and the task that wrote it, one of them if several wrote equal bytes; null for a published file. */
  readonly kind: string | null;
  readonly producer: Digest | null;
  readonly producerStage: string | null;
  /** Where the published file was when it was hashed; null for shards. */
  readonly path: string | null;
}

/** What a prefix stands for. */
export interface LineageMatch {
  readonly type: 'task' | 'shard' | 'file' | 'run';
  /** The whole fingerprint or digest, or the number of the run. */
  readonly id: string;
  /** What it is, in words. */
  readonly label: string;
}

/** Stages form a chain of about ten; this ends the search in a database that somebody edited into a circle. */
const deepest = 64;

const upstreamSql = `
WITH RECURSIVE up (fingerprint, depth) AS (
  SELECT fingerprint, 0 FROM task WHERE fingerprint = @id
  UNION SELECT fingerprint, 0 FROM task_output WHERE digest = @id
  UNION SELECT e.producer, up.depth + 1 FROM up JOIN v_edges e ON e.consumer = up.fingerprint
        WHERE e.producer IS NOT NULL AND up.depth < ${deepest}
), nearest AS (SELECT fingerprint, min(depth) AS depth FROM up GROUP BY fingerprint)
SELECT n.depth, t.fingerprint, t.stage, t.subject, e.role, e.input AS name, e.digest, e.kind, e.producer,
       e.producer_stage AS producerStage, e.path
FROM nearest n CROSS JOIN v_edges e ON e.consumer = n.fingerprint JOIN task t ON t.fingerprint = n.fingerprint
ORDER BY n.depth, t.stage, t.subject, t.fingerprint, e.position`;

/** An input was fed by a task that wrote its bytes, unless it belongs to another clip which has a task of its own that did. */
const fed = `
  (i.clip IS NULL OR o.clip IS NULL OR i.clip = o.clip
   OR NOT EXISTS (SELECT 1 FROM task_output s WHERE s.digest = i.digest AND s.clip = i.clip))`;

const downstreamSql = `
WITH RECURSIVE edge (depth, consumer, position, producer) AS (
  SELECT 1, fingerprint, position, NULL FROM task_input WHERE digest = @id
  UNION SELECT 1, i.fingerprint, i.position, @id
        FROM task_output o JOIN task_input i ON i.digest = o.digest WHERE o.fingerprint = @id AND ${fed}
  UNION SELECT edge.depth + 1, i.fingerprint, i.position, o.fingerprint
        FROM edge JOIN task_output o ON o.fingerprint = edge.consumer JOIN task_input i ON i.digest = o.digest
        WHERE edge.depth < ${deepest} AND ${fed}
), nearest AS (SELECT min(depth) AS depth, consumer, position, producer FROM edge GROUP BY 2, 3, 4)
SELECT n.depth, t.fingerprint, t.stage, t.subject, e.role, e.input AS name, e.digest, e.kind,
       coalesce(n.producer, e.producer) AS producer, coalesce(p.stage, e.producer_stage) AS producerStage, e.path
FROM nearest n
CROSS JOIN v_edges e ON e.consumer = n.consumer AND e.position = n.position
JOIN task t ON t.fingerprint = n.consumer
LEFT JOIN task p ON p.fingerprint = n.producer
ORDER BY n.depth, t.stage, t.subject, t.fingerprint, e.position, n.producer`;

export function upstream(database: Database, id: string): LineageEdge[] {
  return edges(database, upstreamSql, id);
}

export function downstream(database: Database, id: string): LineageEdge[] {
  return edges(database, downstreamSql, id);
}

function edges(database: Database, sql: string, id: string): LineageEdge[] {
  return database
    .prepare<{id: string}, Omit<LineageEdge, 'subject'> & {subject: string}>(sql)
    .all({id})
    .map((row) => ({...row, subject: JSON.parse(row.subject) as LineageEdge['subject']}));
}

/** Shorter prefixes would be ambiguous in any real workspace, and a small number is a run. */
const shortestPrefix = 4;

/** Candidates named in a message; more would not help. */
const mostCandidates = 10;

/** 'g' follows 'f': the range from `prefix` to `prefix` + 'g' is that of all digests that begin so, and uses the index. */
const matchSql = `
SELECT 'task' AS type, fingerprint AS id, stage || ' ' || subject AS label FROM task
  WHERE fingerprint >= @from AND fingerprint < @to
UNION SELECT 'shard', digest, kind FROM task_output WHERE digest >= @from AND digest < @to
UNION SELECT 'file', digest, (SELECT path FROM file g WHERE g.digest = f.digest ORDER BY seen_at DESC LIMIT 1) FROM file f
  WHERE digest >= @from AND digest < @to
UNION SELECT 'file', digest, max(name) FROM task_input i
  WHERE digest >= @from AND digest < @to
    AND NOT EXISTS (SELECT 1 FROM task_output o WHERE o.digest = i.digest)
    AND NOT EXISTS (SELECT 1 FROM file f WHERE f.digest = i.digest)
  GROUP BY digest
UNION SELECT 'run', CAST(id AS TEXT), experiment || ' ' || started_at FROM run WHERE id = @run`;

export function resolve(database: Database, prefix: string): LineageMatch {
  const wanted = prefix.trim().toLowerCase();
  const isHex = /^[0-9a-f]+$/.test(wanted) && wanted.length >= shortestPrefix;
  const run = /^\d{1,15}$/.test(wanted) ? Number(wanted) : -1;
  const matches = database
    .prepare<{from: string; to: string; run: number}, LineageMatch>(matchSql)
    .all({from: isHex ? wanted : '', to: isHex ? `${wanted}g` : '', run});
  if (matches.length === 1) return matches[0]!;
  throw matches.length === 0 ? unknown(prefix) : ambiguous(prefix, matches);
}

function unknown(prefix: string): CacheError {
  return new CacheError(
    'unknown-record',
    `'${prefix}': no task, shard, file or run`,
    `Give at least ${shortestPrefix} digits of a fingerprint or digest, or the number of a run; \`affectflow lineage runs\` lists them.`,
  );
}

function ambiguous(prefix: string, matches: readonly LineageMatch[]): CacheError {
  const named = matches.slice(0, mostCandidates).map(({type, id, label}) => `\n  ${type} ${id}  ${label}`);
  const rest = matches.length > mostCandidates ? `\n  and ${matches.length - mostCandidates} more` : '';
  return new CacheError(
    'unknown-record',
    `'${prefix}' means ${matches.length} things:${named.join('')}${rest}`,
    'Give more digits.',
  );
}
