/** The candidate with the fewest edits from what was written (Levenshtein); the first of equals. */
export function nearest(written: string, candidates: readonly string[]): string {
  const ranked = candidates.map((candidate) => ({candidate, edits: edits(written, candidate)}));
  return ranked.reduce((best, next) => (next.edits < best.edits ? next : best), {candidate: '', edits: Infinity})
    .candidate;
}

function edits(a: string, b: string): number {
  let previous = Array.from({length: b.length + 1}, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = previous[j]! + (a[i] === b[j] ? 0 : 1);
      row.push(Math.min(replaced, previous[j + 1]! + 1, row[j]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
