/** Text tables: cells parted by comma, semicolon (openSMILE) or tab, with or without a header. */
import {createReadStream} from 'node:fs';
import {createInterface} from 'node:readline';
import {badFeatures, type Table} from './feature-row.js';

/** Opens a table; a first line in which any cell is no number is its header. Throws StageError 'bad-features'. */
export async function openCsv(file: string): Promise<Table> {
  const lines = linesOf(file);
  const first = await lines.next();
  if (first.done === true) throw badFeatures(file, 'it is empty', 'Write one line per frame, or remove the file.');
  const delimiter = delimiterOf(first.value.text);
  const cells = split(first.value.text, delimiter);
  const isHeader = cells.some((cell) => toNumber(cell) === undefined);
  return {
    names: isHeader ? cells : undefined,
    rows: rowsOf({file, lines, delimiter, first: isHeader ? undefined : cells, cellCount: cells.length}),
  };
}

interface Line {
  readonly text: string;
  readonly number: number;
}

async function* linesOf(file: string): AsyncGenerator<Line, void, undefined> {
  let number = 0;
  for await (const text of createInterface({input: createReadStream(file, 'utf8'), crlfDelay: Infinity})) {
    number += 1;
    const line = number === 1 ? text.replace(/^\uFEFF/, '') : text;
    if (line.trim() !== '') yield {text: line, number};
  }
}

async function* rowsOf({
  file,
  lines,
  delimiter,
  first,
  cellCount,
}: {
  file: string;
  lines: AsyncIterable<Line>;
  delimiter: string;
  first: readonly string[] | undefined;
  cellCount: number;
}): AsyncGenerator<readonly unknown[], void, undefined> {
  if (first) yield first.map(cellValue);
  for await (const {text, number} of lines) {
    const cells = split(text, delimiter);
    if (cells.length !== cellCount) {
      const seen = `line ${number} has ${cells.length} cells, the first line ${cellCount}`;
      throw badFeatures(file, seen, 'Give every line the same number of cells.');
    }
    yield cells.map(cellValue);
  }
}

function delimiterOf(line: string): string {
  const counts = [',', ';', '\t'].map((mark) => ({mark, count: line.split(mark).length}));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).mark;
}

function split(line: string, delimiter: string): string[] {
  return line.split(delimiter).map((cell) => cell.trim().replace(/^(["'])(.*)\1$/, '$2'));
}

function cellValue(cell: string): number | string {
  return toNumber(cell) ?? cell;
}

/** NaN and infinities count as numbers, so that the message about them is the right one. */
function toNumber(cell: string): number | undefined {
  if (/^[+-]?(nan|inf(inity)?)$/i.test(cell))
    return /nan/i.test(cell) ? NaN : cell.startsWith('-') ? -Infinity : Infinity;
  const value = cell === '' ? NaN : Number(cell);
  return Number.isNaN(value) ? undefined : value;
}
