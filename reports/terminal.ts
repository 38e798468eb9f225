/** Reports as plain aligned text for the console: no colour, no escape codes, no wrapping of tables. */
import {DASH, fixed, probability} from './number-text.js';
import type {Report, Section} from './report.js';
import {columnsOf, footnotesOf, notesOf, untitledIn} from './table.js';
import type {Cell, Column, NumberCell, Row, Table} from './table.js';

const GAP = '  ';
/** Columns of the narrowest terminal worth planning for; sentences are wrapped to it. */
const SENTENCE_WIDTH = 100;

export function renderText(report: Report): string {
  const {version, device} = report.generated;
  const parts = [
    heading(printable(report.title), '='),
    ...report.sentences.map(wrapped),
    ...report.sections.flatMap(renderSection),
    `Written by affectflow ${printable(version)}, device ${printable(device)}.`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function renderSection({title, tables}: Section): readonly string[] {
  return [heading(printable(title), '-'), ...tables.map((table) => renderTextTable(untitledIn(title, table)))];
}

const heading = (title: string, line: string): string => `${title}\n${line.repeat(width(title))}`;

/** A cell in two parts, so that digits stay aligned whatever is marked: '0.585' and '* a'. */
interface Shown {
  readonly body: string;
  readonly suffix: string;
}

/** One table: title, grid, footnotes, caption. Columns of detail are left out; long sentences are listed, not set in columns. */
export function renderTextTable(full: Table): string {
  const table = withoutDetail(full);
  const footnotes = footnotesOf(table);
  const isMarked = table.rows.some((row) => row.cells.some((cell) => cell.kind === 'number' && cell.isBest === true));
  return [
    ...(table.title === '' ? [] : [printable(table.title)]),
    ...(isTooWide(table) ? listLines(table) : gridLines(table, footnotes)).map((text) => text.trimEnd()),
    ...(isMarked ? ['* best'] : []),
    ...[...footnotes].map(([note, letter]) => wrapped(`[${letter}] ${note}`)),
    ...(table.caption.length > 0 ? [wrapped(table.caption.join(' '))] : []),
  ].join('\n');
}

function gridLines(table: Table, footnotes: ReadonlyMap<string, string>): readonly string[] {
  const columns = columnsOf(table);
  const shown = table.rows.map((row) => row.cells.map((cell) => show(cell, footnotes)));
  const layout = columns.map((column, at) =>
    layoutOf(
      column,
      shown.map((cells) => cells[at]!),
    ),
  );
  const widths = widened(
    table,
    layout.map(({total}) => total),
  );
  const rule = widths.map((columnWidth) => '-'.repeat(columnWidth)).join(GAP);
  return [
    ...groupLine(table, widths),
    columns.map(({title, align}, at) => pad(printable(title), widths[at]!, align)).join(GAP),
    rule,
    ...table.rows.flatMap((row, at) => rowLines({row, at, cells: shown[at]!, columns, layout, widths, rule})),
  ];
}

/** Whether sentences would make a line longer than a sentence may be. */
function isTooWide(table: Table): boolean {
  if (!columnsOf(table).some((column) => column.isProse === true)) return false;
  return gridLines(table, new Map()).some((text) => width(text) > SENTENCE_WIDTH);
}

/** The first column of a row on a line, the others beneath it by name. */
function listLines(table: Table): readonly string[] {
  const [, ...others] = columnsOf(table);
  return table.rows.flatMap(({cells}) => {
    const [first, ...rest] = cells.map(cellText);
    const named = rest.map((value, at) => wrapped(`${others[at]!.title}: ${value}`).replaceAll('\n', '\n    '));
    return [wrapped(first!), ...named.map((text) => `  ${text}`)];
  });
}

function withoutDetail(table: Table): Table {
  const keeps = table.groups.flatMap((group) => group.columns.map((column) => column.isDetail !== true));
  return {
    ...table,
    groups: table.groups.map((group) => ({
      ...group,
      columns: group.columns.filter((column) => column.isDetail !== true),
    })),
    rows: table.rows.map((row) => ({...row, cells: row.cells.filter((_, at) => keeps[at])})),
  };
}

interface Layout {
  readonly body: number;
  readonly suffix: number;
  readonly total: number;
}

function layoutOf({title}: Column, cells: readonly Shown[]): Layout {
  const body = Math.max(0, ...cells.map((cell) => width(cell.body)));
  const suffix = Math.max(0, ...cells.map((cell) => width(cell.suffix)));
  return {body, suffix, total: Math.max(width(printable(title)), body + suffix)};
}

/** Widens the last column of a group whose title is wider than its columns. */
function widened({groups}: Table, widths: readonly number[]): readonly number[] {
  const result = [...widths];
  let first = 0;
  for (const {title, columns} of groups) {
    const last = first + columns.length - 1;
    result[last]! += Math.max(0, width(printable(title)) - spanOf(result.slice(first, last + 1)));
    first += columns.length;
  }
  return result;
}

const spanOf = (widths: readonly number[]): number =>
  widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1);

function groupLine({groups}: Table, widths: readonly number[]): readonly string[] {
  if (groups.every(({title}) => title === '')) return [];
  let first = 0;
  const cells = groups
    .filter(({columns}) => columns.length > 0)
    .map(({title, columns}) => {
      const span = spanOf(widths.slice(first, first + columns.length));
      first += columns.length;
      return title === '' ? ' '.repeat(span) : centred(` ${printable(title)} `, span);
    });
  return [cells.join(GAP)];
}

function centred(title: string, span: number): string {
  const free = Math.max(0, span - width(title));
  return free === 0
    ? pad(title.trim(), span, 'left')
    : '-'.repeat(Math.floor(free / 2)) + title + '-'.repeat(Math.ceil(free / 2));
}

interface RowRequest {
  readonly row: Row;
  readonly at: number;
  readonly cells: readonly Shown[];
  readonly columns: readonly Column[];
  readonly layout: readonly Layout[];
  readonly widths: readonly number[];
  readonly rule: string;
}

function rowLines({row, at, cells, columns, layout, widths, rule}: RowRequest): readonly string[] {
  const text = cells.map(({body, suffix}, column) => {
    if (columns[column]!.align === 'left') return pad(body + suffix, widths[column]!, 'left');
    return pad(body + pad(suffix, layout[column]!.suffix, 'left'), widths[column]!, 'right');
  });
  return row.startsBlock === true && at > 0 ? [rule, text.join(GAP)] : [text.join(GAP)];
}

function show(cell: Cell, footnotes: ReadonlyMap<string, string>): Shown {
  const letters = notesOf(cell)
    .map((note) => `[${footnotes.get(note)!}]`)
    .join('');
  const star = cell.kind === 'number' && cell.isBest === true ? '*' : '';
  return {body: cellText(cell), suffix: star + letters};
}

function cellText(cell: Cell): string {
  switch (cell.kind) {
    case 'text':
      return printable(cell.text);
    case 'number':
      return numberText(cell);
    case 'interval':
      return `${fixed(cell.low, cell.decimals)} to ${fixed(cell.high, cell.decimals)}`;
    case 'probability':
      return probability(cell.value);
    case 'missing':
      return DASH;
    case 'empty':
      return '';
  }
}

function numberText({value, decimals, isSigned, spread}: NumberCell): string {
  const digits = fixed(value, decimals, isSigned);
  return spread === undefined ? digits : `${digits} ± ${spread === null ? DASH : fixed(spread, decimals)}`;
}

function pad(value: string, columnWidth: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, columnWidth - width(value)));
  return align === 'left' ? value + space : space + value;
}

/** Columns a terminal gives to a text: two for East Asian wide characters, none for combining marks. */
function width(value: string): number {
  return [...value].reduce((sum, character) => sum + (COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1), 0);
}

const COMBINING = /\p{Mn}|\p{Me}|\u200d|\ufe0f/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** A name may hold anything a file name may: nothing of it moves the cursor or breaks a line. */
function printable(value: string): string {
  return value.replaceAll(/\s+/g, ' ').replaceAll(/\p{Cc}/gu, '\ufffd');
}

function wrapped(sentence: string): string {
  const lines: string[] = [];
  for (const word of printable(sentence).split(' ')) {
    const last = lines.at(-1);
    const fits = last !== undefined && width(last) + 1 + width(word) <= SENTENCE_WIDTH;
    if (fits) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
