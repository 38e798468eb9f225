/** Reports as LaTeX: one table environment per table, rules of booktabs, wide ones scaled by graphicx. */
import {fixed, probability} from './number-text.js';
import type {Report, Section} from './report.js';
import {columnsOf, footnotesOf, notesOf} from './table.js';
import type {Cell, Column, NumberCell, Row, Table} from './table.js';

export function renderLatex(report: Report): string {
  const {version, device} = report.generated;
  const parts = [
    [`% ${oneLine(report.title)}`, `% Written by affectflow ${oneLine(version)}, device ${oneLine(device)}.`],
    [
      '% Needs \\usepackage{booktabs}, \\usepackage{graphicx}, UTF-8 input and \\usepackage[T1]{fontenc}; names in other scripts need a Unicode engine.',
    ],
    report.sentences.map((sentence) => `% ${oneLine(sentence)}`),
    ...report.sections.flatMap(renderSection),
  ];
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Provenance is for whoever reads the source, not for the page. */
function renderSection({name, tables}: Section): readonly (readonly string[])[] {
  return name === 'provenance' ? tables.map(asComment) : tables.map((table) => [renderLatexTable(table)]);
}

function asComment(table: Table): readonly string[] {
  const lines = table.rows.map((row) =>
    row.cells.map((cell) => (cell.kind === 'text' ? oneLine(cell.text) : '')).join('; '),
  );
  return [`% ${oneLine(table.title)}. ${oneLine(table.caption.join(' '))}`, ...lines.map((line) => `% ${line}`)];
}

export function renderLatexTable(table: Table): string {
  const footnotes = footnotesOf(table);
  const columns = columnsOf(table);
  const body = [
    '\\toprule',
    ...groupLines(table),
    line(columns.map(({title}) => escaped(title))),
    '\\midrule',
    ...table.rows.flatMap((row, at) => rowLines(row, at, footnotes)),
    '\\bottomrule',
  ];
  return [
    '\\begin{table}[t]',
    '  \\centering',
    `  \\caption{${[`${table.title}.`, ...table.caption].map(escaped).join(' ')}}`,
    `  \\label{tab:${table.name}}`,
    ...(isWide(table) ? ['  \\resizebox{\\linewidth}{!}{%'] : []),
    `  \\begin{tabular}{${columns.map(specification).join('')}}`,
    ...body.map((text) => `    ${text}`),
    isWide(table) ? '  \\end{tabular}}' : '  \\end{tabular}',
    ...[...footnotes].map(([note, letter]) => `  \\par\\footnotesize\\textsuperscript{${letter}} ${escaped(note)}`),
    '\\end{table}',
  ].join('\n');
}

/** Characters that fit a line of a one-column article at 10 pt, with the space between columns as three. */
const LINE_CHARACTERS = 80;

/** Whether a table is scaled to the line: it would run into the margin, and blowing up a small one would be no better. */
function isWide(table: Table): boolean {
  const widest = columnsOf(table).map(({title}, at) =>
    Math.max(title.length, ...table.rows.map((row) => plainLength(row.cells[at]!))),
  );
  return widest.reduce((sum, length) => sum + length + 3, 0) > LINE_CHARACTERS;
}

const plainLength = (cell: Cell): number => cellText(cell).replaceAll(/\\[a-z]+|[{}$]/g, '').length;

function specification({align, isProse}: Column): string {
  if (isProse === true) return 'p{0.35\\linewidth}';
  return align === 'right' ? 'r' : 'l';
}

/** The line of group titles and the partial rules beneath it; none where no group has a title. */
function groupLines({groups}: Table): readonly string[] {
  if (groups.every((group) => group.title === '')) return [];
  const titles = groups.flatMap(({title, columns}) =>
    title === '' ? columns.map(() => '') : [`\\multicolumn{${columns.length}}{c}{${escaped(title)}}`],
  );
  let first = 1;
  const rules = groups.flatMap(({title, columns}) => {
    const rule = `\\cmidrule(lr){${first}-${first + columns.length - 1}}`;
    first += columns.length;
    return title === '' ? [] : [rule];
  });
  return [line(titles), rules.join(' ')];
}

function rowLines({cells, startsBlock}: Row, at: number, footnotes: ReadonlyMap<string, string>): readonly string[] {
  const text = line(cells.map((cell) => cellText(cell) + marks(cell, footnotes)));
  return startsBlock === true && at > 0 ? ['\\midrule', text] : [text];
}

const line = (cells: readonly string[]): string => `${cells.join(' & ')} \\\\`;

function cellText(cell: Cell): string {
  switch (cell.kind) {
    case 'text':
      return cell.isCode === true ? `\\texttt{${escaped(cell.text)}}` : escaped(cell.text);
    case 'number':
      return cell.isBest === true ? `\\textbf{${numberText(cell)}}` : numberText(cell);
    case 'interval':
      return `${minus(fixed(cell.low, cell.decimals))} to ${minus(fixed(cell.high, cell.decimals))}`;
    case 'probability':
      return escaped(probability(cell.value));
    case 'missing':
      return '--';
    case 'empty':
      return '';
  }
}

function numberText({value, decimals, isSigned, spread}: NumberCell): string {
  const digits = minus(fixed(value, decimals, isSigned));
  return spread === undefined ? digits : `${digits} $\\pm$ ${spread === null ? '--' : fixed(spread, decimals)}`;
}

const minus = (digits: string): string => digits.replace('-', '$-$').replace('+', '$+$');

function marks(cell: Cell, footnotes: ReadonlyMap<string, string>): string {
  const letters = notesOf(cell).map((note) => footnotes.get(note)!);
  return letters.length === 0 ? '' : `\\textsuperscript{${letters.join(',')}}`;
}

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': '\\textquotedbl{}',
  '±': '$\\pm$',
  '–': '--',
  '·': '$\\cdot$',
  // After \\ both would be read as its argument.
  '[': '{[}',
  '*': '{*}',
};

/** A name may hold anything a file name may: nothing of it becomes a command. */
function escaped(value: string): string {
  return oneLine(value).replaceAll(
    /[\\~^<>|"±–·[*&%$#_{}]|-(?=-)/g,
    (character) => SPECIAL[character] ?? (character === '-' ? '-{}' : `\\${character}`),
  );
}

const oneLine = (value: string): string => value.replaceAll(/\s*[\r\n\u2028\u2029]+\s*/g, ' ');
