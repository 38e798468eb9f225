import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import {describe, expect, test} from 'vitest';
import type {Digest} from '../../cache/digest.js';
import type {LineageEdge} from '../../cache/lineage.js';
import {Lineage} from '../../cache/lineage.js';
import {deleteManifest, manifests, readManifest, writeManifest} from '../../cache/manifest.js';
import {lineageVersion} from '../../cache/migrations.js';
import {digestFor, someTasks, task} from './some-tasks.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';
import {codeOfFailure} from './code-of-failure.js';

function lineageOf(file: string, tasks = someTasks): Lineage {
  const lineage = Lineage.open(file);
  lineage.recordMany(tasks);
  return lineage;
}

/** An edge in words: consumer ← input (producer or file). */
function inWords({depth, stage, subject, name, producer, producerStage, path: file}: LineageEdge): string {
  const of = (fingerprint: Digest | null) =>
    someTasks.find((other) => other.fingerprint === fingerprint)?.subject['clip'];
  const source = producer === null ? (file ?? 'unknown') : `${producerStage} ${of(producer) ?? ''}`.trim();
  return `${depth} ${`${stage} ${subject['clip'] ?? ''}`.trim()} ← ${name} (${source})`;
}

describe('tasks', () => {
  test('a task that was recorded is found whole, also after the file was closed', () => {
    const folder = temporaryFolder();
    lineageOf(path.join(folder, 'lineage.sqlite')).close();
    using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
    expect(someTasks.map(({fingerprint}) => lineage.find(fingerprint))).toEqual(someTasks);
    expect(lineage.find(digestFor('nothing'))).toBeUndefined();
  });

  test('the first record of a fingerprint stays, until it is forgotten', () => {
    const folder = temporaryFolder();
    using lineage = lineageOf(path.join(folder, 'lineage.sqlite'));
    const first = someTasks[0]!;
    const second = {...first, outputs: [{...first.outputs[0]!, digest: digestFor('other')}]};
    lineage.record(second);
    expect(lineage.find(first.fingerprint)).toEqual(first);
    lineage.forget(first.fingerprint);
    expect(lineage.find(first.fingerprint)).toBeUndefined();
    lineage.record(second);
    expect(lineage.find(first.fingerprint)).toEqual(second);
    expect(lineage.producers(digestFor('other'))).toEqual([first.fingerprint]);
    expect(lineage.producers(digestFor('faces a'))).toEqual([]);
  });

  test('the nearest task is the latest of the same stage and subject, other than the one asked about', () => {
    const folder = temporaryFolder();
    const days = ['2026-11-01', '2026-11-03', '2026-11-02'];
    const faces = days.map((day, index) =>
      task('faces a', ['video a'], {
        fingerprint: digestFor(day),
        params: {size: index},
        subject: {fold: '1', clip: 'a'},
        startedAt: `${day}T00:00:00.000Z`,
      }),
    );
    using lineage = lineageOf(path.join(folder, 'lineage.sqlite'), faces);
    expect(lineage.nearest('faces', {clip: 'a', fold: '1'})).toEqual(faces[1]);
    expect(lineage.nearest('faces', {clip: 'a', fold: '1'}, faces[1]!.fingerprint)).toEqual(faces[2]);
    expect(lineage.nearest('faces', {clip: 'b'})).toBeUndefined();
    expect(lineage.nearest('words', {clip: 'a', fold: '1'})).toBeUndefined();
  });
});

