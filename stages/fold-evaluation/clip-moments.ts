/** Moments of each clip: what a bootstrap over clips resamples, since the CCCs of clips do not add up to that of a fold. */
import type {Row} from '../../cache/shard.js';
import {moments} from '../learning/agreement.js';
import type {moments as momentsSchema} from '../schemas.js';
import type {EvaluatedClip} from './clips.js';
import {validOnly} from './fold-scores.js';

/** A row for each target and clip that has a valid label. */
export function clipMoments(clips: readonly EvaluatedClip[]): Row<typeof momentsSchema>[] {
  return (['valence', 'arousal'] as const).flatMap((target) =>
    [...clips.entries()].flatMap(([clipIndex, clip]) => {
      const {prediction, label} = validOnly(clip[target], clip.valid);
      if (label.length === 0) return [];
      const {meanX, meanY, varX, varY, covariance} = moments(prediction, label);
      return [
        {
          target,
          clipIndex,
          frameCount: label.length,
          meanPrediction: meanX,
          meanLabel: meanY,
          variancePrediction: varX,
          varianceLabel: varY,
          covariance,
        },
      ];
    }),
  );
}
