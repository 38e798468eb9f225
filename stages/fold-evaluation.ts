/** Scores the predictions for a fold's validation clips. */
import {z} from 'zod';
import {clipsOf} from './fold-evaluation/clips.js';
import {foldScores} from './fold-evaluation/fold-scores.js';
import {labels, predictions, scores} from './schemas.js';
import {defineStage} from './stage.js';

export const foldEvaluation = defineStage({
  name: 'fold-evaluation',
  // 1: CCC by population moments, the mean over clips, and the metrics of released code.
  version: 1,
  doc: 'Compares predictions with labels: CCC, Pearson correlation and RMSE of each fold and clip.',
  per: 'fold',
  resource: 'cpu',
  inputs: {predictions, labels},
  outputs: {scores},
  params: z.strictObject({}),
  async run({inputs, outputs}) {
    const clips = await clipsOf(inputs.predictions, inputs.labels.validation);
    for (const row of foldScores(clips)) await outputs.scores.append(row);
  },
});
