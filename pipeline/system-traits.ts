/** What the reports say of a trained system: its modalities, preset and backbones. */
import {canonicalJson} from '../cache/digest.js';
import {fusionParams, settingsOf} from '../stages/fusion-training/settings.js';
import type {SystemDescription} from '../reports/score.js';
import type {Experiment, Params, SystemRun} from './experiment.js';

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
  return describeSystems(experiment).some(({modalities}) =>
    modalities.some((modality) => EMBEDDED.has(backboneOf(experiment, modality))),
  );
}

function describeSystem(experiment: Experiment, {label, params}: SystemRun): SystemDescription {
  const {system} = settingsOf(params as Parameters<typeof settingsOf>[0]);
  const modalities = system.modalities.map((modality) => modalityWords[modality]);
  return {
    system: system.name,
    label,
    modalities,
    preset: isAdapted(params) ? `${String(params['preset'])} (adapted)` : String(params['preset']),
    backbones: modalities.map((modality) => `${LETTERS[modality]}: ${backboneOf(experiment, modality)}`).join('; '),
  };
}

/** Whether anything was set otherwise than the preset has it, so that a table cannot pass for the preset's. */
function isAdapted(params: Params): boolean {
  const asPreset = fusionParams.parse({system: params['system'], preset: params['preset']});
  return canonicalJson(asPreset) !== canonicalJson(params);
}

function backboneOf(experiment: Experiment, modality: keyof typeof EMBEDDINGS): string {
  return String(experiment.params.get(EMBEDDINGS[modality])!['backbone'] ?? 'default');
}
