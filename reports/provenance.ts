/** Where every number comes from: rows, folds and seeds with the fingerprints of the tasks that scored them. */
import type {RobustnessScore} from './robustness.js';
import {describe} from './robustness.js';
import type {ReportInput, Score} from './score.js';
import {alone, code, left, text} from './table.js';
import type {Row, Table} from './table.js';

/** Characters of a fingerprint that are shown where so many tell them apart. */
const SHOWN_CHARACTERS = 12;

/** Builds the table of provenance; one row per system, fold, seed and task. */
export function provenanceTable(input: ReportInput): Table {
  const robustness = input.robustness ?? [];
  const prefixOf = prefixes([...input.scores, ...robustness].map((score) => score.fingerprint));
  return {
    name: 'provenance',
    title: 'Provenance',
    caption: [
      'Every value of a table is computed from the scores that these tasks recorded; a mean from all folds and seeds of its row.',
      'The command shows which inputs, parameters and code decided a score, up to the published files.',
    ],
    groups: [alone(left('System'), left('Preset'), left('Evaluated'), left('Fold'), left('Seed'), left('Command'))],
    rows: [...rowsOfScores(input.scores, prefixOf), ...rowsOfRobustness(robustness, prefixOf)],
  };
}

type Prefixes = ReadonlyMap<string, string>;

function rowsOfScores(scores: readonly Score[], prefixOf: Prefixes): readonly Row[] {
  return distinctRows(scores, prefixOf, (score) => [
    score.label,
    score.preset,
    'as trained',
    score.fold,
    String(score.seed),
  ]);
}

function rowsOfRobustness(scores: readonly RobustnessScore[], prefixOf: Prefixes): readonly Row[] {
  return distinctRows(scores, prefixOf, (score) => [
    score.label,
    '',
    describe(score.corruption),
    score.fold,
    String(score.seed),
  ]);
}

function distinctRows<S extends {readonly fingerprint: string}>(
  scores: readonly S[],
  prefixOf: Prefixes,
  cellsOf: (score: S) => readonly string[],
): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const score of scores) {
    const cells = cellsOf(score);
    const key = JSON.stringify([...cells, score.fingerprint]);
    const command = code(`affectflow lineage why ${prefixOf.get(score.fingerprint)!}`);
    if (!rows.has(key)) rows.set(key, {cells: [...cells.map((cell) => text(cell)), command]});
  }
  return [...rows.values()];
}

/** Shortens fingerprints to one common length at which all differ. */
export function prefixes(fingerprints: readonly string[]): Prefixes {
  const all = [...new Set(fingerprints)];
  const longest = Math.max(0, ...all.map((fingerprint) => fingerprint.length));
  let length = SHOWN_CHARACTERS;
  const areDistinct = (): boolean => new Set(all.map((one) => one.slice(0, length))).size === all.length;
  while (length < longest && !areDistinct()) length += 1;
  return new Map(all.map((fingerprint) => [fingerprint, fingerprint.slice(0, length)]));
}