describe('ways through the lineage', () => {
  test('upstream of a shard ends in the published files, and keeps clips with equal shards apart', () => {
    const folder = temporaryFolder();
    using lineage = lineageOf(path.join(folder, 'lineage.sqlite'));
    for (const name of ['video a', 'video b', 'transcript a', 'transcript b', 'detector']) {
      lineage.recordFile(digestFor(name), `/data/${name}`);
    }
    expect(lineage.upstream(digestFor('training')).map(inWords)).toEqual([
      '0 training ← train/faces[0] (faces a)',
      '0 training ← train/text[0] (text a)',
      '0 training ← train/faces[1] (faces b)',
      '0 training ← train/text[1] (text b)',
      '1 faces a ← video (/data/video a)',
      '1 faces a ← detector (/data/detector)',
      '1 faces b ← video (/data/video b)',
      '1 faces b ← detector (/data/detector)',
      '1 text a ← no (words a)',
      '1 text b ← no (words b)',
      '2 words a ← transcript (/data/transcript a)',
      '2 words b ← transcript (/data/transcript b)',
    ]);
    expect(lineage.upstream(digestFor('fingerprint text a')).map(inWords)).toEqual([
      '0 text a ← no (words a)',
      '1 words a ← transcript (/data/transcript a)',
    ]);
    expect(lineage.upstream(digestFor('video a'))).toEqual([]);
  });

  test('downstream of a file, a model or a task is all that was made of it, and nothing of another clip', () => {
    const folder = temporaryFolder();
    using lineage = lineageOf(path.join(folder, 'lineage.sqlite'));
    expect(lineage.downstream(digestFor('transcript a')).map(inWords)).toEqual([
      '1 words a ← transcript (unknown)',
      '2 text a ← no (words a)',
      '3 training ← train/text[0] (text a)',
    ]);
    expect(lineage.downstream(digestFor('fingerprint faces b')).map(inWords)).toEqual([
      '1 training ← train/faces[1] (faces b)',
    ]);
    expect(lineage.downstream(digestFor('detector')).map(inWords)).toEqual([
      '1 faces a ← detector (unknown)',
      '1 faces b ← detector (unknown)',
      '2 training ← train/faces[0] (faces a)',
      '2 training ← train/faces[1] (faces b)',
    ]);
    expect(lineage.downstream(digestFor('training'))).toEqual([]);
  });

  test('where nothing tells the producers of equal bytes apart, all of them are fed on and one is named', () => {
    const folder = temporaryFolder();
    const reader = task('reader', ['no words']);
    using lineage = lineageOf(path.join(folder, 'lineage.sqlite'), [...someTasks, reader]);
    expect(lineage.upstream(reader.fingerprint).map(inWords)).toEqual([
      '0 reader ← no (words a)',
      '1 words a ← transcript (unknown)',
    ]);
    for (const clip of ['a', 'b']) {
      const stages = lineage.downstream(digestFor(`fingerprint words ${clip}`)).map(({stage}) => stage);
      expect(stages.filter((stage) => stage === 'reader')).toHaveLength(1);
    }
  });

  test('a prefix finds the one thing it means: task, shard, file or run', () => {
    const folder = temporaryFolder();
    using lineage = lineageOf(path.join(folder, 'lineage.sqlite'));
    lineage.recordFile(digestFor('video a'), '/data/video a');
    const run = lineage.beginRun({experiment: 'toy', config: {}, command: 'run', version: '1'});
    const found = (name: string) => lineage.resolve(digestFor(name).slice(0, 10).toUpperCase());
    expect(found('fingerprint faces a')).toMatchObject({
      type: 'task',
      id: digestFor('fingerprint faces a'),
      label: 'faces {"clip":"a"}',
    });
    expect(found('faces a')).toEqual({type: 'shard', id: digestFor('faces a'), label: 'faces'});
    expect(found('video a')).toEqual({type: 'file', id: digestFor('video a'), label: '/data/video a'});
    expect(found('video b')).toEqual({type: 'file', id: digestFor('video b'), label: 'video'});
    expect(lineage.resolve(String(run))).toMatchObject({type: 'run', id: String(run)});
  });

  test('a prefix that means nothing, or several things, is an unknown record; the things are listed', async () => {
    const folder = temporaryFolder();
    const twins = ['abcd1', 'abcd2'].map((start) =>
      task('faces a', [], {fingerprint: start.padEnd(32, '0') as Digest, outputs: []}),
    );
    using lineage = lineageOf(path.join(folder, 'lineage.sqlite'), twins);
    expect(() => lineage.resolve('abcd')).toThrow(
      `'abcd' means 2 things:
  task abcd1000000000000000000000000000  faces {"clip":"a"}
  task abcd2000000000000000000000000000  faces {"clip":"a"}`,
    );
    for (const prefix of ['abc', 'ffffffff', '7', '', "'; DROP TABLE task; --"]) {
      expect(await codeOfFailure(() => lineage.resolve(prefix))).toBe('unknown-record');
    }
    expect(lineage.resolve('abcd1').id).toBe(twins[0]!.fingerprint);
  });

  test('SQL reads the documented views and writes nothing', () => {
    const folder = temporaryFolder();
    using lineage = lineageOf(path.join(folder, 'lineage.sqlite'));
    expect(lineage.query("SELECT stage, clip, fold, system, seed FROM v_tasks WHERE stage = 'training'")).toEqual({
      columns: ['stage', 'clip', 'fold', 'system', 'seed'],
      rows: [['training', null, '0', 'rcma', 1]],
    });
    expect(lineage.query('SELECT kind, sum(rows), count(*) FROM v_shards GROUP BY kind').rows).toEqual([
      ['faces', 20, 2],
      ['text', 20, 2],
      ['training', 10, 1],
      ['words', 0, 2],
    ]);
    expect(
      lineage.query("SELECT clip, producer_stage FROM v_edges WHERE consumer_stage = 'training' ORDER BY position")
        .rows,
    ).toEqual([
      ['a', 'faces'],
      ['a', 'text'],
      ['b', 'faces'],
      ['b', 'text'],
    ]);
    for (const sql of ['DELETE FROM task', 'DROP VIEW v_runs', 'DELETE FROM task RETURNING *']) {
      expect(() => lineage.query(sql)).toThrow('Expected a query that only reads');
    }
  });
});

