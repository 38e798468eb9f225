/**
 * Scores of a fold. 'population' is the definition of the challenges (D12): population moments over all valid frames
 * of all clips, concatenated. The other variants are beside it because published numbers were computed that way.
 */
import type {Row} from '../../cache/shard.js';
import type {Agreement, Variance} from '../learning/agreement.js';
import {agreement} from '../learning/agreement.js';
import type {scores} from '../schemas.js';
import {boxFilter} from './box-filter.js';
import type {Annotated, EvaluatedClip} from './clips.js';
import type {Variant} from './variants.js';

type Score = Row<typeof scores>;
type Target = 'valence' | 'arousal';

/** Widths of the moving average that the code of JCA, RJCA and JMT applies to predictions, in frames. */
const SMOOTHING_FRAMES: Readonly<Record<Target, number>> = {valence: 20, arousal: 50};

const WHOLE_FOLD = -1;

/** Rows for each target: the whole fold by every variant, then each clip that has a valid label. */
export function foldScores(clips: readonly EvaluatedClip[]): Score[] {
  return (['valence', 'arousal'] as const).flatMap((target) => {
    const row = (variant: Variant, result: Agreement, clipIndex = WHOLE_FOLD): Score => ({
      target,
      clipIndex,
      variant,
      ...result,
    });
    const perClip = clips.map((clip) => agreement(validOnly(clip[target], clip.valid)));
    const scored = [...perClip.entries()].filter(([, {frameCount}]) => frameCount > 0);
    return [
      row('population', concatenated(clips, target, 'population')),
      row('released-s', concatenated(clips, target, 'sample')),
      row('released-l', zerosCounted(clips, target)),
      ...scored.map(([clipIndex, result]) => row('population', result, clipIndex)),
    ];
  });
}

export function validOnly({prediction, label}: Annotated, valid: Uint8Array): Annotated {
  const isValid = (_: number, k: number): boolean => valid[k] === 1;
  return {prediction: prediction.filter(isValid), label: label.filter(isValid)};
}

function concatenated(clips: readonly EvaluatedClip[], target: Target, variance: Variance): Agreement {
  const parts = clips.map((clip) => validOnly(clip[target], clip.valid));
  return agreement(
    {prediction: parts.flatMap(({prediction}) => [...prediction]), label: parts.flatMap(({label}) => [...label])},
    variance,
  );
}

/** Code of the clip-level systems: unlabelled frames are 0 on both sides and count; predictions are clipped, smoothed. */
function zerosCounted(clips: readonly EvaluatedClip[], target: Target): Agreement {
  const parts = clips.map((clip) => {
    const {prediction, label} = clip[target];
    const clipped = prediction.map((value, k) => (clip.valid[k] === 1 ? Math.min(1, Math.max(-1, value)) : 0));
    return {
      prediction: boxFilter(clipped, SMOOTHING_FRAMES[target]),
      label: label.map((value, k) => (clip.valid[k] === 1 ? value : 0)),
    };
  });
  return agreement({
    prediction: parts.flatMap(({prediction}) => [...prediction]),
    label: parts.flatMap(({label}) => [...label]),
  });
}
