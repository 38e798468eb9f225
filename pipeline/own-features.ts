/** Features of the user's own that an experiment names and does not read. */
import {UsageError} from './errors.js';
import type {ExperimentConfig, Params} from './experiment.js';

const stageOf = {
  visual: 'visual-embedding',
  acoustic: 'acoustic-embedding',
  linguistic: 'text-embedding',
} as const;

/**
 * A remark for each modality of which another backbone was chosen by name.
 *
 * @throws UsageError where none was: the embedded default would stand in for the user's features.
 */
export function unusedFeatures(
  {dataset, stages}: Pick<ExperimentConfig, 'dataset' | 'stages'>,
  params: ReadonlyMap<string, Params>,
  file: string,
): string[] {
  return Object.entries(stageOf).flatMap(([modality, stage]) => {
    const backbone = String(params.get(stage)?.['backbone']);
    if (dataset.features[modality as keyof typeof stageOf] === undefined || backbone === 'own') return [];
    if (stages[stage]?.['backbone'] === undefined) throw forgotten(modality, stage, {backbone, file});
    return [`dataset.features.${modality} is not read: ${stage} has backbone: ${backbone}`];
  });
}

function forgotten(modality: string, stage: string, {backbone, file}: {backbone: string; file: string}): UsageError {
  return new UsageError(
    'bad-experiment',
    `${file}: dataset.features.${modality} would not be read, because ${stage} has its default backbone, ${backbone}`,
    `Write under stages: ${stage}: {backbone: own}, or take dataset.features.${modality} away.`,
  );
}
