/** A report in one of its formats. */
import {renderCsv, renderWideCsv} from './csv.js';
import {ReportError} from './errors.js';
import {renderLatex} from './latex.js';
import {renderMarkdown} from './markdown.js';
import type {Report} from './report.js';
import {renderText} from './terminal.js';

export const formats = ['md', 'csv', 'csv-wide', 'latex', 'text'] as const;
export type Format = (typeof formats)[number];

const renderers: Readonly<Record<Format, (report: Report) => string>> = {
  md: renderMarkdown,
  csv: renderCsv,
  'csv-wide': renderWideCsv,
  latex: renderLatex,
  text: renderText,
};

/** Renders a report; every format ends with a line feed. */
export function render(report: Report, format: string): string {
  if (!isFormat(format)) {
    throw new ReportError(
      'unknown-format',
      `There is no report format '${format}'.`,
      `Choose among ${formats.join(', ')}.`,
    );
  }
  return renderers[format](report);
}

const isFormat = (format: string): format is Format => (formats as readonly string[]).includes(format);
