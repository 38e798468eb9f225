/** Scores the predictions for a fold's validation clips. */
import {z} from 'zod';
import {clipMoments} from './fold-evaluation/clip-moments.js';
import {clipsOf} from './fold-evaluation/clips.js';
import {foldScores} from './fold-evaluation/fold-scores.js';
import {labels, moments, predictions, scores} from './schemas.js';
import {defineStage} from './stage.js';

export const foldEvaluation = defineStage({
  name: 'fold-evaluation',
  // 1: CCC by population moments, the mean over clips, and the metrics of released code.
  // 2: moments of each clip beside the scores.
  // 3: the mean over clips is the reader's to take from the rows of clips.
  version: 3,
  doc: 'Compares predictions with labels: CCC, Pearson correlation, RMSE of each fold and clip, and the moments behind them.',
  per: 'fold',
  resource: 'cpu',
  inputs: {predictions, labels},
  outputs: {scores, moments},
  params: z.strictObject({}),
  async run({inputs, outputs}) {
    const clips = await clipsOf(inputs.predictions, inputs.labels.validation);
    for (const row of foldScores(clips)) await outputs.scores.append(row);
    for (const row of clipMoments(clips)) await outputs.moments.append(row);
  },
});
