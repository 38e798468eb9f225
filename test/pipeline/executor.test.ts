import {chmodSync, existsSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {describe, expect, it} from 'vitest';
import {digestPath} from '../../cache/digest-path.js';
import type {Digest} from '../../cache/digest.js';
import type {Event} from '../../pipeline/events.js';
import {ToyProject} from '../helpers/toy-run.js';

const ALL = ['count a', 'count b', 'double a', 'double b', 'sum fold 0'];
const clips = () => ({a: 'text of a', b: 'a longer text of b'});

function reasonOf(events: readonly Event[], task: string): string {
  return events.flatMap((event) => (event.kind === 'produced' && event.task === task ? [event.reason] : []))[0]!;
}

describe('running a plan', () => {
  it('executes every task once and reuses all of them the second time', async () => {
    const project = new ToyProject(clips());
    expect((await project.run()).produced).toEqual(ALL);
    const second = await project.run();
    expect(second.produced).toEqual([]);
    expect(second.reused).toEqual(ALL);
    expect(second.summary.status).toBe('ok');
  });

  it('runs exactly what depends on a changed parameter, and says why', async () => {
    const project = new ToyProject(clips());
    await project.run();
    const {produced, events} = await project.run({factor: 3});
    expect(produced).toEqual(['double a', 'double b', 'sum fold 0']);
    expect(reasonOf(events, 'double a')).toBe('factor 2 → 3');
    expect(reasonOf(events, 'sum fold 0')).toContain('doubled/validation changed');
  });

  it('stops the cascade where a stage that ran gives the same bytes', async () => {
    const project = new ToyProject({a: 'xxxxx', b: 'yyyyyyyyyyyyyyy'});
    await project.run();
    expect((await project.run({plus: 1})).produced).toEqual(['count a', 'count b', 'double a', 'double b']);
  });

  it('does not run anything for a file that was moved in time but not changed', async () => {
    const project = new ToyProject(clips());
    await project.run();
    project.write('a', clips().a);
    expect((await project.run()).produced).toEqual([]);
  });

  it('runs what depends on an edited file, and only that', async () => {
    const project = new ToyProject(clips());
    await project.run();
    project.write('a', 'another and much longer text of a');
    const {produced, events} = await project.run();
    expect(produced).toEqual(['count a', 'double a', 'sum fold 0']);
    expect(reasonOf(events, 'count a')).toBe('video changed');
  });

  it('never serves a stage stale whose source was edited, and reuses it once the edit is undone', async () => {
    const project = new ToyProject(clips());
    await project.run();
    const edited = await project.run({closures: {double: 'edited'}});
    expect(edited.produced).toEqual(['double a', 'double b']);
    expect(reasonOf(edited.events, 'double a')).toContain('code changed');
    expect((await project.run()).produced).toEqual([]);
  });

  it('gives the seed only to stages that draw', async () => {
    const project = new ToyProject(clips());
    await project.run();
    expect((await project.run({seed: 7})).produced).toEqual(['sum fold 0']);
  });

  it('runs forced stages whatever is cached', async () => {
    const project = new ToyProject(clips());
    await project.run();
    const {produced, events} = await project.run({forced: ['double', 'sum']});
    expect(produced).toEqual(['double a', 'double b', 'sum fold 0']);
    expect(reasonOf(events, 'double b')).toBe('asked for');
  });

  it('does the work of two tasks that ask for the same thing once', async () => {
    const project = new ToyProject({a: 'same text', b: 'same text', c: 'another text'});
    const {produced, reused} = await project.run();
    expect(produced.filter((task) => !task.endsWith(' c'))).toHaveLength(3);
    expect(reused).toHaveLength(2);
  });

  it('shows warnings again when the result they belong to is reused', async () => {
    const project = new ToyProject({a: 'warn me', b: 'text'});
    await project.run();
    const {events} = await project.run();
    expect(events.filter((event) => event.kind === 'warning')).toEqual([
      {kind: 'warning', task: 'count a', message: 'a warning'},
    ]);
  });
});

describe('a failing task', () => {
  it('leaves the others alone; what depended on it is skipped and nothing of it is cached', async () => {
    const project = new ToyProject({a: 'broken', b: 'text of b'});
    const {summary, produced, events} = await project.run();
    expect(summary.status).toBe('failed');
    expect(produced).toEqual(['count b', 'double b']);
    expect(events.find((event) => event.kind === 'failed')).toMatchObject({
      task: 'count a',
      code: 'unreadable-file',
      remedy: 'Mend it.',
    });
    expect(events.flatMap((event) => (event.kind === 'skipped' ? [event.task] : []))).toEqual([
      'double a',
      'sum fold 0',
    ]);
    project.write('a', 'mended');
    expect((await project.run()).produced).toEqual(['count a', 'double a', 'sum fold 0']);
  });

  it('is left out of a fold where the experiment allows it', async () => {
    const project = new ToyProject({a: 'text of a', b: 'broken', c: 'text of c'});
    const {produced, summary} = await project.run({onFailedClip: 'exclude'});
    expect(produced).toContain('sum fold 0');
    expect(summary.status).toBe('failed');
  });

  it('that kills its worker is reported with the signal, and the run goes on', async () => {
    const project = new ToyProject({a: 'crash', b: 'text of b'});
    const {events, produced} = await project.run();
    expect(events.find((event) => event.kind === 'failed')).toMatchObject({task: 'count a', code: 'worker-died'});
    expect(produced).toEqual(['count b', 'double b']);
  });

  it('that is a defect keeps its stack for the report', async () => {
    const project = new ToyProject({a: 'defect', b: 'text'});
    const {events} = await project.run();
    expect(events.find((event) => event.kind === 'failed')).toMatchObject({
      code: 'internal',
      message: 'a defect',
      stack: expect.stringContaining('TypeError'),
    });
  });

  it('that cannot read its file names the file', async () => {
    const project = new ToyProject(clips());
    rmSync(path.join(project.folder, 'a.mp4'));
    const {events} = await project.run();
    expect(events.find((event) => event.kind === 'failed')).toMatchObject({
      task: 'count a',
      code: 'unreadable-file',
      message: expect.stringContaining('a.mp4'),
    });
  });
});

describe('damage in the store', () => {
  const fingerprintOf = (task: string, events: readonly Event[]): Digest =>
    events.flatMap((event) =>
      event.kind === 'produced' && event.task === task ? [event.fingerprint as Digest] : [],
    )[0]!;
  const shardOf = (project: ToyProject, task: string, events: readonly Event[]) => {
    const workspace = project.workspace();
    const file = workspace.store.path(workspace.lineage.find(fingerprintOf(task, events))!.outputs[0]!.digest);
    workspace.close();
    chmodSync(file, 0o644);
    return file;
  };

  it('a removed shard is made again, and so is a truncated one', async () => {
    const project = new ToyProject(clips());
    const {events} = await project.run();
    rmSync(shardOf(project, 'double a', events));
    truncateSync(shardOf(project, 'count b', events), 100);
    const {produced, summary} = await project.run();
    expect(produced).toEqual(['count b', 'double a']);
    expect(summary.status).toBe('ok');
  });

  it('an altered shard is found by its digest when it is read, set aside, and made again', async () => {
    const project = new ToyProject(clips());
    const {events} = await project.run();
    const file = shardOf(project, 'count a', events);
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
    const {produced, summary, events: second} = await project.run({factor: 5});
    expect(summary.status).toBe('ok');
    expect(produced).toContain('count a');
    expect(second.find((event) => event.kind === 'note')).toMatchObject({message: expect.stringContaining('damaged')});
  });

  it('a task that only a damaged manifest tells of is done again', async () => {
    const project = new ToyProject(clips());
    const {events} = await project.run();
    const workspace = project.workspace('write');
    for (const task of ['count a', 'double b']) {
      const fingerprint = fingerprintOf(task, events);
      workspace.lineage.forget(fingerprint);
      const file = digestPath(workspace.manifests, fingerprint, '.json');
      chmodSync(file, 0o644);
      truncateSync(file, 100);
    }
    workspace.close();
    // The file of one is known already, that of the other is read first.
    project.write('a', clips().a);
    const {produced, summary} = await project.run();
    expect(produced).toEqual(['count a', 'double b']);
    expect(summary.status).toBe('ok');
  });

  it('fails what reads a damaged shard that cannot be made again, and the run ends', async () => {
    const project = new ToyProject(clips());
    const {events} = await project.run();
    const file = shardOf(project, 'count a', events);
    writeFileSync(file, readFileSync(file).fill(0));
    writeFileSync(path.join(project.folder, 'a.mp4.broken'), '');
    const {summary, events: second} = await project.run({factor: 5});
    expect(summary.status).toBe('failed');
    expect(second.find((event) => event.kind === 'failed')).toMatchObject({
      task: 'double a',
      code: 'unreadable-file',
      message: expect.stringMatching(/input count a was damaged and could not be made again: .*broken/),
    });
    expect(second.flatMap((event) => (event.kind === 'skipped' ? [event.task] : []))).toEqual(['sum fold 0']);
  });
});

describe('interruption', () => {
  it('stops cleanly, keeps what is finished, and a second run goes on', async () => {
    const project = new ToyProject({a: 'slow', b: 'text of b'});
    const controller = new AbortController();
    const first = await project.run({
      signal: controller.signal,
      onEvent: (event) => event.kind === 'produced' && event.task === 'double b' && controller.abort(),
    });
    expect(first.summary.status).toBe('interrupted');
    expect(first.produced).toEqual(['count b', 'double b']);
    project.write('a', 'a much quicker text');
    expect((await project.run()).produced).toEqual(['count a', 'double a', 'sum fold 0']);
  });

  it('leaves no temporary file in the store', async () => {
    const project = new ToyProject({a: 'slow', b: 'text of b'});
    const controller = new AbortController();
    await project.run({
      signal: controller.signal,
      onEvent: (event) => event.kind === 'started' && event.task === 'count a' && controller.abort(),
    });
    const tmp = path.join(project.workspaceFolder, 'shards/tmp');
    expect(existsSync(tmp) ? readdirSync(tmp) : []).toEqual([]);
  });
});
