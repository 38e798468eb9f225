import path from 'node:path';
import {demoExperiments, makeDemo, type DemoExperiment} from '../demo.js';
import {UsageError} from '../errors.js';
import {loadExperiment} from '../experiment.js';
import {suggestion} from '../../stages/nearest.js';
import type {RunCommandOptions} from './options.js';
import {report} from './report.js';
import {exitCode, runWith} from './run.js';
import {print} from './screen.js';

interface DemoOptions extends RunCommandOptions {
  readonly folder?: string;
  readonly seed: string;
  readonly experiment: string;
  readonly weaklyComplementary: boolean;
}

/** `affectflow demo`: makes the data set unless it is there, runs the experiment, prints and writes the report. */
export async function demo(options: DemoOptions): Promise<number> {
  const {seed, weaklyComplementary} = options;
  const folder = path.resolve(options.folder ?? (weaklyComplementary ? 'affectflow-demo-weak' : 'affectflow-demo'));
  const experiment = experimentOf(options.experiment);
  const tell = options.json ? () => {} : print;
  const file = await makeDemo({folder, seed: Number(seed), experiment, weaklyComplementary, tell});
  const summary = await runWith(loadExperiment(file, options.set), options);
  if (summary.status !== 'ok' || options.json) return exitCode(summary);
  const where = {set: options.set, ...(options.workspace === undefined ? {} : {workspace: options.workspace})};
  print('');
  await report(file, {...where, format: 'text'});
  await report(file, {...where, format: 'md', output: reportFile(file, 'md')});
  await report(file, {...where, format: 'csv', output: reportFile(file, 'csv')});
  print('', `The whole report: ${reportFile(file, 'md')}; every score: ${reportFile(file, 'csv')}.`);
  print('', 'Now try:', ...suggestions(file));
  return 0;
}

/** 'report.md' beside experiment.yaml, 'all-systems-report.md' beside all-systems.yaml. */
function reportFile(experiment: string, extension: string): string {
  const name = path.basename(experiment, '.yaml');
  return path.join(path.dirname(experiment), `${name === 'experiment' ? '' : `${name}-`}report.${extension}`);
}

function experimentOf(name: string): DemoExperiment {
  const known = Object.keys(demoExperiments);
  if (!known.includes(name)) {
    throw new UsageError(
      'bad-option',
      `--experiment ${name}: there is no such demo experiment`,
      suggestion(name, known),
    );
  }
  return name as DemoExperiment;
}

function suggestions(file: string): string[] {
  const experiment = path.relative(process.cwd(), file);
  return [
    `  npx affectflow run ${experiment}                                          nothing to do`,
    `  npx affectflow plan ${experiment} --set fusion-training.learningRate=3e-4 --why`,
    `  npx affectflow rerun ${experiment} --from spectrogram`,
    '  npx affectflow lineage runs',
  ];
}
