/**
 * Reads an annotation file. Two forms are known:
 *
 *     valence,arousal          Aff-Wild2: line k after the header belongs to frame k; -5 is not annotated
 *     time,valence,arousal     plain table: seconds, or frame numbers under the heading `frame`
 *
 * Columns may stand in any order, be separated by comma, semicolon or tab, and other columns are ignored.
 */
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {StageError} from '../errors.js';

export interface Annotation {
  /** What says to which frame a row belongs: its line, a frame number, or a time in seconds. */
  readonly key: 'line' | 'frame' | 'time';
  /** One entry per row, in the order of the file. */
  readonly rows: readonly AnnotationRow[];
}

export interface AnnotationRow {
  /** Line of the file, counted from 1, for messages. */
  readonly line: number;
  /** Frame number or seconds, as `key` says; the row's position where it is 'line'. */
  readonly at: number;
  /** As written: values outside [-1, 1] are not yet judged. */
  readonly valence: number;
  readonly arousal: number;
}

/**
 * Reads and checks an annotation file.
 *
 * @throws StageError 'unreadable-file' or 'bad-annotation', with the line and what was seen there.
 */
export async function readAnnotation(file: string): Promise<Annotation> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    const seen = cause instanceof Error ? cause.message : String(cause);
    throw new StageError(
      'unreadable-file',
      `annotation "${path.basename(file)}" cannot be read: ${seen}`,
      'Check the path and its permissions.',
      {cause},
    );
  });
  return parseAnnotation(bytes.toString('utf8'), path.basename(file));
}

/** Parses the text of an annotation file; `name` is for messages. */
function parseAnnotation(text: string, name: string): Annotation {
  const lines = text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r\n|\n|\r/);
  const complain = complaintsAbout(name);
  if (lines.length === 1 && lines[0]?.trim() === '') throw complain('is empty', 'at least a header');
  if (text.includes('\0'))
    throw complain('is not UTF-8 text', 'a text file; if it was saved as UTF-16, save it as UTF-8');
  const header = parseHeader(lines[0] ?? '', complain);
  const rows = lines.slice(1).map((line, index) => parseRow(line, index, header, complain));
  if (header.key !== 'line') checkOrder(rows, header.key, complain);
  return {key: header.key, rows};
}

/** Makes the error for a file: what was seen, what was expected instead. */
type Complain = (seen: string, expected: string) => StageError;

function complaintsAbout(name: string): Complain {
  return (seen, expected) =>
    new StageError(
      'bad-annotation',
      `annotation "${name}" ${seen}; expected ${expected}`,
      'Correct the file, or exclude the clip.',
    );
}

interface Header {
  readonly key: Annotation['key'];
  readonly separator: string;
  readonly columnCount: number;
  /** Column of the key; -1 where it is the line. */
  readonly at: number;
  readonly valence: number;
  readonly arousal: number;
}

function parseHeader(line: string, complain: Complain): Header {
  const separator = ['\t', ';', ','].find((candidate) => line.includes(candidate)) ?? ',';
  const names = cells(line, separator).map((name) => name.toLowerCase());
  const place = (name: string) => names.indexOf(name);
  const key = place('frame') >= 0 ? 'frame' : place('time') >= 0 ? 'time' : 'line';
  const twice = ['frame', 'time', 'valence', 'arousal'].some((name) => place(name) !== names.lastIndexOf(name));
  if (place('valence') < 0 || place('arousal') < 0 || twice || (place('frame') >= 0 && place('time') >= 0)) {
    throw complain(
      `has the header ${quoted(line)} in line 1`,
      'the header "valence,arousal", or "time,valence,arousal" or "frame,valence,arousal"',
    );
  }
  return {
    key,
    separator,
    columnCount: names.length,
    at: place(key),
    valence: place('valence'),
    arousal: place('arousal'),
  };
}

function parseRow(text: string, index: number, header: Header, complain: Complain): AnnotationRow {
  const line = index + 2;
  const values = cells(text, header.separator);
  if (text.trim() === '') throw complain(`has an empty line ${line}`, `${header.columnCount} values`);
  if (values.length !== header.columnCount) {
    throw complain(
      `has ${values.length} values in line ${line} (${quoted(text)})`,
      `${header.columnCount} as in the header`,
    );
  }
  const number = (column: number) => {
    const value = values[column] ?? '';
    // With semicolons or tabs between columns, a comma can only be a decimal comma.
    const plain = header.separator === ',' ? value : value.replace(',', '.');
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain))
      throw complain(`has ${quoted(value)} in line ${line}`, 'a number');
    return Number(plain);
  };
  const at = header.at < 0 ? index : number(header.at);
  if (at < 0) throw complain(`has the ${header.key} ${at} in line ${line}`, 'no negative one');
  if (header.key === 'frame' && !Number.isInteger(at))
    throw complain(`has the frame ${at} in line ${line}`, 'a whole number');
  return {line, at, valence: number(header.valence), arousal: number(header.arousal)};
}

function checkOrder(rows: readonly AnnotationRow[], key: string, complain: Complain): void {
  rows.forEach((row, index) => {
    const before = rows[index - 1];
    if (before && row.at <= before.at) {
      throw complain(
        `has the ${key} ${row.at} in line ${row.line} after ${before.at} in line ${before.line}`,
        'rising values',
      );
    }
  });
}

function cells(line: string, separator: string): string[] {
  return line.split(separator).map((cell) =>
    cell
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .trim(),
  );
}

function quoted(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
}
