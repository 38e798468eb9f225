/** Says in a sentence whether fusion was better than its best single modality, whatever the answer is. */
import {CCC_DECIMALS, summariesOf} from './ccc-cells.js';
import type {Summaries} from './ccc-cells.js';
import type {Summary} from './fold-summary.js';
import {fixed} from './number-text.js';
import {isFusion} from './score.js';
import type {ReportInput, SystemDescription} from './score.js';
import {indexFolds} from './score-index.js';

/** One sentence per fusion system; none where a side has no score. */
export function findings(input: ReportInput): readonly string[] {
  const summaries = summariesOf(input, indexFolds(input.scores));
  return summaries.rows.filter(isFusion).flatMap((row) => findingOf(summaries, row) ?? []);
}

function findingOf(summaries: Summaries, row: SystemDescription): string | undefined {
  const fusion = summaries.of(row, 'average');
  const singles = summaries.rows
    .filter((other) => !isFusion(other) && row.modalities.includes(other.modalities[0]!))
    .map((other) => ({label: other.label, summary: summaries.of(other, 'average')}))
    .filter(({summary}) => summary.mean !== undefined)
    .sort((a, b) => b.summary.mean! - a.summary.mean!);
  const best = singles[0];
  if (fusion.mean === undefined || best === undefined) return undefined;
  return (
    `${row.label} (${row.preset}): average CCC ${fixed(fusion.mean, CCC_DECIMALS)}, ` +
    `${fixed(fusion.mean - best.summary.mean!, CCC_DECIMALS, true)} against the best single modality, ${best.label} ` +
    `(${fixed(best.summary.mean!, CCC_DECIMALS)}); ${wins(fusion, best.summary)}.`
  );
}

function wins(fusion: Summary, single: Summary): string {
  const both = fusion.folds.flatMap((fold, at) => {
    const other = single.folds[at]!.value;
    return fold.value === undefined || other === undefined ? [] : [fold.value - other];
  });
  return `higher in ${both.filter((difference) => difference > 0).length} of ${both.length} folds`;
}
