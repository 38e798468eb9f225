/** What the reports say of a trained system: its modalities, preset and backbones. */
import {canonicalJson} from '../cache/digest.js';
import {fusionParams, settingsOf, tunedOf} from '../stages/fusion-training/settings.js';
import type {SystemDescription} from '../reports/score.js';
import type {Experiment, Params, SystemRun} from './experiment.js';
import {tuningStage} from './tuned.js';

/** What the reports call a modality. */
export const modalityWords = {acoustic: 'audio', visual: 'visual', linguistic: 'text'} as const;
const EMBEDDINGS = {audio: 'acoustic-embedding', visual: 'visual-embedding', text: 'text-embedding'} as const;
const LETTERS = {audio: 'A', visual: 'V', text: 'T'} as const;

/** Backbones that travel inside the packages: they work anywhere, and no paper uses them. */
const EMBEDDED = new Set(['mfcc', 'face-api-expression', 'lexicon']);

export function describeSystems(experiment: Experiment): SystemDescription[] {
  return experiment.systems.map((run) => describeSystem(experiment, run));
}

/** Whether any modality of any system comes from the embedded default. */
export function usesEmbeddedDefault(experiment: Experiment): boolean {
  return experiment.systems.some((run) =>
    wordsOf(run).some((modality) => EMBEDDED.has(backboneOf(experiment, run, modality))),
  );
}

type FusionParams = Parameters<typeof settingsOf>[0];

/** Modalities of a system in the words of the reports. */
const wordsOf = ({params}: SystemRun) =>
  settingsOf(params as FusionParams).system.modalities.map((modality) => modalityWords[modality]);

function describeSystem(experiment: Experiment, run: SystemRun): SystemDescription {
  const {label, params} = run;
  const modalities = wordsOf(run);
  const backbones = modalities.map((modality) => `${LETTERS[modality]}: ${backboneOf(experiment, run, modality)}`);
  return {
    system: settingsOf(params as FusionParams).system.name,
    label,
    modalities,
    preset: isAdapted(params) ? `${String(params['preset'])} (adapted)` : String(params['preset']),
    backbones: backbones.join('; '),
  };
}

/**
 * Whether anything was set otherwise than the preset has it, so that a table cannot pass for the preset's. Whether the
 * backbone was fine-tuned stands in the table beside it.
 */
function isAdapted(params: Params): boolean {
  const {system, preset, visual, acoustic} = params;
  const asPreset = fusionParams.parse({system, preset, visual, acoustic});
  return canonicalJson(asPreset) !== canonicalJson(params);
}

function backboneOf(experiment: Experiment, {params}: SystemRun, modality: keyof typeof EMBEDDINGS): string {
  const tuned = tunedOf(params as FusionParams).find((one) => modalityWords[one] === modality);
  if (tuned !== undefined)
    return `${String(experiment.params.get(tuningStage(experiment, tuned))!['network'])}, fine-tuned`;
  return String(experiment.params.get(EMBEDDINGS[modality])!['backbone'] ?? 'default');
}
