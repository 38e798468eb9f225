/**
 * Looks ahead: for every task of a plan, whether it would be reused, would run and why, or depends on one that runs.
 * Or looks back: what failed stays so, and clips of which something failed are left out of folds as they were.
 */
import type {TaskResult} from '../cache/lineage.js';
import type {Inspector, Outcome, Verdict} from './inspector.js';
import type {Task} from './plan.js';

export type Forecast =
  | {readonly task: Task; readonly will: 'reuse'; readonly record: TaskResult; readonly excluded: ReadonlySet<string>}
  | {readonly task: Task; readonly will: 'run'; readonly because: string}
  /** Its inputs are made anew; if they come out the same, it is reused after all (D1). */
  | {readonly task: Task; readonly will: 'follow'; readonly because: string}
  /** Only when looking back: it failed, or one it reads from did. */
  | {readonly task: Task; readonly will: 'fail'; readonly because: string};

/** What to take for the outcome of tasks that failed: 'ahead', a run tries them again; 'back', they stay failed. */
type Direction = 'ahead' | 'back';

/** Reads published files whose digest is not known yet, and nothing else. */
export async function forecast(inspector: Inspector, direction: Direction = 'ahead'): Promise<Forecast[]> {
  const tasks = [...inspector.tasks.values()];
  const forecasts = new Map<string, Forecast>();
  const outcomes = new Map<string, Outcome>();
  // Tasks of one stage never read from one another, so each stage is looked up as a whole.
  for (const {name} of inspector.options.plan.experiment.graph.stages) {
    const ofStage = tasks.filter(({stage}) => stage === name);
    for (const one of await forecastAll(inspector, ofStage, {outcomes, direction})) {
      forecasts.set(one.task.id, one);
      outcomes.set(one.task.id, outcomeOf(one));
    }
  }
  return tasks.map(({id}) => forecasts.get(id)!);
}

async function forecastAll(
  inspector: Inspector,
  tasks: readonly Task[],
  {outcomes, direction}: {outcomes: ReadonlyMap<string, Outcome>; direction: Direction},
): Promise<Forecast[]> {
  const readable: Task[] = [];
  const unreadable: Forecast[] = [];
  for (const task of tasks) {
    try {
      if (!inspector.knowsFiles(task)) await inspector.hashFiles(task);
      readable.push(task);
    } catch (error) {
      const because = `an input cannot be read: ${(error as Error).message}`;
      unreadable.push({task, will: direction === 'ahead' ? 'run' : 'fail', because});
    }
  }
  const verdicts = inspector.inspectAll(readable, (id) => outcomes.get(id)!);
  const failures = direction === 'ahead' ? nothing : failuresOf(inspector, verdicts);
  return [...unreadable, ...readable.map((task, index) => forecastOf(task, verdicts[index]!, failures))];
}

/** What went wrong, by fingerprint. */
type Failures = ReadonlyMap<string, string>;

const nothing: Failures = new Map();

function failuresOf(inspector: Inspector, verdicts: readonly Verdict[]): Failures {
  const asked = verdicts.flatMap((verdict) => (verdict.is === 'run' ? verdict.ready.fingerprint : []));
  return inspector.options.workspace.lineage.failures(asked);
}

function forecastOf(task: Task, verdict: Verdict, failures: Failures): Forecast {
  if (verdict.is === 'reuse') return {task, will: 'reuse', record: verdict.record, excluded: verdict.excluded};
  if (verdict.is === 'skip') return {task, will: 'fail', because: verdict.because};
  if (verdict.is === 'unknown') return {task, will: 'follow', because: verdict.because};
  const failure = failures.get(verdict.ready.fingerprint);
  return failure === undefined ? {task, will: 'run', because: verdict.reason} : {task, will: 'fail', because: failure};
}

function outcomeOf(one: Forecast): Outcome {
  if (one.will === 'reuse') return {is: 'done', outputs: one.record.outputs, excluded: one.excluded};
  return {is: one.will === 'fail' ? 'failed' : 'unknown'};
}