describe('runs', () => {
  test('a run remembers what was asked and what became of each task', async () => {
    const folder = temporaryFolder();
    using lineage = lineageOf(path.join(folder, 'lineage.sqlite'));
    const asked = {experiment: 'toy', config: {folds: 3}, command: 'affectflow run toy.yaml', version: '0.1.0'};
    const first = lineage.beginRun(asked);
    const fingerprint = digestFor('fingerprint faces a');
    const reused = {
      task: 'faces a',
      stage: 'faces',
      fingerprint,
      status: 'reused',
      reason: 'unchanged',
      seconds: 0,
    } as const;
    const failed = {...reused, fingerprint: null, status: 'failed', error: 'no face in 311 frames'} as const;
    lineage.recordTasks(first, [reused]);
    lineage.recordTask(first, failed);
    lineage.endRun(first, {status: 'failed', counts: {reused: 1, failed: 1}});
    const second = lineage.beginRun(asked);
    expect(lineage.run(first)).toMatchObject({
      ...asked,
      id: first,
      status: 'failed',
      counts: {reused: 1, failed: 1},
      tasks: [reused, failed],
    });
    expect(lineage.runs().map(({id, status, endedAt}) => [id, status, endedAt === null])).toEqual([
      [second, 'unfinished', true],
      [first, 'failed', false],
    ]);
    expect(lineage.runs(1)).toHaveLength(1);
    expect(lineage.runsOf(fingerprint)).toMatchObject([{runId: first, experiment: 'toy', status: 'reused'}]);
    expect(await codeOfFailure(() => lineage.run(99))).toBe('unknown-record');
    expect(await codeOfFailure(() => lineage.endRun(99, {status: 'failed', counts: {}}))).toBe('unknown-record');
  });
});

