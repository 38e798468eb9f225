import {describe, expect, it} from 'vitest';
import {forecast} from '../../pipeline/forecast.js';
import {Inspector} from '../../pipeline/inspector.js';
import {ToyProject} from '../helpers/toy-run.js';

/** The closures differ from the locked ones, so that no lock is needed. */
const options = {onFailedClip: 'exclude', closures: {count: 'x', double: 'x', sum: 'x'}} as const;

/** What becomes of every task: 'sum fold 0 reuse'. */
async function lookedAt(project: ToyProject, direction: 'ahead' | 'back'): Promise<string[]> {
  const workspace = project.workspace();
  try {
    const inspector = new Inspector({plan: project.plan(options), workspace, closures: options.closures, lock: {}});
    return (await forecast(inspector, direction)).map((one) => `${one.task.id} ${one.will}`);
  } finally {
    workspace.close();
  }
}

describe('after a run in which a clip failed', () => {
  it('a look back finds what the fold gave without it; a look ahead tries it again', async () => {
    const project = new ToyProject({a: 'text of a', b: 'broken', c: 'text of c'});
    await project.run(options);
    const others = ['count a reuse', 'double a reuse', 'count c reuse', 'double c reuse'];
    expect((await lookedAt(project, 'back')).sort()).toEqual(
      [...others, 'count b fail', 'double b fail', 'sum fold 0 reuse'].sort(),
    );
    expect((await lookedAt(project, 'ahead')).sort()).toEqual(
      [...others, 'count b run', 'double b follow', 'sum fold 0 follow'].sort(),
    );
  });

  it('says so where it is tried again', async () => {
    const project = new ToyProject({a: 'broken', b: 'text of b'});
    await project.run();
    const {events} = await project.run();
    expect(events.find((event) => event.kind === 'started')).toMatchObject({
      task: 'count a',
      reason: 'it failed before',
    });
  });

  it('a look back takes nothing for failed that was mended since, or was never tried', async () => {
    const project = new ToyProject({a: 'text of a', b: 'broken', c: 'text of c'});
    await project.run(options);
    project.write('b', 'mended');
    const seen = await lookedAt(project, 'back');
    expect(seen).toEqual(expect.arrayContaining(['count b run', 'double b follow', 'sum fold 0 follow']));
  });
});
