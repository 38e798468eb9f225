/**
 * Runs a plan: each task once, after what it reads; reused where its result exists, else executed by a worker.
 * A failed task does not stop the run (D8): what depended on it is skipped.
 */
import os from 'node:os';
import PQueue from 'p-queue';
import type {RunTask} from '../cache/lineage.js';
import type {TaskManifest} from '../cache/manifest.js';
import {isIntact} from '../cache/intact.js';
import type {Emit, StageCount} from './events.js';
import {failureOf, isOperating} from './failure.js';
import type {Inspector, Outcome, ReadyTask, Verdict} from './inspector.js';
import {Pool, TaskError} from './pool.js';
import {upstreamOf, type Task} from './plan.js';
import type {TaskFailure} from './request.js';

export interface ExecutorOptions {
  readonly inspector: Inspector;
  readonly emit: Emit;
  /** Tasks of resource 'cpu' that run at once. */
  readonly jobs: number;
  readonly device: string;
  readonly signal: AbortSignal;
  readonly run: number;
  /** The program a worker process runs; dist/worker.js where absent. */
  readonly workerEntry?: string;
}

export interface Summary {
  readonly status: 'ok' | 'failed' | 'interrupted';
  readonly stages: readonly StageCount[];
}

/** Rows of the run that are written to the lineage in one transaction. */
const ROWS_PER_TRANSACTION = 500;
const DAMAGE = new Set(['digest-mismatch', 'missing-shard', 'bad-shard']);

/** What waits until others have an outcome: a task, or a list of tasks that many tasks read from. */
interface Waiting {
  readonly task?: Task;
  /** How many of those it waits for have no outcome yet. */
  waitingFor: number;
  readonly readers: Waiting[];
}

/** A task among those it reads from and those that read from it. */
interface Place extends Waiting {
  readonly task: Task;
  outcome: Outcome | undefined;
}

export class Executor {
  readonly #inspector: Inspector;
  readonly #places = new Map<string, Place>();
  readonly #lists = new Map<readonly string[], Waiting>();
  /** Tasks that wait for nothing any more and are not considered yet, in the order they became so. */
  readonly #ready: Task[] = [];
  readonly #queues: Record<'cpu' | 'gpu' | 'io', PQueue>;
  readonly #pool: Pool;
  readonly #counts = new Map<
    string,
    {reused: number; produced: number; failed: number; skipped: number; seconds: number}
  >();
  readonly #rows: RunTask[] = [];
  readonly #toldDevices = new Set<string | number>();
  /** Fingerprints that are being worked on, each with other tasks that ask for the same. */
  readonly #inFlight = new Map<string, Task[]>();
  #settled = 0;
  #allSettled = () => {};
  /** Ends the run by an error that belongs to no task, such as one of the lineage. */
  #breakOff: (error: unknown) => void = () => {};

