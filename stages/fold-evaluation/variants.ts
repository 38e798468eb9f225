/** Definitions of the CCC that a fold is scored by, beside the one of the challenges; a sentence each for reports. */
export const variantDefinitions = {
  'released-s':
    'as the training code of RCMA and GRJCA computes it: population covariance over sample variances, so a perfect prediction scores a little below 1.',
  'released-l':
    'as the validation code of JCA, RJCA and JMT computes it: frames without annotation count as 0 on both sides, and predictions are clipped to [-1, 1] and smoothed over 20 (valence) or 50 (arousal) frames.',
} as const;

export type Variant = 'population' | keyof typeof variantDefinitions;
