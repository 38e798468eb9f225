/** Reports as CSV (RFC 4180, line feeds): tidy, one line per recorded score; or wide, the tables as they are read. */
import {exact} from './number-text.js';
import type {Report} from './report.js';
import type {Cell, Row, Table} from './table.js';
import {columnsOf, notesOf} from './table.js';
import type {Score} from './score.js';

const TIDY_COLUMNS: readonly (readonly [string, (score: Score) => string])[] = [
  ['system', (score) => score.system],
  ['label', (score) => score.label],
  ['modalities', (score) => score.modalities.join('+')],
  ['preset', (score) => score.preset],
  ['backbones', (score) => score.backbones],
  ['fold', (score) => score.fold],
  ['seed', (score) => String(score.seed)],
  ['target', (score) => score.target],
  ['variant', (score) => score.variant],
  ['clip', (score) => score.clip ?? ''],
  ['ccc', (score) => exact(score.ccc)],
  ['pearson', (score) => exact(score.pearson)],
  ['rmse', (score) => exact(score.rmse)],
  ['frameCount', (score) => String(score.frameCount)],
  ['fingerprint', (score) => score.fingerprint],
];

/** One line per score with every digit and its fingerprint; an empty field where a value is undefined. */
export function renderCsv({experiment, scores}: Report): string {
  const header = ['experiment', ...TIDY_COLUMNS.map(([name]) => name)];
  return records([header, ...scores.map((score) => [experiment, ...TIDY_COLUMNS.map(([, read]) => read(score))])]);
}

/** Every table: a line with its title, a header, its rows, an empty line. A single table is plain CSV without a title. */
export function renderWideCsv(report: Report): string {
  const tables = report.sections.flatMap((section) => section.tables);
  if (tables.length === 1) return renderCsvTable(tables[0]!);
  return tables.map((table) => records([[table.title]]) + renderCsvTable(table)).join('\n');
}

/** One table with a header line; a value with a spread fills two columns, an interval two, footnotes the last. */
export function renderCsvTable(table: Table): string {
  const groupOf = table.groups.flatMap((group) => group.columns.map(() => group.title));
  const parts = columnsOf(table).map((_, at) => partsOf(table.rows, at));
  const hasNotes = table.rows.some((row) => row.cells.some((cell) => notesOf(cell).length > 0));
  const header = columnsOf(table).flatMap(({title}, at) => {
    const name = groupOf[at] === '' ? title : `${groupOf[at]!} ${title}`;
    return parts[at]!.map((part) => (part === '' ? name : `${name} ${part}`));
  });
  const rows = table.rows.map((row) => [
    ...row.cells.flatMap((cell, at) => parts[at]!.map((part) => fieldOf(cell, part))),
    ...(hasNotes ? [[...new Set(row.cells.flatMap(notesOf))].join(' ')] : []),
  ]);
  return records([[...header, ...(hasNotes ? ['notes'] : [])], ...rows]);
}

type Part = '' | 'sd' | 'low' | 'high';

function partsOf(rows: readonly Row[], column: number): readonly Part[] {
  const cells = rows.map((row) => row.cells[column]!);
  if (cells.some((cell) => cell.kind === 'interval')) return ['low', 'high'];
  return cells.some((cell) => cell.kind === 'number' && cell.spread !== undefined) ? ['', 'sd'] : [''];
}

function fieldOf(cell: Cell, part: Part): string {
  switch (cell.kind) {
    case 'text':
      return cell.text;
    case 'number':
      return part === 'sd' ? exact(cell.spread ?? Number.NaN) : exact(cell.value);
    case 'interval':
      return exact(part === 'low' ? cell.low : cell.high);
    case 'probability':
      return exact(cell.value);
    case 'missing':
    case 'empty':
      return '';
  }
}

function records(rows: readonly (readonly string[])[]): string {
  return rows.map((fields) => `${fields.map(quoted).join(',')}\n`).join('');
}

function quoted(field: string): string {
  return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