  constructor(private readonly options: ExecutorOptions) {
    this.#inspector = options.inspector;
    this.#pool = new Pool(options.workerEntry);
    this.#queues = {
      cpu: new PQueue({concurrency: options.jobs}),
      gpu: new PQueue({concurrency: 1}),
      io: new PQueue({concurrency: Math.max(2, Math.ceil(options.jobs / 2))}),
    };
    for (const {name} of this.#graphStages())
      this.#counts.set(name, {reused: 0, produced: 0, failed: 0, skipped: 0, seconds: 0});
    for (const task of this.#inspector.tasks.values()) this.#link(task);
  }

  async run(): Promise<Summary> {
    const total = this.#inspector.tasks.size;
    const done = new Promise<void>((resolve) => (this.#allSettled = resolve));
    const interrupted = new Promise<void>((resolve) => {
      if (this.options.signal.aborted) resolve();
      this.options.signal.addEventListener('abort', () => resolve(), {once: true});
    });
    const broken = new Promise<never>((_, reject) => (this.#breakOff = reject));
    try {
      this.#settleReady();
      if (this.#settled < total) await Promise.race([done, interrupted, broken]);
    } finally {
      for (const queue of Object.values(this.#queues)) queue.clear();
      await this.#pool.close();
    }
    this.#flush(1);
    return {status: this.#status(), stages: this.#stageCounts()};
  }

  /** Tasks come after those they read from, so these have places already. */
  #link(task: Task): void {
    const {tasks, lists} = upstreamOf(task);
    const place: Place = {task, waitingFor: tasks.length + lists.length, readers: [], outcome: undefined};
    this.#places.set(task.id, place);
    for (const id of tasks) this.#places.get(id)!.readers.push(place);
    for (const list of lists) this.#listed(list).readers.push(place);
    if (place.waitingFor === 0) this.#ready.push(task);
  }

  #listed(ids: readonly string[]): Waiting {
    let list = this.#lists.get(ids);
    if (list === undefined) {
      list = {waitingFor: ids.length, readers: []};
      this.#lists.set(ids, list);
      for (const id of ids) this.#places.get(id)!.readers.push(list);
    }
    return list;
  }

  /**
   * Settles every task that needs no work, without leaving this turn of the event loop: a no-op run is only this. All
   * that are ready at a time are looked up together.
   */
  #settleReady(): void {
    while (this.#ready.length > 0) {
      if (this.options.signal.aborted) return;
      const ready = this.#ready.splice(0);
      const known = ready.filter((task) => this.#inspector.knowsFiles(task));
      this.#consider(known);
      if (known.length === ready.length) continue;
      const isKnown = new Set(known);
      for (const task of ready) if (!isKnown.has(task)) this.#hashThenConsider(task);
    }
  }

  #hashThenConsider(task: Task): void {
    const considered = this.#queues.io.add(async () => {
      const failure = await this.#inspector.hashFiles(task).then(() => undefined, unreadable);
      if (failure === undefined) this.#consider([task]);
      else this.#fail(task, failure, 0);
      this.#settleReady();
    });
    considered.catch(this.#breakOff);
  }

  #consider(tasks: readonly Task[]): void {
    const verdicts = this.#inspector.inspectAll(tasks, this.#outcomeOf);
    tasks.forEach((task, index) => this.#act(task, verdicts[index]!));
  }

  #act(task: Task, verdict: Verdict): void {
    if (verdict.is === 'skip' || verdict.is === 'unknown') return this.#skip(task, verdict.because);
    if (verdict.is === 'reuse') {
      this.options.emit({kind: 'reused', task: task.id, stage: task.stage, fingerprint: verdict.record.fingerprint});
      for (const message of verdict.record.warnings) this.options.emit({kind: 'warning', task: task.id, message});
      this.#record(task, 'reused', {fingerprint: verdict.record.fingerprint});
      this.#settle(task, done(verdict.record.outputs, verdict.excluded));
      return;
    }
    const twin = this.#inFlight.get(verdict.ready.fingerprint);
    if (twin !== undefined) {
      twin.push(task);
      return;
    }
    this.#inFlight.set(verdict.ready.fingerprint, []);
    const {resource} = this.#inspector.stageOf(task);
    void this.#queues[resource]
      .add(() => this.#execute(verdict.ready, verdict.reason))
      .catch((error: unknown) => this.#fail(task, failureOf(error), 0));
  }

  async #execute(ready: ReadyTask, reason: string): Promise<void> {
    if (this.options.signal.aborted) return;
    await this.#attempt(ready, reason);
    const twins = this.#inFlight.get(ready.fingerprint) ?? [];
    this.#inFlight.delete(ready.fingerprint);
    if (this.options.signal.aborted) return;
    this.#consider(twins);
    this.#settleReady();
  }

  async #attempt(ready: ReadyTask, reason: string): Promise<void> {
    const clock = performance.now();
    try {
      const manifest = await this.#produceMending(ready, reason);
      this.#settle(ready.task, done(manifest.outputs, ready.excluded));
    } catch (error) {
      if (this.options.signal.aborted) return;
      const seconds = (performance.now() - clock) / 1000;
      this.#fail(ready.task, toldOf(error), seconds, ready.fingerprint);
    }
  }

  /** Runs a task; where it finds an input damaged, that is made again and the task tried once more. */
  async #produceMending(ready: ReadyTask, reason: string): Promise<TaskManifest> {
    try {
      return await this.#produce(ready, reason);
    } catch (error) {
      if (this.options.signal.aborted || !DAMAGE.has(toldOf(error).code)) throw error;
      await this.#mendInputs(ready.task);
      const verdict = this.#inspector.inspect(ready.task, this.#outcomeOf);
      if (verdict.is !== 'run') throw error;
      return this.#produce(verdict.ready, 'an input was damaged and made again');
    }
  }

  /** Runs a task in a worker and records it. */
  async #produce(ready: ReadyTask, reason: string): Promise<TaskManifest> {
    const {task, fingerprint} = ready;
    const {emit, device, jobs} = this.options;
    const {workspace} = this.#inspector.options;
    emit({kind: 'started', task: task.id, stage: task.stage, fingerprint, reason});
    const manifest = await this.#pool.run(
      {
        task: task.id,
        fingerprint,
        ingredients: ready.ingredients,
        subject: {...task.subject},
        inputs: ready.inputs,
        models: ready.models,
        device,
        threads: Math.max(1, Math.floor(os.availableParallelism() / jobs)),
        folders: {shards: workspace.store.root, manifests: workspace.manifests, scratch: workspace.scratch},
      },
      {
        progress: (doneCount, total, unit) => emit({kind: 'progress', task: task.id, done: doneCount, total, unit}),
        warning: (message) => emit({kind: 'warning', task: task.id, message}),
      },
    );
    this.#keep(manifest);
    this.#tellDevice(manifest);
    const bytes = manifest.outputs.reduce((sum, output) => sum + output.bytes, 0);
    emit({
      kind: 'produced',
      task: task.id,
      stage: task.stage,
      fingerprint,
      reason,
      seconds: manifest.seconds,
      bytes,
      notes: manifest.notes,
    });
    this.#record(task, 'produced', {fingerprint, reason, seconds: manifest.seconds});
    return manifest;
  }

  /** Says once which device trains, and why it was chosen. */
  #tellDevice({stage, notes}: TaskManifest): void {
    const {device, deviceReason} = notes;
    if (deviceReason === undefined || this.#toldDevices.has(device!)) return;
    this.#toldDevices.add(device!);
    this.options.emit({kind: 'note', message: `${stage} runs on device ${device!}: ${deviceReason}`});
  }

  /** A forced rerun replaces the earlier answer; that its bytes differ is worth a word. */
  #keep(manifest: TaskManifest): void {
    const {lineage} = this.#inspector.options.workspace;
    const earlier = lineage.find(manifest.fingerprint);
    if (earlier !== undefined) {
      const same = earlier.outputs.every((output, index) => output.digest === manifest.outputs[index]?.digest);
      if (!same)
        this.options.emit({
          kind: 'note',
          message: `${manifest.stage}: running again gave other bytes than before (${manifest.fingerprint.slice(0, 8)})`,
        });
      lineage.forget(manifest.fingerprint);
    }
    lineage.record(manifest);
  }

