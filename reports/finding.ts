/** Says in a sentence whether fusion was better than its best single modality, whatever the answer is. */
import {CCC_DECIMALS, summariesOf} from './ccc-cells.js';
import type {Summaries} from './ccc-cells.js';
import type {Summary} from './fold-summary.js';
import {fixed} from './number-text.js';
import {isFusion} from './score.js';
import type {ReportInput, SystemDescription} from './score.js';
import {indexFolds} from './score-index.js';
import {mean} from './statistics.js';

/** One sentence per fusion system; none where a side has no score. */
export function findings(input: ReportInput): readonly string[] {
  const summaries = summariesOf(input, indexFolds(input.scores));
  return summaries.rows.filter(isFusion).flatMap((row) => findingOf(summaries, row) ?? []);
}

function findingOf(summaries: Summaries, row: SystemDescription): string | undefined {
  const fusion = summaries.of(row, 'average');
  const [best] = summaries.rows
    .filter((other) => !isFusion(other) && row.modalities.includes(other.modalities[0]!))
    .flatMap((other) => duelOf(other.label, fusion, summaries.of(other, 'average')) ?? [])
    .sort((a, b) => b.single - a.single);
  if (best === undefined) return undefined;
  const {label, fusion: ours, single, wins, foldCount} = best;
  const folds =
    foldCount === fusion.folds.length ? '' : `, on the ${foldCount} of ${fusion.folds.length} folds that both have`;
  return (
    `${row.label} (${row.preset}): average CCC ${fixed(ours, CCC_DECIMALS)}, ${fixed(ours - single, CCC_DECIMALS, true)} ` +
    `against the best single modality, ${label} (${fixed(single, CCC_DECIMALS)})${folds}; ` +
    `higher in ${wins} of ${foldCount} fold${foldCount === 1 ? '' : 's'}.`
  );
}

/** A fusion system against one single modality, on the folds that both have. */
interface Duel {
  readonly label: string;
  readonly fusion: number;
  readonly single: number;
  readonly wins: number;
  readonly foldCount: number;
}

function duelOf(label: string, fusion: Summary, single: Summary): Duel | undefined {
  const both = fusion.folds.flatMap(({value}, at) => {
    const other = single.folds[at]!.value;
    return value === undefined || other === undefined ? [] : [{value, other}];
  });
  const [ours, theirs] = [mean(both.map(({value}) => value)), mean(both.map(({other}) => other))];
  if (ours === undefined || theirs === undefined) return undefined;
  const wins = both.filter(({value, other}) => value > other).length;
  return {label, fusion: ours, single: theirs, wins, foldCount: both.length};
}
