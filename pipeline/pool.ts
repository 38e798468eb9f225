/**
 * Worker processes, started when first needed and kept warm. Processes rather than threads: ONNX Runtime's
 * `run` blocks its event loop, memory of native code returns to the machine only when a process ends, and a
 * crash in native code must not take the run with it.
 */
import {fork, type ChildProcess} from 'node:child_process';
import path from 'node:path';
import {packageRoot} from './package-root.js';
import type {FromWorker, TaskFailure, TaskRequest, ToWorker} from './request.js';
import type {TaskManifest} from '../cache/manifest.js';

/** A task that failed in its worker. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  constructor(readonly failure: TaskFailure) {
    super(failure.message);
  }
}

export interface TaskListener {
  progress(done: number, total: number, unit: string): void;
  warning(message: string): void;
}

/** After this many tasks a worker is replaced, so that leaks of native libraries stay bounded. */
const TASKS_PER_WORKER = 200;
/** How long a worker may take to stop at a checkpoint before it is killed. */
const GRACE_MS = 3000;

export class Pool {
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  #closed = false;

  constructor(private readonly entry = path.join(packageRoot, 'dist/worker.js')) {}

  /** Runs a task on an idle worker, or on a new one; the caller limits how many run at once. */
  async run(request: TaskRequest, listener: TaskListener): Promise<TaskManifest> {
    if (this.#closed) throw new TaskError({code: 'interrupted', message: 'the run was interrupted'});
    const worker = this.#idle.pop() ?? this.#start();
    try {
      return await worker.run(request, listener);
    } finally {
      if (worker.alive && worker.taskCount < TASKS_PER_WORKER && !this.#closed) this.#idle.push(worker);
      else this.#end(worker);
    }
  }

  /** Ends all workers: at once if idle, at their next checkpoint or after a grace period if busy. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all].map((worker) => worker.end(GRACE_MS)));
  }

  #start(): Worker {
    const worker = new Worker(this.entry);
    this.#all.add(worker);
    return worker;
  }

  #end(worker: Worker): void {
    this.#all.delete(worker);
    void worker.end(GRACE_MS);
  }
}

class Worker {
  readonly #process: ChildProcess;
  #settle: {resolve(manifest: TaskManifest): void; reject(error: Error): void; listener: TaskListener} | undefined;
  taskCount = 0;

  constructor(entry: string) {
    this.#process = fork(entry, [], {
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    });
    this.#process.on('message', (message: FromWorker) => this.#hear(message));
    this.#process.on('exit', (code, signal) => this.#died(code, signal));
    this.#process.on('error', () => {});
    this.#process.stderr!.on(
      'data',
      (chunk: Buffer) => (this.#stderr = (this.#stderr + chunk.toString()).slice(-4000)),
    );
  }

  #stderr = '';

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null && this.#process.connected;
  }

  run(request: TaskRequest, listener: TaskListener): Promise<TaskManifest> {
    this.taskCount++;
    return new Promise((resolve, reject) => {
      this.#settle = {resolve, reject, listener};
      this.#send({kind: 'run', request});
    });
  }

  async end(graceMs: number): Promise<void> {
    if (!this.alive) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#settle === undefined) this.#process.disconnect();
    else this.#send({kind: 'abort'});
    const timer = setTimeout(() => this.#kill(), this.#settle === undefined ? 1000 : graceMs);
    if (this.#settle !== undefined) void this.#whenSettled().then(() => this.alive && this.#process.disconnect());
    await gone;
    clearTimeout(timer);
  }

  #whenSettled(): Promise<void> {
    const settle = this.#settle!;
    return new Promise((resolve) => {
      const {resolve: done, reject: fail} = settle;
      settle.resolve = (manifest) => (done(manifest), resolve());
      settle.reject = (error) => (fail(error), resolve());
    });
  }

  #send(message: ToWorker): void {
    this.#process.send(message, () => {});
  }

  #hear(message: FromWorker): void {
    const settle = this.#settle;
    if (settle === undefined || message.kind === 'ready') return;
    if (message.kind === 'progress') settle.listener.progress(message.done, message.total, message.unit);
    else if (message.kind === 'warning') settle.listener.warning(message.message);
    else {
      this.#settle = undefined;
      if (message.kind === 'produced') settle.resolve(message.manifest);
      else settle.reject(new TaskError(message.failure));
    }
  }

  #died(code: number | null, signal: NodeJS.Signals | null): void {
    const settle = this.#settle;
    this.#settle = undefined;
    const how = signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
    const said = this.#stderr.trim();
    settle?.reject(
      new TaskError({
        code: 'worker-died',
        message: `the worker process ended with ${how} while it ran this task${said === '' ? '' : `; it said: ${said.split('\n').slice(-3).join(' | ')}`}`,
        remedy:
          signal === 'SIGKILL'
            ? 'The machine may have run out of memory: lower --jobs.'
            : 'Run again; if it recurs, run `affectflow doctor`.',
      }),
    );
  }

  #kill(): void {
    try {
      process.kill(-this.#process.pid!, 'SIGKILL');
    } catch {
      this.#process.kill('SIGKILL');
    }
  }
}
