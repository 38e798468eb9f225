import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {renderLatexTable} from '../../reports/latex.js';
import {renderMarkdownTable} from '../../reports/markdown.js';
import {formats, render} from '../../reports/render.js';
import {buildReport, selectSections} from '../../reports/report.js';
import type {Report} from '../../reports/report.js';
import {alone, footnotesOf, left, number, right, text} from '../../reports/table.js';
import type {Table} from '../../reports/table.js';
import {renderTextTable} from '../../reports/terminal.js';
import {renderCsvTable} from '../../reports/csv.js';
import {random} from '../../stages/learning/random.js';
import {complete, damaged, without} from './sample.js';

const options = {random: random(1), resampleCount: 500};
const whole = buildReport(complete(), options);
const broken = buildReport(damaged(), options);
const extension = (format: string): string =>
  format === 'text' ? 'txt' : format === 'latex' ? 'tex' : format === 'csv-wide' ? 'wide.csv' : format;

describe.each(formats)('a report as %s', (format) => {
  test('of a finished experiment is the golden file', async () => {
    await expect(render(whole, format)).toMatchFileSnapshot(`../golden/reports/complete.${extension(format)}`);
  });

  test('of an experiment with failed tasks is the golden file', async () => {
    await expect(render(broken, format)).toMatchFileSnapshot(`../golden/reports/damaged.${extension(format)}`);
  });

  test('is the same each time', () => {
    expect(render(buildReport(complete(), options), format)).toBe(render(whole, format));
  });

  test('never shows NaN or undefined, whichever scores are missing or undefined', () => {
    const {scores, robustness} = damaged();
    const rest = without(damaged(), 'moments');
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({min: 0, max: 3})), (fates) => {
        const fate = () => fates.next().value as number;
        const survivors = scores
          .filter(() => fate() > 0)
          .map((one) => (fate() === 0 ? {...one, ccc: Number.NaN, rmse: Number.NaN} : one));
        const corrupted = robustness!.filter(() => fate() > 0);
        const shown = render(buildReport({...rest, scores: survivors, robustness: corrupted}), format);
        expect(shown).not.toMatch(/NaN|undefined|null|Infinity|\[object/);
      }),
      {numRuns: 15},
    );
  });

  test('exists for an experiment without a single score', () => {
    const rest = without(complete(), 'systems', 'robustness', 'moments');
    expect(render(buildReport({...rest, scores: [], incomplete: ['everything']}), format)).toMatch(/\n$/);
  });
});

describe('a wide CSV', () => {
  test('of one table is that table alone, as spreadsheets and data frames read it; of several each has a title', () => {
    const folds = selectSections(whole, ['folds']);
    const [table] = folds.sections[0]!.tables;
    expect(render(folds, 'csv-wide')).toBe(renderCsvTable(table!));
    const both = selectSections(whole, ['comparison', 'folds']);
    expect(render(both, 'csv-wide')).toContain(`\n\n${table!.title}\n`);
  });
});

describe('provenance', () => {
  test('names every task that any number of any table came from', () => {
    const commands = render(whole, 'md')
      .match(/`affectflow lineage why ([0-9a-f]+)`/g)!
      .map((one) => one.slice(24, -1));
    const used = new Set(fingerprintsOf(whole));
    expect(used.size).toBe(30 + 12);
    for (const fingerprint of used) expect(commands.filter((prefix) => fingerprint.startsWith(prefix))).toHaveLength(1);
  });

  test('lengthens prefixes until they tell all tasks apart', () => {
    const scores = complete().scores.map((one) => ({...one, fingerprint: one.fingerprint.slice(-6).padStart(32, '0')}));
    const rest = without(complete(), 'robustness');
    const shown = render(buildReport({...rest, scores}), 'md');
    const prefixes = new Set([...shown.matchAll(/lineage why ([0-9a-f]+)/g)].map(([, prefix]) => prefix!));
    expect(prefixes.size).toBe(30);
  });
});

function fingerprintsOf({sections}: Report): readonly string[] {
  return sections
    .flatMap((section) => section.tables)
    .flatMap((table) => table.rows)
    .flatMap((row) => row.cells)
    .flatMap((cell) => (cell.kind === 'number' ? cell.fingerprints : []));
}

