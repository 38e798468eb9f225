import {writeFileSync} from 'node:fs';
import {buildReport, selectSections} from '../../reports/report.js';
import {formats, render} from '../../reports/render.js';
import {UsageError} from '../errors.js';
import {loadExperiment} from '../experiment.js';
import {suggestion} from '../nearest.js';
import {readResults} from '../results.js';
import {openWorkspace, workspaceFolder} from '../workspace.js';
import type {CommonOptions} from './options.js';
import {print} from './screen.js';

/** What a terminal shows; files get every section. */
const TERMINAL_SECTIONS = ['incomplete', 'comparison', 'folds'];

/** `affectflow report`: the tables of what was run; exit code 1 where part of the experiment is missing. */
export async function report(file: string, options: CommonOptions & {format: string; output?: string}): Promise<number> {
  if (!(formats as readonly string[]).includes(options.format)) {
    throw new UsageError('bad-option', `there is no format '${options.format}'`, suggestion(options.format, formats));
  }
  const experiment = loadExperiment(file, options.set);
  const workspace = openWorkspace(workspaceFolder(options.workspace), 'read');
  try {
    const results = await readResults(experiment, workspace);
    if (results.scores.length === 0) {
      throw new UsageError('not-run-yet', `no fold of '${experiment.name}' has been evaluated with these parameters`, `Run it first: affectflow run ${file}`);
    }
    const whole = buildReport(results);
    const text = render(options.format === 'text' ? selectSections(whole, TERMINAL_SECTIONS) : whole, options.format);
    if (options.output === undefined) print(text.trimEnd());
    else writeFileSync(options.output, text);
    if (options.output !== undefined) print(`Report written to ${options.output}.`);
    return results.incomplete.length === 0 ? 0 : 1;
  } finally {
    workspace.close();
  }
}
