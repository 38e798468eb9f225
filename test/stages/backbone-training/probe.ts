/** How well labels can be read from vectors by a linear map: ridge regression on training clips, CCC on validation clips. */
import {agreement} from '../../../stages/learning/agreement.js';
import type {Fold, Tuned} from './drawn-fold.js';

const RIDGE = 1e-2;

export function probe(
  tuned: Tuned['tuned'],
  {faces, truth}: Fold,
): {readonly valence: number; readonly arousal: number} {
  const rows = tuned.map(({validation, clipIndex, frameIndex, vector}) => {
    const clip = truth[clipIndex + (validation ? faces.train.length : 0)]!;
    return {validation, x: [...vector, 1], ...clip[frameIndex]!};
  });
  const train = rows.filter(({validation, valid}) => !validation && valid);
  const held = rows.filter(({validation, valid}) => validation && valid);
  const of = (target: 'valence' | 'arousal') => {
    const weights = ridge(
      train.map(({x}) => x),
      train.map((row) => row[target]),
    );
    const prediction = held.map(({x}) => x.reduce((sum, value, i) => sum + value * weights[i]!, 0));
    return agreement({prediction, label: held.map((row) => row[target])}).ccc;
  };
  return {valence: of('valence'), arousal: of('arousal')};
}

/** Solves (XᵀX + λ I) w = Xᵀy by elimination; the matrix is positive definite. */
function ridge(xs: readonly number[][], ys: readonly number[]): number[] {
  const size = xs[0]!.length;
  const system = Array.from({length: size}, (_, i) => [
    ...Array.from({length: size}, (_, j) => xs.reduce((sum, x) => sum + x[i]! * x[j]!, i === j ? RIDGE : 0)),
    xs.reduce((sum, x, k) => sum + x[i]! * ys[k]!, 0),
  ]);
  for (let i = 0; i < size; i++) {
    for (let row = 0; row < size; row++) {
      if (row === i) continue;
      const factor = system[row]![i]! / system[i]![i]!;
      for (let column = i; column <= size; column++) system[row]![column]! -= factor * system[i]![column]!;
    }
  }
  return system.map((row, i) => row[size]! / row[i]!);
}
