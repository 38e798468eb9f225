/** Reports as GitHub-flavoured Markdown. */
import {DASH, fixed, probability} from './number-text.js';
import type {Report, Section} from './report.js';
import {footnotesOf, notesOf, untitledIn} from './table.js';
import type {Cell, NumberCell, Table} from './table.js';

export function renderMarkdown(report: Report): string {
  const {version, device} = report.generated;
  const parts = [
    `# ${escaped(report.title)}`,
    ...report.sentences.map(escaped),
    ...report.sections.flatMap(renderSection),
    `Written by affectflow ${escaped(version)}, device ${escaped(device)}.`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function renderSection({title, tables}: Section): readonly string[] {
  return [`## ${escaped(title)}`, ...tables.flatMap((table) => renderMarkdownTable(untitledIn(title, table)))];
}

/** Blocks of a table: title, caption, grid, footnotes. Markdown has no column groups: titles are joined. */
export function renderMarkdownTable(table: Table): readonly string[] {
  const footnotes = footnotesOf(table);
  const columns = table.groups.flatMap(({title, columns}) =>
    columns.map((column) => ({...column, title: title === '' ? column.title : `${title} · ${column.title}`})),
  );
  const grid = [
    columns.map((column) => escaped(column.title)),
    columns.map((column) => (column.align === 'right' ? '--:' : ':--')),
    ...table.rows.map((row) => row.cells.map((cell) => cellText(cell) + marks(cell, footnotes))),
  ];
  return [
    ...(table.title === '' ? [] : [`**${escaped(table.title)}**`]),
    ...(table.caption.length > 0 ? [table.caption.map(escaped).join(' ')] : []),
    grid.map((cells) => `| ${cells.join(' | ')} |`).join('\n'),
    ...[...footnotes].map(([note, letter]) => `<sup>${letter}</sup> ${escaped(note)}`),
  ];
}

function cellText(cell: Cell): string {
  switch (cell.kind) {
    case 'text':
      return cell.isCode === true ? codeSpan(cell.text) : escaped(cell.text);
    case 'number':
      return cell.isBest === true ? `**${numberText(cell)}**` : numberText(cell);
    case 'interval':
      return `${fixed(cell.low, cell.decimals)} to ${fixed(cell.high, cell.decimals)}`;
    case 'probability':
      return escaped(probability(cell.value));
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

function marks(cell: Cell, footnotes: ReadonlyMap<string, string>): string {
  const letters = notesOf(cell).map((note) => footnotes.get(note)!);
  return letters.length === 0 ? '' : `<sup>${letters.join(', ')}</sup>`;
}

/** A name may hold anything a file name may: nothing of it becomes markup or ends a cell. */
function escaped(value: string): string {
  return value
    .replaceAll(/[&<\\`*_[\]>|~#]/g, (character) => ENTITIES[character] ?? `\\${character}`)
    .replaceAll(/\s*[\r\n]+\s*/g, ' ');
}

const ENTITIES: Readonly<Record<string, string>> = {'&': '&amp;', '<': '&lt;'};

/** Fenced by one backtick more than the longest run inside. */
function codeSpan(value: string): string {
  const runs = value.match(/`+/g) ?? [];
  const fence = '`'.repeat(1 + Math.max(0, ...runs.map((run) => run.length)));
  const padding = value.startsWith('`') || value.endsWith('`') ? ' ' : '';
  return `${fence}${padding}${value.replaceAll('|', '\\|').replaceAll(/[\r\n]+/g, ' ')}${padding}${fence}`;
}
