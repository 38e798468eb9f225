import {describe, expect, it} from 'vitest';
import type {Row} from '../../../cache/shard.js';
import {pooledCcc} from '../../../reports/moments.js';
import {foldEvaluation} from '../../../stages/fold-evaluation.js';
import {labels, type predictions} from '../../../stages/schemas.js';
import {MemoryShard} from '../../helpers/memory-shard.js';
import {runStage} from '../../helpers/run-stage.js';

type Label = Row<typeof labels>;
type Prediction = Row<typeof predictions>;

const label = (frameIndex: number, valid = true): Label => ({
  frameIndex,
  valence: Math.sin(frameIndex),
  arousal: 0.5,
  valid,
});
const prediction = (clipIndex: number, frameIndex: number): Prediction => ({
  clipIndex,
  frameIndex,
  valence: Math.sin(frameIndex),
  arousal: 0.25,
});

async function evaluated(predicted: Prediction[], clips: Label[][]) {
  const validation = clips.map((rows) => new MemoryShard(labels, rows));
  const inputs = {predictions: predicted, labels: {train: [], validation}};
  const {scores, moments} = (await runStage(foldEvaluation, {inputs})).outputs;
  return {scores: scores.all, moments: moments.all};
}

const frames = (count: number) => Array.from({length: count}, (_, k) => k);

describe('fold-evaluation', () => {
  it('scores a perfect prediction 1 and a constant one 0, over valid frames', async () => {
    const clips = [frames(6).map((k) => label(k, k > 0)), frames(3).map((k) => label(k))];
    const predicted = [...frames(6).map((k) => prediction(0, k)), ...frames(3).map((k) => prediction(1, k))];
    const {scores: rows} = await evaluated(predicted, clips);
    const whole = rows.filter(({variant, clipIndex}) => variant === 'population' && clipIndex === -1);
    expect(whole).toEqual([
      {
        target: 'valence',
        clipIndex: -1,
        variant: 'population',
        ccc: expect.closeTo(1, 12) as number,
        pearson: expect.closeTo(1, 12) as number,
        rmse: 0,
        frameCount: 8,
      },
      {target: 'arousal', clipIndex: -1, variant: 'population', ccc: 0, pearson: NaN, rmse: 0.25, frameCount: 8},
    ]);
  });

  it('records moments from which the CCC of the whole fold follows, and none of clips without a label', async () => {
    const off = (k: number) => ({valence: 0.1 + 0.4 * Math.cos(k / 3), arousal: 0.2 * Math.sin(k)});
    const counts = [7, 5, 9];
    const clips = counts.map((count, clip) => frames(count).map((k) => label(k, clip !== 1 && k % 4 !== 3)));
    const predicted = counts.flatMap((count, clip) =>
      frames(count).map((k) => ({...prediction(clip, k), ...off(k + clip)})),
    );
    const {scores, moments} = await evaluated(predicted, clips);
    const whole = scores.find(
      (row) => row.variant === 'population' && row.clipIndex === -1 && row.target === 'valence',
    )!;
    const ofValence = moments.filter(({target}) => target === 'valence');
    expect(ofValence.map(({clipIndex, frameCount}) => [clipIndex, frameCount])).toEqual([
      [0, 6],
      [2, 7],
    ]);
    const records = ofValence.map((row) => ({
      clip: String(row.clipIndex),
      n: row.frameCount,
      meanP: row.meanPrediction,
      meanY: row.meanLabel,
      varP: row.variancePrediction,
      varY: row.varianceLabel,
      cov: row.covariance,
    }));
    expect(pooledCcc(records)).toBeCloseTo(whole.ccc, 12);
  });

  it('refuses predictions that are not of the frames of the labels', async () => {
    const clips = [frames(3).map((k) => label(k))];
    const wrong = [
      [0, 1],
      [0, 1, 3],
      [0, 1, 2, 3],
    ].map((list) => list.map((k) => prediction(0, k)));
    for (const predicted of wrong) {
      await expect(evaluated(predicted, clips)).rejects.toMatchObject({name: 'StageError', code: 'wrong-shape'});
    }
  });
});