  async #mendInputs(task: Task): Promise<void> {
    const {tasks, lists} = upstreamOf(task);
    for (const id of new Set([...tasks, ...lists.flat()])) await this.#mend(this.#inspector.tasks.get(id)!);
    this.#inspector.forgetLists();
  }

  /** Sets damaged shards of a task aside and makes them again. */
  async #mend(task: Task): Promise<void> {
    const {store} = this.#inspector.options.workspace;
    const {outcome} = this.#places.get(task.id)!;
    if (outcome?.is !== 'done') return;
    const damaged = [];
    for (const {digest} of outcome.outputs) if (!(await isIntact(store, digest))) damaged.push(digest);
    if (damaged.length === 0) return;
    for (const digest of damaged) store.quarantine(digest);
    this.options.emit({
      kind: 'note',
      message: `${task.id}: shard ${damaged[0]!.slice(0, 8)} is damaged; it is set aside and made again`,
    });
    const verdict = this.#inspector.inspect(task, this.#outcomeOf);
    if (verdict.is !== 'run') return;
    const manifest = await this.#produceMending(verdict.ready, verdict.reason).catch((error: unknown) => {
      throw unmendable(task, error);
    });
    this.#places.get(task.id)!.outcome = done(manifest.outputs, verdict.ready.excluded);
  }

  #fail(task: Task, failure: TaskFailure, seconds: number, fingerprint?: string): void {
    this.options.emit({kind: 'failed', task: task.id, stage: task.stage, ...failure});
    const known = fingerprint === undefined ? {} : {fingerprint};
    this.#record(task, 'failed', {...known, seconds, error: `${failure.code}: ${failure.message}`});
    this.#settle(task, {is: 'failed'});
  }

  #skip(task: Task, because: string): void {
    this.options.emit({kind: 'skipped', task: task.id, stage: task.stage, because});
    this.#record(task, 'skipped', {reason: because});
    this.#settle(task, {is: 'skipped'});
  }

  #settle(task: Task, outcome: Outcome): void {
    const place = this.#places.get(task.id)!;
    place.outcome = outcome;
    this.#release(place);
    if (++this.#settled === this.#places.size) this.#allSettled();
  }

  #release({readers}: Waiting): void {
    for (const reader of readers) {
      if (--reader.waitingFor > 0) continue;
      if (reader.task === undefined) this.#release(reader);
      else this.#ready.push(reader.task);
    }
  }

  readonly #outcomeOf = (id: string): Outcome => this.#places.get(id)!.outcome!;

  #record(
    task: Task,
    status: RunTask['status'],
    more: {fingerprint?: string; reason?: string; seconds?: number; error?: string},
  ): void {
    const count = this.#counts.get(task.stage)!;
    count[status]++;
    count.seconds += more.seconds ?? 0;
    // Reused tasks are counted, not listed: a run that did nothing leaves one row.
    if (status === 'reused') return;
    this.#rows.push({
      task: task.id,
      stage: task.stage,
      status,
      fingerprint: more.fingerprint ?? null,
      reason: more.reason ?? '',
      seconds: more.seconds ?? 0,
      ...(more.error === undefined ? {} : {error: more.error}),
    });
    this.#flush(ROWS_PER_TRANSACTION);
  }

  #flush(atLeast: number): void {
    if (this.#rows.length >= atLeast)
      this.#inspector.options.workspace.lineage.recordTasks(this.options.run, this.#rows.splice(0));
  }

  #status(): Summary['status'] {
    if (this.options.signal.aborted && this.#settled < this.#inspector.tasks.size) return 'interrupted';
    return [...this.#places.values()].some(({outcome}) => outcome?.is !== 'done') ? 'failed' : 'ok';
  }

  #stageCounts(): StageCount[] {
    return this.#graphStages()
      .map(({name}) => ({stage: name, ...this.#counts.get(name)!}))
      .filter((count) => count.reused + count.produced + count.failed + count.skipped > 0);
  }

  #graphStages() {
    return this.#inspector.options.plan.experiment.graph.stages;
  }
}

function done(outputs: TaskManifest['outputs'], excluded: ReadonlySet<string>): Outcome {
  return {is: 'done', outputs, excluded};
}

function unreadable(error: unknown): TaskFailure {
  if (isOperating(error)) return failureOf(error);
  return {
    code: 'unreadable-file',
    message: error instanceof Error ? error.message : String(error),
    remedy: 'Check that the file exists and that you may read it.',
  };
}

/** What a worker told of a failure, or what there is to tell of an error here. */
function toldOf(error: unknown): TaskFailure {
  return error instanceof TaskError ? error.failure : failureOf(error);
}

/** Why a task failed of which an input is damaged and could not be made again. */
function unmendable(input: Task, error: unknown): TaskError {
  const failure = toldOf(error);
  return new TaskError({
    ...failure,
    message: `its input ${input.id} was damaged and could not be made again: ${failure.message}`,
  });
}
