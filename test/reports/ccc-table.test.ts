import {describe, expect, test} from 'vitest';
import {comparisonTable, foldTable, variantTable} from '../../reports/ccc-table.js';
import {findings} from '../../reports/finding.js';
import type {ReportInput, Score, SystemDescription} from '../../reports/score.js';
import {columnsOf, notesOf} from '../../reports/table.js';
import type {Cell, Table} from '../../reports/table.js';
import {complete, fingerprintOf, grjca, rcma, score, single} from './sample.js';

/** An experiment of so many folds, from scores alone. */
function experiment(
  scores: readonly Score[],
  foldNames: readonly string[],
  more: Partial<ReportInput> = {},
): ReportInput {
  return {
    experiment: 'hand',
    scores,
    folds: foldNames.map((name) => ({name, train: [], validation: []})),
    warnings: [],
    incomplete: [],
    isEmbeddedDefault: false,
    generated: {version: '0', device: 'cpu'},
    ...more,
  };
}

/** Valence and arousal of one fold and seed. */
function both(
  row: SystemDescription,
  fold: string,
  seed: number,
  [valence, arousal]: readonly [number, number],
): readonly Score[] {
  return [
    score(row, {fold, seed, target: 'valence', ccc: valence}),
    score(row, {fold, seed, target: 'arousal', ccc: arousal}),
  ];
}

/** A row's cells by 'Group Column'. */
function cellsOf(table: Table, row: number): Readonly<Record<string, Cell>> {
  const groups = table.groups.flatMap((group) => group.columns.map(() => group.title));
  return Object.fromEntries(
    columnsOf(table).map(({title}, at) => [`${groups[at]!} ${title}`.trim(), table.rows[row]!.cells[at]!]),
  );
}

const valueOf = (cell: Cell | undefined): number | string =>
  cell?.kind === 'number' ? Number(cell.value.toFixed(9)) : cell?.kind === 'text' ? cell.text : (cell?.kind ?? 'none');

