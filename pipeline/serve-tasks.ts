/**
 * The life of a worker process: one task after another for the pool. It never opens the lineage (D9). It lives
 * in a process group of its own, so that Ctrl-C reaches it only through the pool, and takes its group (ffmpeg)
 * with it when the pool goes away.
 */
import {keepSessions} from '../stages/learning/kept-sessions.js';
import type {Stage} from '../stages/stage.js';
import {failureOf} from './failure.js';
import type {FromWorker, TaskRequest, ToWorker} from './request.js';
import {runTask} from './run-task.js';

/** Networks a worker keeps loaded: those of the detector and of the backbone, say, whose tasks take turns. */
const SESSIONS_PER_WORKER = 2;

export function serveTasks(stages: readonly Stage[]): void {
  keepSessions(SESSIONS_PER_WORKER);
  let current: AbortController | undefined;
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'abort') current?.abort(new Error('interrupted'));
    else void serve(message.request);
  });
  process.on('disconnect', leave);
  process.on('SIGTERM', leave);
  process.on('SIGINT', () => {});
  say({kind: 'ready'});

  async function serve(request: TaskRequest): Promise<void> {
    current = new AbortController();
    try {
      const stage = stages.find(({name}) => name === request.ingredients.stage)!;
      const manifest = await runTask(stage, request, current.signal, {
        progress: (done, total, unit) => say({kind: 'progress', done, total, unit}),
        warning: (message) => say({kind: 'warning', message}),
      });
      say({kind: 'produced', manifest});
    } catch (error) {
      say({kind: 'failed', failure: failureOf(error)});
    } finally {
      current = undefined;
    }
  }
}

function say(message: FromWorker): void {
  if (process.connected) process.send!(message);
}

/** Ends this process and whatever it started. */
function leave(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.exit(1);
  }
}
