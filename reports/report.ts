/** A report as a value: what is said and which tables are shown, before anyone decides on a format. */
import {comparisonTable, foldTable, variantTable} from './ccc-table.js';
import {publishedTables, settingSentence} from './comparison.js';
import {ReportError} from './errors.js';
import {findings} from './finding.js';
import {provenanceTable} from './provenance.js';
import {robustnessTables} from './robustness.js';
import {foldNamesOf} from './score.js';
import type {ReportInput, Score} from './score.js';
import {significanceTable} from './significance.js';
import type {SignificanceOptions} from './significance.js';
import {alone, empty, left, number, prose, right, text} from './table.js';
import type {Table} from './table.js';

export const sectionNames = [
  'incomplete',
  'comparison',
  'folds',
  'variants',
  'significance',
  'robustness',
  'published',
  'data',
  'warnings',
  'provenance',
] as const;
export type SectionName = (typeof sectionNames)[number];

export interface Section {
  readonly name: SectionName;
  readonly title: string;
  readonly tables: readonly Table[];
}

export interface Report {
  readonly title: string;
  /** What a reader must know before looking at a table. */
  readonly sentences: readonly string[];
  readonly sections: readonly Section[];
  /** The scores themselves, for the tidy format. */
  readonly experiment: string;
  readonly scores: readonly Score[];
  readonly generated: ReportInput['generated'];
}

/**
 * Builds the whole report; sections without content are left out. Differences are tested only where `options` bring
 * a generator, so that a report is a function of its arguments.
 *
 * @throws ReportError 'ambiguous-score' where two scores claim one cell.
 */
export function buildReport(input: ReportInput, options?: SignificanceOptions): Report {
  return {
    title: `CCC report of ${input.experiment}`,
    sentences: [...incompleteSentence(input), ...leftOutSentence(input), settingSentence(input), ...findings(input)],
    sections: sectionsOf(input, options).filter((section) => section.tables.length > 0),
    experiment: input.experiment,
    scores: input.scores,
    generated: input.generated,
  };
}

function sectionsOf(input: ReportInput, options: SignificanceOptions | undefined): readonly Section[] {
  return [
    {
      name: 'incomplete',
      title: 'What is missing',
      tables: [...present(incompleteTable(input)), ...present(leftOutTable(input))],
    },
    {name: 'comparison', title: 'Fusion against single modalities', tables: [comparisonTable(input)]},
    {name: 'folds', title: 'Folds', tables: [foldTable(input)]},
    {name: 'variants', title: 'Other definitions of the metric', tables: present(variantTable(input))},
    {
      name: 'significance',
      title: 'Differences between systems',
      tables: present(options && significanceTable(input, options)),
    },
    {name: 'robustness', title: 'Robustness', tables: robustnessTables(input.robustness ?? [])},
    {name: 'published', title: 'Published numbers', tables: publishedTables(input)},
    {name: 'data', title: 'Data', tables: present(dataTable(input))},
    {name: 'warnings', title: 'Warnings', tables: present(warningTable(input))},
    {name: 'provenance', title: 'Provenance', tables: [provenanceTable(input)]},
  ];
}

/** Keeps some sections of a report, in the report's order: what a terminal shows after a run. */
export function selectSections(report: Report, names: readonly string[]): Report {
  const unknown = names.find((name) => !(sectionNames as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new ReportError(
      'unknown-section',
      `A report has no section '${unknown}'.`,
      `Choose among ${sectionNames.join(', ')}.`,
    );
  }
  return {...report, sections: report.sections.filter((section) => names.includes(section.name))};
}

const present = (table: Table | undefined): readonly Table[] => (table === undefined ? [] : [table]);

function incompleteSentence({incomplete}: ReportInput): readonly string[] {
  if (incomplete.length === 0) return [];
  const tasks = incomplete.length === 1 ? '1 task' : `${incomplete.length} tasks`;
  return [`This report is incomplete: ${tasks} failed or did not run, and what depends on them is shown as a dash.`];
}

function incompleteTable({incomplete}: ReportInput): Table | undefined {
  if (incomplete.length === 0) return undefined;
  return {
    name: 'incomplete',
    title: 'Tasks that failed or did not run',
    caption: [],
    groups: [alone(prose('Task'))],
    rows: incomplete.map((task) => ({cells: [text(task)]})),
  };
}

function leftOutSentence({leftOut = []}: ReportInput): readonly string[] {
  if (leftOut.length === 0) return [];
  const clips = leftOut.length === 1 ? '1 clip failed and is' : `${leftOut.length} clips failed and are`;
  return [`${clips} left out of training and evaluation of every system, as the experiment allows.`];
}

function leftOutTable({leftOut = []}: ReportInput): Table | undefined {
  if (leftOut.length === 0) return undefined;
  return {
    name: 'left-out',
    title: 'Clips that are left out',
    caption: [],
    groups: [alone(left('Clip'), left('Stage'), prose('What went wrong'))],
    rows: leftOut.map(({clip, stage, because}) => ({cells: [text(clip), text(stage), text(because)]})),
  };
}

/** Clips per fold, and how many of the validation clips have a score: a failed clip is missing from the last column. */
function dataTable(input: ReportInput): Table | undefined {
  if (input.folds.length === 0) return undefined;
  const scored = (fold: string): number | undefined => {
    const clips = input.scores.filter((score) => score.fold === fold && score.clip !== undefined);
    return clips.length === 0 ? undefined : new Set(clips.map((score) => score.clip)).size;
  };
  return {
    name: 'data',
    title: 'Clips per fold',
    caption: ['Scored: validation clips with a score of at least one system.'],
    groups: [alone(left('Fold')), {title: 'Clips', columns: [right('Train'), right('Validation'), right('Scored')]}],
    rows: foldNamesOf(input).map((name) => {
      const fold = input.folds.find((one) => one.name === name);
      return {
        cells: [text(name), number(fold?.train.length, 0), number(fold?.validation.length, 0), number(scored(name), 0)],
      };
    }),
  };
}

function warningTable({warnings}: ReportInput): Table | undefined {
  if (warnings.length === 0) return undefined;
  return {
    name: 'warnings',
    title: 'Warnings',
    caption: ['Recorded by the tasks behind these scores, also where their results were reused.'],
    groups: [alone(left('Clip'), left('Stage'), prose('Message'))],
    rows: warnings.map(({clip, stage, message}) => ({
      cells: [clip === undefined ? empty : text(clip), text(stage), text(message)],
    })),
  };
}