describe('the table of folds', () => {
  const scores = [
    ...both(rcma, 'f0', 1, [0.5, 0.7]),
    ...both(rcma, 'f0', 2, [0.6, 0.6]),
    ...both(rcma, 'f1', 1, [0.3, 0.5]),
    ...both(rcma, 'f1', 2, [0.2, 0.6]),
  ];

  test('averages seeds within a fold, then folds, as computed by hand', () => {
    const table = foldTable(experiment(scores, ['f0', 'f1']));
    const read = (row: number) =>
      ['Valence', 'Arousal', 'Average'].map((column) => valueOf(cellsOf(table, row)[column]));
    expect(read(0)).toEqual([0.55, 0.65, 0.6]);
    expect(read(1)).toEqual([0.25, 0.55, 0.4]);
    expect(read(2)).toEqual([0.4, 0.6, 0.5]);
    // Seed means over folds: valence 0.4 and 0.4; arousal 0.6 and 0.6; average 0.5 and 0.5.
    expect(read(3)).toEqual([0, 0, 0]);
    const mean = cellsOf(table, 2)['Valence'];
    // Fold values 0.55 and 0.25: deviation with divisor n − 1 is 0.3 / √2.
    expect(mean?.kind === 'number' && mean.spread).toBeCloseTo(0.3 / Math.SQRT2, 12);
  });

  test('states the deviation over seeds of the mean over folds', () => {
    const table = foldTable(
      experiment([...both(rcma, 'f0', 1, [0.5, 0.7]), ...both(rcma, 'f0', 2, [0.6, 0.6])], ['f0']),
    );
    expect(valueOf(cellsOf(table, 2)['Valence'])).toBeCloseTo(0.1 / Math.SQRT2, 9);
    const mean = cellsOf(table, 1)['Valence'];
    expect(mean?.kind === 'number' && mean.spread).toBeNull();
  });

  test('shows a dash for deviations of one fold and one seed', () => {
    const table = foldTable(experiment(both(rcma, 'f0', 1, [0.5, 0.7]), ['f0']));
    expect(cellsOf(table, 2)['Average']?.kind).toBe('missing');
  });

  test('weighs folds alike however many seeds they have, and says which seed is missing', () => {
    const table = foldTable(
      experiment(
        scores.filter((one) => one.fold === 'f0' || one.seed === 1),
        ['f0', 'f1'],
      ),
    );
    expect(valueOf(cellsOf(table, 1)['Valence'])).toBe(0.3);
    expect(valueOf(cellsOf(table, 2)['Valence'])).toBe(0.425);
    expect(notesOf(cellsOf(table, 1)['Valence']!)).toEqual(['No CCC for seed 2.']);
    expect(notesOf(cellsOf(table, 2)['Valence']!)).toEqual([
      'Mean over 2 of 2 folds; some seeds without one in fold f1.',
    ]);
    // Only fold f0 has both seeds.
    expect(valueOf(cellsOf(table, 3)['Valence'])).toBeCloseTo(0.1 / Math.SQRT2, 9);
  });

  test('shows a missing fold as a dash and averages the others, with a footnote', () => {
    const table = foldTable(
      experiment(
        scores.filter((one) => one.fold === 'f0'),
        ['f0', 'f1'],
      ),
    );
    expect(cellsOf(table, 1)['Valence']).toEqual({kind: 'missing', notes: ['No CCC for seeds 1, 2.']});
    expect(notesOf(cellsOf(table, 2)['Valence']!)).toEqual(['Mean over 1 of 2 folds; no CCC for fold f1.']);
  });

  test('treats an undefined CCC as missing, for its target and for the average', () => {
    const undefinedArousal = scores.map((one) =>
      one.fold === 'f1' && one.target === 'arousal' ? {...one, ccc: Number.NaN} : one,
    );
    const table = foldTable(experiment(undefinedArousal, ['f0', 'f1']));
    expect(['Valence', 'Arousal', 'Average'].map((column) => valueOf(cellsOf(table, 1)[column]))).toEqual([
      0.25,
      'missing',
      'missing',
    ]);
  });

  test('shows a planned system without any score, and planned seeds that no fold has', () => {
    const table = foldTable(
      experiment(both(rcma, 'f0', 1, [0.5, 0.7]), ['f0'], {systems: [rcma, grjca], seeds: [1, 2]}),
    );
    expect(table.rows.map((row) => valueOf(row.cells[0]))).toEqual(['RCMA', 'RCMA', 'RCMA', 'GRJCA', 'GRJCA', 'GRJCA']);
    expect(notesOf(cellsOf(table, 0)['Valence']!)).toEqual(['No CCC for seed 2.']);
    expect(notesOf(cellsOf(table, 4)['Valence']!)).toEqual(['No fold has a CCC.']);
  });

  test('counts valid frames, and says when scores of a fold disagree', () => {
    const uneven = scores.map((one) => (one.fold === 'f1' && one.seed === 2 ? {...one, frameCount: 900} : one));
    const table = foldTable(experiment(uneven, ['f0', 'f1']));
    expect(valueOf(cellsOf(table, 0)['Frames'])).toBe(1000);
    expect(notesOf(cellsOf(table, 1)['Frames']!)).toEqual(['Frames differ between seeds or targets: 900, 1000.']);
  });

  test('refuses to choose between two scores for one cell', () => {
    const twice = [
      score(rcma, {fold: 'f0', ccc: 0.5}),
      score(rcma, {fold: 'f0', ccc: 0.6, fingerprint: 'f'.repeat(32)}),
    ];
    expect(() => foldTable(experiment(twice, ['f0']))).toThrow(
      'RCMA, fold f0, seed 1, valence: two scores for one cell',
    );
  });

  test('does not depend on the order of scores', () => {
    const input = experiment(scores, ['f0', 'f1']);
    expect(foldTable({...input, scores: [...scores].reverse()})).toEqual(foldTable(input));
  });

  test('gives every number the fingerprints of the tasks it came from', () => {
    const table = foldTable(experiment(scores, ['f0', 'f1']));
    const mean = cellsOf(table, 2)['Average'];
    expect(mean?.kind === 'number' && [...mean.fingerprints].sort()).toEqual(
      ['f0', 'f1'].flatMap((fold) => [1, 2].map((seed) => fingerprintOf(rcma, fold, seed))).sort(),
    );
  });
});

