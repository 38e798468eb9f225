import {loadExperiment} from '../experiment.js';
import {multiplySystems, parseAxis} from '../sweep.js';
import type {RunCommandOptions} from './options.js';
import {exitCode, runWith} from './run.js';
import {print} from './screen.js';
import {printReport} from './report.js';

/** `affectflow sweep`: runs a grid, prints its table with the best marked. */
export async function sweep(file: string, options: RunCommandOptions & {grid: readonly string[]}): Promise<number> {
  const axes = options.grid.map(parseAxis);
  const experiment = loadExperiment(file, options.set, (raw) => multiplySystems(raw, axes));
  const summary = await runWith(experiment, options);
  if (summary.status === 'interrupted' || options.json) return exitCode(summary);
  print('');
  await printReport(experiment, options, {sections: ['incomplete', 'folds'], format: 'text'});
  return exitCode(summary);
}
