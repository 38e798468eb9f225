import {loadExperiment} from '../experiment.js';
import {forecast, type Forecast} from '../forecast.js';
import {readClosures, readLock} from '../identity.js';
import {Inspector} from '../inspector.js';
import {aligned, lineOf} from '../logging/words.js';
import {makePlan} from '../plan.js';
import {unusedSettings} from '../unused-settings.js';
import {openWorkspace, workspaceFolder} from '../workspace.js';
import type {CommonOptions} from './options.js';
import {print} from './screen.js';

interface PlanOptions extends CommonOptions {
  readonly why: boolean;
  readonly json: boolean;
  readonly from?: string;
}

/** `affectflow plan`: what a run would do; runs nothing. */
export async function plan(file: string, options: PlanOptions): Promise<number> {
  const experiment = loadExperiment(file, options.set);
  const forced =
    options.from === undefined
      ? {}
      : {forced: {stages: experiment.graph.downstream(options.from), because: `asked for by --from ${options.from}`}};
  const whole = makePlan(experiment);
  const workspace = openWorkspace(workspaceFolder(options.workspace), 'read');
  try {
    const forecasts = await forecast(
      new Inspector({plan: whole, workspace, closures: readClosures(), lock: readLock(), ...forced}),
    );
    const notes = [...experiment.dataset.remarks, ...unusedSettings(whole)].map(
      (message) => ({kind: 'note', message}) as const,
    );
    if (options.json) for (const one of [...notes, ...forecasts.map(asJson)]) print(JSON.stringify(one));
    else
      print(
        ...notes.map((note) => lineOf(note)!),
        ...table(
          experiment.graph.stages.map(({name}) => name),
          forecasts,
        ),
        ...(options.why ? ['', ...reasons(forecasts)] : []),
        '',
        sentence(forecasts),
      );
    return 0;
  } finally {
    workspace.close();
  }
}

function asJson(one: Forecast): object {
  return {
    task: one.task.id,
    stage: one.task.stage,
    will: one.will,
    ...(one.will === 'reuse' ? {fingerprint: one.record.fingerprint} : {because: one.because}),
  };
}

function table(stages: readonly string[], forecasts: readonly Forecast[]): string[] {
  const count = (stage: string, will: Forecast['will']) =>
    String(forecasts.filter((one) => one.task.stage === stage && one.will === will).length);
  const used = stages.filter((stage) => forecasts.some((one) => one.task.stage === stage));
  return aligned([
    ['stage', 'reuse', 'run', 'run if inputs change'],
    ...used.map((stage) => [stage, count(stage, 'reuse'), count(stage, 'run'), count(stage, 'follow')]),
  ]);
}

function reasons(forecasts: readonly Forecast[]): string[] {
  return forecasts.flatMap((one) =>
    one.will === 'reuse' ? [] : [`${one.will === 'run' ? 'run   ' : 'follow'}  ${one.task.id}  because ${one.because}`],
  );
}

function sentence(forecasts: readonly Forecast[]): string {
  const [run, follow] = (['run', 'follow'] as const).map((will) => forecasts.filter((one) => one.will === will).length);
  if (run === 0) return `Nothing to do: all ${forecasts.length} tasks are up to date.`;
  return `${run} of ${forecasts.length} tasks would run; ${follow} more follow if what they read comes out different.`;
}
