/**
 * A table as a value, before anyone decides how it looks. Cells keep the number, not its text, and the fingerprints
 * of the tasks it came from.
 */

/** One cell. `missing` is printed as a dash: a value that should exist and does not. `empty` does not apply. */
export type Cell = TextCell | NumberCell | IntervalCell | ProbabilityCell | MissingCell | EmptyCell;

interface Annotated {
  /** Footnotes, as sentences; a renderer gives them letters. */
  readonly notes?: readonly string[];
}

export interface TextCell extends Annotated {
  readonly kind: 'text';
  readonly text: string;
  /** Something to type or to search for, such as a command. */
  readonly isCode?: boolean;
}

export interface NumberCell extends Annotated {
  readonly kind: 'number';
  readonly value: number;
  readonly decimals: number;
  /** Printed after ±; null where it does not exist (one fold, one seed). */
  readonly spread?: number | null;
  /** Whether a plus sign is printed: for differences. */
  readonly isSigned?: boolean;
  readonly isBest?: boolean;
  /** Whether something that should have entered the value is missing; such a value is never marked best. */
  readonly isPartial?: boolean;
  /** Fingerprints of the tasks the value was computed from. */
  readonly fingerprints: readonly string[];
}

export interface IntervalCell extends Annotated {
  readonly kind: 'interval';
  readonly low: number;
  readonly high: number;
  readonly decimals: number;
}

export interface ProbabilityCell extends Annotated {
  readonly kind: 'probability';
  readonly value: number;
}

export interface MissingCell extends Annotated {
  readonly kind: 'missing';
}

export interface EmptyCell {
  readonly kind: 'empty';
}

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Whether cells hold sentences, which a page has to wrap. */
  readonly isProse?: boolean;
  /** Whether a terminal, being narrow, leaves the column out. */
  readonly isDetail?: boolean;
}

export interface ColumnGroup {
  /** Empty for columns that stand alone. */
  readonly title: string;
  readonly columns: readonly Column[];
}

export interface Row {
  readonly cells: readonly Cell[];
  /** Whether a line is drawn above the row. */
  readonly startsBlock?: boolean;
}

export interface Table {
  /** Short name in kebab-case: a label in LaTeX. */
  readonly name: string;
  readonly title: string;
  /** Sentences that define every number of the table. */
  readonly caption: readonly string[];
  readonly groups: readonly ColumnGroup[];
  readonly rows: readonly Row[];
}

export const empty: EmptyCell = {kind: 'empty'};

export function text(value: string, notes: readonly string[] = []): TextCell {
  return notes.length === 0 ? {kind: 'text', text: value} : {kind: 'text', text: value, notes};
}

export function code(value: string): TextCell {
  return {kind: 'text', text: value, isCode: true};
}

export function missing(...notes: readonly string[]): MissingCell {
  return notes.length === 0 ? {kind: 'missing'} : {kind: 'missing', notes};
}

/** A number to so many decimals; a dash where it is undefined or not finite, so that NaN is never printed. */
export function number(
  value: number | undefined,
  decimals: number,
  more: Omit<Partial<NumberCell>, 'kind' | 'value' | 'decimals'> = {},
): NumberCell | MissingCell {
  if (value === undefined || !Number.isFinite(value)) return missing(...(more.notes ?? []));
  return {kind: 'number', value, decimals, fingerprints: [], ...more};
}

export function left(title: string): Column {
  return {title, align: 'left'};
}

export function right(title: string): Column {
  return {title, align: 'right'};
}

export function prose(title: string): Column {
  return {title, align: 'left', isProse: true};
}

/** Columns that belong to no group. */
export function alone(...columns: readonly Column[]): ColumnGroup {
  return {title: '', columns};
}

export function columnsOf(table: Table): readonly Column[] {
  return table.groups.flatMap((group) => group.columns);
}

export function notesOf(cell: Cell): readonly string[] {
  return cell.kind === 'empty' ? [] : (cell.notes ?? []);
}

/** Drops a title that repeats the heading above it. */
export function untitledIn(heading: string, table: Table): Table {
  return table.title === heading ? {...table, title: ''} : table;
}

/** Lists a table's distinct footnotes in the order a reader meets them, with their letters. */
export function footnotesOf(table: Table): ReadonlyMap<string, string> {
  const notes = new Set(table.rows.flatMap((row) => row.cells.flatMap(notesOf)));
  return new Map([...notes].map((note, index) => [note, letters(index)]));
}

/** a … z, aa, ab, … */
function letters(index: number): string {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}

/**
 * Marks the highest complete value of a column, and those printed alike, among the rows that compete. Nothing is
 * marked where fewer than two rows compete.
 */
export function markBest(
  rows: readonly Row[],
  column: number,
  competes: (row: Row) => boolean = () => true,
): readonly Row[] {
  const candidates = rows.filter(competes).flatMap((row) => {
    const cell = row.cells[column];
    return cell?.kind === 'number' && cell.isPartial !== true ? [cell] : [];
  });
  if (candidates.length < 2) return rows;
  const best = Math.max(...candidates.map(printed));
  const winners = new Set<Cell>(candidates.filter((cell) => printed(cell) === best));
  const mark = (cell: Cell): Cell => (cell.kind === 'number' && winners.has(cell) ? {...cell, isBest: true} : cell);
  return rows.map((row) => ({...row, cells: row.cells.map((cell, at) => (at === column ? mark(cell) : cell))}));
}

const printed = (cell: NumberCell): number => Number(cell.value.toFixed(cell.decimals));