describe('manifests', () => {
  test('are read as they were written, in order of fingerprint; the last of a fingerprint counts', () => {
    const folder = temporaryFolder();
    for (const each of someTasks) writeManifest(folder, {...each, seconds: 9});
    for (const each of someTasks) writeManifest(folder, each);
    const inOrder = [...someTasks].sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
    expect([...manifests(folder)]).toEqual(inOrder);
    const {fingerprint} = inOrder[0]!;
    expect(readManifest(folder, fingerprint)).toEqual(inOrder[0]);
    deleteManifest(folder, fingerprint);
    deleteManifest(folder, fingerprint);
    expect(readManifest(folder, fingerprint)).toBeUndefined();
    expect([...manifests(path.join(folder, 'nowhere'))]).toEqual([]);
  });

  test.each([
    ['{"format": 1', 'it is not JSON'],
    ['null', 'it is not an object'],
    ['{"format": 2}', 'its format is 2, not 1'],
    [JSON.stringify({...someTasks[1]}), 'it belongs to the fingerprint'],
    [JSON.stringify({...someTasks[0], inputs: undefined}), 'it has no list of inputs'],
    [JSON.stringify({...someTasks[0], models: [{id: 'x'}]}), 'it holds the digest undefined'],
  ])('a file that is none says so: %s', (text, reason) => {
    const folder = temporaryFolder();
    const {fingerprint} = someTasks[0]!;
    writeManifest(folder, someTasks[0]!);
    writeManifest(folder, someTasks[2]!);
    writeFileSync(path.join(folder, fingerprint.slice(0, 2), `${fingerprint.slice(2)}.json`), text);
    expect(() => readManifest(folder, fingerprint)).toThrow(`not a manifest of this version: ${reason}`);
    expect(() => [...manifests(folder)]).toThrow(reason);
    const bad: string[] = [];
    expect([...manifests(folder, ({code}) => bad.push(code))]).toEqual([someTasks[2]]);
    expect(bad).toEqual(['bad-manifest']);
  });

  test('rebuild the tasks of a lineage that was lost, row for row', () => {
    const folder = temporaryFolder();
    for (const each of someTasks) writeManifest(path.join(folder, 'manifests'), each);
    writeFileSync(path.join(folder, 'manifests', 'note.txt'), 'not a manifest');
    using recorded = lineageOf(path.join(folder, 'recorded.sqlite'));
    using rebuilt = Lineage.open(path.join(folder, 'rebuilt.sqlite'));
    rebuilt.record(task('stale a', []));
    expect(rebuilt.rebuild(path.join(folder, 'manifests'))).toEqual({tasks: someTasks.length, bad: []});
    for (const table of ['task', 'task_input', 'task_output']) {
      const all = `SELECT * FROM ${table} ORDER BY 1, 2`;
      expect(rebuilt.query(all)).toEqual(recorded.query(all));
    }
  });
});

describe('the database file', () => {
  /** What an Affectflow of version 1 of the lineage wrote for `someTasks`; made with `.dump`, never to be changed. */
  const versionOne = path.join(import.meta.dirname, 'fixtures/lineage-1.sql');

  test('of version 1 is brought to the present version, and holds what a new one would', async () => {
    const folder = temporaryFolder();
    const old = new Sqlite(path.join(folder, 'old.sqlite'));
    old.exec(readFileSync(versionOne, 'utf8'));
    expect(old.pragma('user_version', {simple: true})).toBe(1);
    old.close();
    using migrated = Lineage.open(path.join(folder, 'old.sqlite'));
    using fresh = lineageOf(path.join(folder, 'fresh.sqlite'));
    const contents = (lineage: Lineage) =>
      ['sqlite_schema', 'task', 'task_input', 'task_output', 'v_tasks', 'v_shards', 'v_edges'].map((table) => {
        const columns = table === 'sqlite_schema' ? 'type, name, tbl_name, sql' : '*';
        return lineage.query(`SELECT ${columns} FROM ${table} WHERE 1 ORDER BY 1, 2, 3, 4`).rows;
      });
    expect(contents(migrated)).toEqual(contents(fresh));
    expect(migrated.query('PRAGMA user_version').rows).toEqual([[lineageVersion]]);
  });

  test('of a later version is left alone', () => {
    const folder = temporaryFolder();
    const later = new Sqlite(path.join(folder, 'later.sqlite'));
    later.pragma(`user_version = ${lineageVersion + 1}`);
    later.close();
    expect(() => Lineage.open(path.join(folder, 'later.sqlite'))).toThrow(
      expect.objectContaining({
        code: 'newer-lineage',
        remedy: 'Update Affectflow, or choose another workspace.',
      }) as Error,
    );
  });

  test('that is no database says how to get the lineage back', async () => {
    const folder = temporaryFolder();
    writeFileSync(
      path.join(folder, 'text.sqlite'),
      'this is not a database, and long enough to be read as one'.repeat(20),
    );
    expect(await codeOfFailure(() => Lineage.open(path.join(folder, 'text.sqlite')))).toBe('bad-lineage');
    lineageOf(path.join(folder, 'cut.sqlite')).close();
    const whole = readFileSync(path.join(folder, 'cut.sqlite'));
    writeFileSync(path.join(folder, 'cut.sqlite'), whole.subarray(0, 5000));
    const use = () => Lineage.open(path.join(folder, 'cut.sqlite')).record(task('more a', ['x']));
    expect(await codeOfFailure(use)).toBe('bad-lineage');
  });

  test('where no folder can be is an unwritable workspace', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'file'), '');
    expect(await codeOfFailure(() => Lineage.open(path.join(folder, 'file', 'lineage.sqlite')))).toBe(
      'unwritable-workspace',
    );
  });
});
