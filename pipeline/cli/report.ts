import {writeFileSync} from 'node:fs';
import {formats, render} from '../../reports/render.js';
import {buildReport, sectionNames, selectSections, type SectionName} from '../../reports/report.js';
import {random} from '../../stages/learning/random.js';
import {UsageError} from '../errors.js';
import {loadExperiment, type Experiment} from '../experiment.js';
import {suggestion} from '../../stages/nearest.js';
import {readResults} from '../results.js';
import {openWorkspace, workspaceFolder} from '../workspace.js';
import type {CommonOptions} from './options.js';
import {print} from './screen.js';

/** What a terminal shows unless sections are named; files get every section. */
const TERMINAL_SECTIONS: readonly SectionName[] = ['incomplete', 'comparison', 'folds', 'significance', 'robustness'];

/** Fixed, so that the same scores always give the same report. */
const BOOTSTRAP_SEED = 0;
const RESAMPLE_COUNT = 2000;

interface ReportOptions extends CommonOptions {
  readonly format: string;
  readonly output?: string;
  readonly sections?: readonly string[];
}

/** `affectflow report`: the tables of what was run; exit code 1 where part of the experiment is missing. */
export async function report(file: string, options: ReportOptions): Promise<number> {
  return printReport(loadExperiment(file, options.set), options, options);
}

/** Reads the results of an experiment and prints them, or writes them to a file. */
export async function printReport(
  experiment: Experiment,
  {workspace: folder}: {readonly workspace?: string},
  {format, output, sections}: Pick<ReportOptions, 'format' | 'output' | 'sections'>,
): Promise<number> {
  checkNames('format', [format], formats);
  checkNames('section', sections ?? [], sectionNames);
  const workspace = openWorkspace(workspaceFolder(folder), 'read');
  try {
    const results = await readResults(experiment, workspace);
    if (results.scores.length === 0) {
      throw new UsageError(
        'not-run-yet',
        `no fold of '${experiment.name}' has been evaluated with these parameters`,
        `Run it first: affectflow run ${experiment.file}`,
      );
    }
    const whole = buildReport(results, {random: random(BOOTSTRAP_SEED), resampleCount: RESAMPLE_COUNT});
    const shown = sections ?? (format === 'text' ? TERMINAL_SECTIONS : sectionNames);
    const text = render(selectSections(whole, shown), format);
    if (output === undefined) print(text.trimEnd());
    else writeFileSync(output, text);
    return results.incomplete.length === 0 ? 0 : 1;
  } finally {
    workspace.close();
  }
}

function checkNames(what: string, names: readonly string[], known: readonly string[]): void {
  for (const name of names) {
    if (!known.includes(name))
      throw new UsageError('bad-option', `there is no ${what} '${name}'`, suggestion(name, known));
  }
}