describe('a table with hostile names', () => {
  const name = fc.string({unit: 'binary', maxLength: 12});
  const tableOf = (names: readonly string[]): Table => ({
    name: 'hostile',
    title: names.join(''),
    caption: [names.join(' ')],
    groups: [alone(left('Name')), {title: names[0] ?? '', columns: [right('A'), right('B')]}],
    rows: names.map((one) => ({cells: [text(one), number(0.5, 3, {notes: [one], spread: null}), number(-0.5, 3)]})),
  });
  const property = (check: (table: Table) => void) =>
    fc.assert(fc.property(fc.array(name, {minLength: 1, maxLength: 4}), (names) => check(tableOf(names))));

  test('keeps its grid in Markdown', () => {
    property((table) => {
      const grid = renderMarkdownTable(table)
        .find((block) => block.startsWith('| '))!
        .split('\n');
      expect(grid).toHaveLength(2 + table.rows.length);
      for (const line of grid) expect(line.replaceAll(/\\./gsu, '').split('|')).toHaveLength(5);
    });
  });

  test('keeps its columns and braces in LaTeX', () => {
    property((table) => {
      const latex = renderLatexTable(table)
        .replaceAll('\\\\', '\n')
        .replaceAll(/\\[&%$#_{}]/g, '');
      const body = latex
        .slice(latex.indexOf('\\midrule'), latex.indexOf('\\bottomrule'))
        .split('\n')
        .filter((line) => line.includes('0.500'));
      expect(body).toHaveLength(table.rows.length);
      for (const line of body) expect(line.split('&')).toHaveLength(3);
      expect(latex.split('{')).toHaveLength(latex.split('}').length);
    });
  });

  test('keeps its names in CSV', () => {
    property((table) => {
      const parsed = parseCsv(renderCsvTable(table)).slice(1);
      expect(parsed.map(([first]) => first)).toEqual(
        table.rows.map(({cells}) => (cells[0]!.kind === 'text' ? cells[0]!.text : '')),
      );
      for (const record of parsed) expect(record).toHaveLength(5);
    });
  });

  test('keeps one line per row in a terminal, without control characters', () => {
    property((table) => {
      const shown = renderTextTable(table);
      expect(shown).not.toMatch(/(?!\n)\p{Cc}/u);
      expect(shown.split('\n').filter((line) => line.includes('0.500 ± –'))).toHaveLength(table.rows.length);
    });
  });
});

/** RFC 4180, written apart from the product's own writer. */
function parseCsv(source: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let fields: string[] = [];
  for (const [, separator, quoted, plain] of source.matchAll(/(^|,|\n)(?:"((?:[^"]|"")*)"|([^",\n]*))/g)) {
    if (separator !== ',' && fields.length > 0) records.push(fields);
    fields = separator === ',' ? fields : [];
    fields.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
  }
  return records;
}

describe('formats', () => {
  test('that do not exist are refused with those that do', () => {
    expect(() => render(whole, 'pdf')).toThrow("There is no report format 'pdf'.");
  });

  test('align digits in a terminal whatever is marked', () => {
    const table: Table = {
      name: 'aligned',
      title: 'Aligned',
      caption: [],
      groups: [alone(left('名前'), right('CCC'))],
      rows: [
        {cells: [text('日本'), number(0.5, 3, {isBest: true})]},
        {cells: [text('a'), number(-0.25, 3, {notes: ['why']})]},
        {cells: [text('ab'), number(undefined, 3)]},
      ],
    };
    expect(renderTextTable(table)).toBe(
      [
        'Aligned',
        '名前        CCC',
        '----  ---------',
        '日本   0.500*',
        'a     -0.250[a]',
        'ab         –',
        '* best',
        '[a] why',
      ].join('\n'),
    );
  });

  test('letter footnotes in order of appearance, past the alphabet', () => {
    const rows = Array.from({length: 28}, (_, at) => ({cells: [number(at, 0, {notes: [`note ${at}`]})]}));
    const letters = footnotesOf({name: 'n', title: 'n', caption: [], groups: [alone(right('n'))], rows});
    expect([letters.get('note 0'), letters.get('note 25'), letters.get('note 26'), letters.get('note 27')]).toEqual([
      'a',
      'z',
      'aa',
      'ab',
    ]);
  });

  test('show the sections asked for, in the order of the report', () => {
    const names = selectSections(whole, ['folds', 'comparison']).sections.map((section) => section.name);
    expect(names).toEqual(['comparison', 'folds']);
    expect(() => selectSections(whole, ['plots'])).toThrow("A report has no section 'plots'.");
  });
});
