/** Looks ahead: for every task of a plan, whether it would be reused, would run and why, or depends on one that runs. */
import type {Digest} from '../cache/digest.js';
import type {TaskResult} from '../cache/lineage.js';
import type {Inspector, Outcome} from './inspector.js';
import type {Task} from './plan.js';

export type Forecast =
  | {readonly task: Task; readonly will: 'reuse'; readonly record: TaskResult; readonly excluded: ReadonlySet<string>}
  | {readonly task: Task; readonly will: 'run'; readonly because: string}
  /** Its inputs are made anew; if they come out the same, it is reused after all (D1). */
  | {readonly task: Task; readonly will: 'follow'; readonly because: string};

/** Reads published files whose digest is not known yet, and nothing else. */
export async function forecast(inspector: Inspector): Promise<Forecast[]> {
  const outcomes = new Map<string, Outcome>();
  const forecasts: Forecast[] = [];
  for (const task of inspector.tasks.values()) {
    const one = await forecastTask(inspector, task, outcomes);
    outcomes.set(task.id, outcomeOf(one));
    forecasts.push(one);
  }
  return forecasts;
}

async function forecastTask(
  inspector: Inspector,
  task: Task,
  outcomes: ReadonlyMap<string, Outcome>,
): Promise<Forecast> {
  try {
    await inspector.hashFiles(task);
  } catch (error) {
    return {task, will: 'run', because: `an input cannot be read: ${(error as Error).message}`};
  }
  const verdict = inspector.inspect(task, (id) => outcomes.get(id)!);
  if (verdict.is === 'reuse') return {task, will: 'reuse', record: verdict.record, excluded: verdict.excluded};
  if (verdict.is === 'run') return {task, will: 'run', because: verdict.reason};
  return {task, will: 'follow', because: verdict.because};
}

function outcomeOf(one: Forecast): Outcome {
  if (one.will !== 'reuse') return {is: 'unknown'};
  return {
    is: 'done',
    outputs: new Map(one.record.outputs.map(({name, digest}) => [name, digest as Digest])),
    excluded: one.excluded,
    reran: false,
  };
}
