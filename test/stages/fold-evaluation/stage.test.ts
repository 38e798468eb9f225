import {describe, expect, it} from 'vitest';
import type {Row} from '../../../cache/shard.js';
import {foldEvaluation} from '../../../stages/fold-evaluation.js';
import {labels, predictions} from '../../../stages/schemas.js';
import {MemoryShard} from '../../helpers/run-stage.js';

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

async function scoresOf(predicted: Prediction[], clips: Label[][]) {
  const scores = new MemoryShard(foldEvaluation.outputs.scores);
  const inputs = {
    predictions: new MemoryShard(predictions, predicted),
    labels: {train: [], validation: clips.map((rows) => new MemoryShard(labels, rows))},
  };
  await foldEvaluation.run({inputs, outputs: {scores}, params: {}, context: undefined as never});
  return scores.all;
}

const frames = (count: number) => Array.from({length: count}, (_, k) => k);

describe('fold-evaluation', () => {
  it('scores a perfect prediction 1 and a constant one 0, over valid frames', async () => {
    const clips = [frames(6).map((k) => label(k, k > 0)), frames(3).map((k) => label(k))];
    const predicted = [...frames(6).map((k) => prediction(0, k)), ...frames(3).map((k) => prediction(1, k))];
    const rows = await scoresOf(predicted, clips);
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

  it('refuses predictions that are not of the frames of the labels', async () => {
    const clips = [frames(3).map((k) => label(k))];
    const wrong = [
      [0, 1],
      [0, 1, 3],
      [0, 1, 2, 3],
    ].map((list) => list.map((k) => prediction(0, k)));
    for (const predicted of wrong) {
      await expect(scoresOf(predicted, clips)).rejects.toMatchObject({name: 'StageError', code: 'wrong-shape'});
    }
  });
});
