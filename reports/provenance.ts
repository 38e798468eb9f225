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
  const byTask = grouped(scores, ({label, preset, fold, seed, fingerprint}) => [
    label,
    preset,
    fold,
    seed,
    fingerprint,
  ]);
  return byTask.map(([score]) => rowOf([score!.label, score!.preset, 'as trained'], score!, prefixOf));
}

function rowsOfRobustness(scores: readonly RobustnessScore[], prefixOf: Prefixes): readonly Row[] {
  const byTask = grouped(scores, ({label, fold, seed, fingerprint}) => [label, fold, seed, fingerprint]);
  return byTask.map((group) => {
    const conditions = [...new Set(group.map(({corruption}) => describe(corruption)))];
    const evaluated = conditions.length === 1 ? conditions[0]! : `under ${conditions.length} corruptions`;
    return rowOf([group[0]!.label, '', evaluated], group[0]!, prefixOf);
  });
}

interface Scored {
  readonly fold: string;
  readonly seed: number;
  readonly fingerprint: string;
}

function rowOf(leading: readonly string[], {fold, seed, fingerprint}: Scored, prefixOf: Prefixes): Row {
  const command = code(`affectflow lineage why ${prefixOf.get(fingerprint)!}`);
  return {cells: [...[...leading, fold, String(seed)].map((cell) => text(cell)), command]};
}

function grouped<S>(values: readonly S[], keyOf: (value: S) => readonly unknown[]): readonly (readonly S[])[] {
  const groups = new Map<string, S[]>();
  for (const value of values) {
    const key = JSON.stringify(keyOf(value));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return [...groups.values()];
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
