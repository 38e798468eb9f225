/** Looks ahead: for every task of a plan, whether it would be reused, would run and why, or depends on one that runs. */
import type {TaskResult} from '../cache/lineage.js';
import type {Inspector, Outcome, Verdict} from './inspector.js';
import type {Task} from './plan.js';

export type Forecast =
  | {readonly task: Task; readonly will: 'reuse'; readonly record: TaskResult; readonly excluded: ReadonlySet<string>}
  | {readonly task: Task; readonly will: 'run'; readonly because: string}
  /** Its inputs are made anew; if they come out the same, it is reused after all (D1). */
  | {readonly task: Task; readonly will: 'follow'; readonly because: string};

/** Reads published files whose digest is not known yet, and nothing else. */
export async function forecast(inspector: Inspector): Promise<Forecast[]> {
  const tasks = [...inspector.tasks.values()];
  const forecasts = new Map<string, Forecast>();
  const outcomes = new Map<string, Outcome>();
  // Tasks of one stage never read from one another, so each stage is looked up as a whole.
  for (const {name} of inspector.options.plan.experiment.graph.stages) {
    const ofStage = tasks.filter(({stage}) => stage === name);
    for (const one of await forecastAll(inspector, ofStage, outcomes)) {
      forecasts.set(one.task.id, one);
      outcomes.set(one.task.id, outcomeOf(one));
    }
  }
  return tasks.map(({id}) => forecasts.get(id)!);
}

async function forecastAll(
  inspector: Inspector,
  tasks: readonly Task[],
  outcomes: ReadonlyMap<string, Outcome>,
): Promise<Forecast[]> {
  const readable: Task[] = [];
  const unreadable: Forecast[] = [];
  for (const task of tasks) {
    try {
      if (!inspector.knowsFiles(task)) await inspector.hashFiles(task);
      readable.push(task);
    } catch (error) {
      unreadable.push({task, will: 'run', because: `an input cannot be read: ${(error as Error).message}`});
    }
  }
  const verdicts = inspector.inspectAll(readable, (id) => outcomes.get(id)!);
  return [...unreadable, ...readable.map((task, index) => forecastOf(task, verdicts[index]!))];
}

function forecastOf(task: Task, verdict: Verdict): Forecast {
  if (verdict.is === 'reuse') return {task, will: 'reuse', record: verdict.record, excluded: verdict.excluded};
  if (verdict.is === 'run') return {task, will: 'run', because: verdict.reason};
  return {task, will: 'follow', because: verdict.because};
}

function outcomeOf(one: Forecast): Outcome {
  return one.will === 'reuse' ? {is: 'done', outputs: one.record.outputs, excluded: one.excluded} : {is: 'unknown'};
}
