import {writeFileSync} from 'node:fs';
import {render, type Format} from '../../reports/report.js';
import {UsageError} from '../errors.js';
import {loadExperiment} from '../experiment.js';
import {suggestion} from '../nearest.js';
import {readResults} from '../results.js';
import {openWorkspace, workspaceFolder} from '../workspace.js';
import type {CommonOptions} from './options.js';
import {print} from './screen.js';

const FORMATS: readonly Format[] = ['text', 'md', 'csv', 'latex'];

/** `affectflow report`: the tables of what was run; exit code 1 where part of the experiment is missing. */
export async function report(file: string, options: CommonOptions & {format: string; output?: string}): Promise<number> {
  const format = FORMATS.find((known) => known === options.format);
  if (format === undefined) throw new UsageError('bad-option', `there is no format '${options.format}'`, suggestion(options.format, FORMATS));
  const experiment = loadExperiment(file, options.set);
  const workspace = openWorkspace(workspaceFolder(options.workspace), 'read');
  try {
    const results = await readResults(experiment, workspace);
    if (results.scores.length === 0) {
      throw new UsageError('not-run-yet', `no fold of '${experiment.name}' has been evaluated with these parameters`, `Run it first: affectflow run ${file}`);
    }
    const text = render(results, format);
    if (options.output === undefined) print(text.trimEnd());
    else writeFileSync(options.output, text);
    if (options.output !== undefined) print(`Report written to ${options.output}.`);
    return results.incomplete.length === 0 ? 0 : 1;
  } finally {
    workspace.close();
  }
}