describe('the comparison of fusion systems and single modalities', () => {
  test('has a row per fusion system with the single modalities it uses beside it', () => {
    const scores = [
      ...both(rcma, 'f0', 1, [0.6, 0.7]),
      ...both(grjca, 'f0', 1, [0.5, 0.8]),
      ...both(single('audio'), 'f0', 1, [0.1, 0.2]),
      ...both(single('visual'), 'f0', 1, [0.3, 0.4]),
      ...both(single('text'), 'f0', 1, [0.05, 0.15]),
    ];
    const table = comparisonTable(experiment(scores, ['f0']));
    expect(table.rows.map((_, at) => Object.values(cellsOf(table, at)).map(valueOf))).toEqual([
      ['RCMA', 'published', rcma.backbones, 0.1, 0.3, 0.05, 0.6, 0.2, 0.4, 0.15, 0.7, 0.15, 0.35, 0.1, 0.65],
      ['GRJCA', 'published', rcma.backbones, 0.1, 0.3, 'empty', 0.5, 0.2, 0.4, 'empty', 0.8, 0.15, 0.35, 'empty', 0.65],
    ]);
    const best = table.rows.map((_, at) =>
      Object.entries(cellsOf(table, at)).flatMap(([name, cell]) =>
        cell.kind === 'number' && cell.isBest === true ? [name] : [],
      ),
    );
    expect(best).toEqual([
      ['Valence Fusion', 'Average Fusion'],
      ['Arousal Fusion', 'Average Fusion'],
    ]);
  });

  test('never marks a mean that lacks a fold', () => {
    const scores = [
      ...both(rcma, 'f0', 1, [0.9, 0.9]),
      ...both(grjca, 'f0', 1, [0.5, 0.5]),
      ...both(grjca, 'f1', 1, [0.4, 0.4]),
      ...both({...grjca, label: 'GRJCA 2'}, 'f0', 1, [0.3, 0.3]),
      ...both({...grjca, label: 'GRJCA 2'}, 'f1', 1, [0.3, 0.3]),
    ];
    const table = comparisonTable(experiment(scores, ['f0', 'f1']));
    const best = table.rows.map((_, at) => {
      const cell = cellsOf(table, at)['Valence Fusion'];
      return cell?.kind === 'number' && cell.isBest === true;
    });
    expect(best).toEqual([false, true, false]);
  });

  test('takes the single-modality system of the same preset, and a dash where several could stand for it', () => {
    const released = {...single('audio'), preset: 'released', label: 'audio released'};
    const scores = [
      ...both(grjca, 'f0', 1, [0.6, 0.7]),
      ...both(single('audio'), 'f0', 1, [0.1, 0.2]),
      ...both(released, 'f0', 1, [0.9, 0.9]),
      ...both(single('visual'), 'f0', 1, [0.3, 0.3]),
      ...both({...single('visual'), label: 'visual wide'}, 'f0', 1, [0.4, 0.4]),
    ];
    const cells = cellsOf(comparisonTable(experiment(scores, ['f0'])), 0);
    expect(valueOf(cells['Valence Audio'])).toBe(0.1);
    expect(cells['Valence Visual']).toEqual({
      kind: 'missing',
      notes: ['Several visual systems; the fold table shows each.'],
    });
  });

  test('gives single-modality systems rows of their own where nothing was fused', () => {
    const table = comparisonTable(experiment(both(single('audio'), 'f0', 1, [0.1, 0.2]), ['f0']));
    expect(Object.values(cellsOf(table, 0)).map(valueOf).slice(3)).toEqual([0.1, 'empty', 0.2, 'empty', 0.15, 'empty']);
  });
});

describe('the table of variants', () => {
  test('averages the CCC of clips with equal weight and leaves out undefined ones', () => {
    const clip = (name: string, ccc: number, frameCount: number) =>
      score(rcma, {fold: 'f0', ccc, frameCount, clip: name});
    const scores = [
      ...both(rcma, 'f0', 1, [0.5, 0.5]),
      clip('a', 0.2, 10),
      clip('b', 0.6, 1000),
      clip('c', Number.NaN, 5),
    ];
    const table = variantTable(experiment(scores, ['f0']))!;
    expect(valueOf(cellsOf(table, 0)['per-clip mean Valence'])).toBe(0.4);
    expect(valueOf(cellsOf(table, 0)['per-clip mean Arousal'])).toBe('missing');
  });

  test('shows variants of released code beside, with their definitions', () => {
    const table = variantTable(complete())!;
    expect(table.groups.map((group) => group.title)).toEqual(['', 'population', 'per-clip mean', 'sample-variance']);
    expect(table.caption.at(-1)).toBe(
      'sample-variance: population covariance over sample variances, as in released training code.',
    );
  });

  test('does not exist where only the headline definition was scored', () => {
    expect(variantTable(experiment(both(rcma, 'f0', 1, [0.5, 0.5]), ['f0']))).toBeUndefined();
  });
});

describe('findings', () => {
  const scores = [
    ...both(rcma, 'f0', 1, [0.6, 0.6]),
    ...both(rcma, 'f1', 1, [0.2, 0.2]),
    ...both(single('visual'), 'f0', 1, [0.5, 0.5]),
    ...both(single('visual'), 'f1', 1, [0.4, 0.4]),
    ...both(single('audio'), 'f0', 1, [0.1, 0.1]),
  ];

  test('say in numbers when fusion is worse than a single modality', () => {
    expect(findings(experiment(scores, ['f0', 'f1']))).toEqual([
      'RCMA (published): average CCC 0.400, -0.050 against the best single modality, visual (0.450); higher in 1 of 2 folds.',
    ]);
  });

  test('compare on the folds that both sides have, and say so', () => {
    const onlyFirst = scores.filter((one) => one.label !== 'visual' || one.fold === 'f0');
    expect(findings(experiment(onlyFirst, ['f0', 'f1']))).toEqual([
      'RCMA (published): average CCC 0.600, +0.100 against the best single modality, visual (0.500), on the 1 of 2 ' +
        'folds that both have; higher in 1 of 1 fold.',
    ]);
  });

  test('say nothing without a single modality to compare with', () => {
    expect(findings(experiment(both(rcma, 'f0', 1, [0.5, 0.5]), ['f0']))).toEqual([]);
  });
});
