/** Which columns of a table are features, and which says where a row belongs. */
import {badFeatures, type FeatureRow, type Table} from './feature-row.js';
import type {OwnParams} from './params.js';

/** Names under which common programs (OpenFace, openSMILE, MuSe, Affectflow itself) write frame and time. */
const frameNames = ['frameindex', 'frame_index', 'frame', 'frame_id'];
const timeNames = ['timeseconds', 'time_seconds', 'time', 'timestamp', 'frametime'];
/** Columns that are known to be no features; the last three are how pandas names the number of a row. */
const otherNames = [
  'name',
  'segment_id',
  'id',
  'index',
  'face_id',
  'file',
  'filename',
  '',
  'unnamed: 0',
  '__index_level_0__',
];

/**
 * Streams the features of a table. Cells may be numbers or lists of numbers; both are joined to one vector.
 *
 * @throws StageError 'bad-features' where a column is missing or a cell holds no number.
 */
export async function* tableRows(
  file: string,
  {names, rows}: Table,
  params: OwnParams,
): AsyncGenerator<FeatureRow, void, undefined> {
  const {keyColumn, featureColumns} = chooseColumns(file, names, params);
  let rowNumber = 0;
  for await (const cells of rows) {
    rowNumber += 1;
    const where = (column: number) =>
      `row ${rowNumber}, ${names ? `column '${names[column]!}'` : `column ${column + 1}`}`;
    const key = keyColumn === undefined ? undefined : single(file, cells[keyColumn], where(keyColumn));
    const columns = featureColumns ?? cells.map((_, column) => column);
    const values = columns.flatMap((column) => numbersOf(file, cells[column], where(column)));
    yield {key, values: Float32Array.from(values)};
  }
}

function chooseColumns(
  file: string,
  names: readonly string[] | undefined,
  {align, keyColumn, columns}: OwnParams,
): {keyColumn: number | undefined; featureColumns: readonly number[] | undefined} {
  if (names === undefined) {
    if (keyColumn !== undefined || columns !== undefined)
      throw lacks(file, keyColumn ?? columns![0]!, ['none: it has no header']);
    return {keyColumn: undefined, featureColumns: undefined};
  }
  const indexOf = (name: string) => {
    const index = names.indexOf(name);
    if (index < 0) throw lacks(file, name, names);
    return index;
  };
  const plain = names.map((name) => name.toLowerCase());
  const usual = plain.findIndex((name) => (align === 'frame' ? frameNames : timeNames).includes(name));
  const key = keyColumn === undefined ? (usual < 0 ? undefined : usual) : indexOf(keyColumn);
  const known = new Set([...frameNames, ...timeNames, ...otherNames]);
  const features =
    columns?.map(indexOf) ?? [...names.keys()].filter((column) => column !== key && !known.has(plain[column]!));
  if (features.length === 0) throw lacks(file, 'any feature', names);
  return {keyColumn: key, featureColumns: features};
}

function lacks(file: string, wanted: string, names: readonly string[]): Error {
  const shown = names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ');
  return badFeatures(
    file,
    `no column for '${wanted}'; its columns are ${shown}`,
    'Set own.columns and own.keyColumn to columns it has.',
  );
}

function single(file: string, cell: unknown, where: string): number {
  const [value, ...more] = numbersOf(file, cell, where);
  if (value !== undefined && more.length === 0) return value;
  throw badFeatures(
    file,
    `${where} holds ${more.length + 1} values`,
    'Name a column of single numbers by own.keyColumn.',
  );
}

function numbersOf(file: string, cell: unknown, where: string): readonly number[] {
  if (typeof cell === 'number') return [cell];
  if (typeof cell === 'bigint') return [Number(cell)];
  if (isList(cell)) return Array.from(cell, (value) => numbersOf(file, value, where)[0]!);
  const seen =
    cell === null || cell === undefined ? 'nothing' : typeof cell === 'string' ? `'${cell.slice(0, 40)}'` : typeof cell;
  throw badFeatures(
    file,
    `${where} holds ${seen}, no number`,
    'Leave the column out by own.columns, or write numbers.',
  );
}

/** Arrays, typed arrays and vectors of Arrow, but not text. */
function isList(cell: unknown): cell is Iterable<unknown> {
  return typeof cell === 'object' && cell !== null && Symbol.iterator in cell;
}
