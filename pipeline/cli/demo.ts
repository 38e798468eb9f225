import path from 'node:path';
import {makeDemo} from '../demo.js';
import {loadExperiment} from '../experiment.js';
import type {RunCommandOptions} from './options.js';
import {report} from './report.js';
import {exitCode, runWith} from './run.js';
import {print} from './screen.js';

interface DemoOptions extends RunCommandOptions {
  readonly folder: string;
  readonly seed: string;
}

/** `affectflow demo`: makes the data set unless it is there, runs the experiment, prints and writes the report. */
export async function demo(options: DemoOptions): Promise<number> {
  const folder = path.resolve(options.folder);
  const file = await makeDemo({folder, seed: Number(options.seed), tell: options.json ? () => {} : print});
  const summary = await runWith(loadExperiment(file, options.set), options);
  if (summary.status !== 'ok' || options.json) return exitCode(summary);
  const where = {set: options.set, ...(options.workspace === undefined ? {} : {workspace: options.workspace})};
  print('');
  await report(file, {...where, format: 'text'});
  await report(file, {...where, format: 'md', output: path.join(folder, 'report.md')});
  await report(file, {...where, format: 'csv', output: path.join(folder, 'report.csv')});
  print('', `The whole report: ${path.join(folder, 'report.md')}; every score: ${path.join(folder, 'report.csv')}.`);
  print('', 'Now try:', ...suggestions(file));
  return 0;
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
