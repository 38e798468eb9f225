/**
 * The parameters of the stage. A system and a preset decide the defaults of all others, so those are filled in here,
 * while the parameters are parsed: whoever sees them afterwards sees complete values.
 */
import {z} from 'zod';
import {suggestion} from '../nearest.js';
import {initialWeights} from './initial-weights.js';
import type {Modality, PresetName, System} from './system.js';
import {systems} from './systems/index.js';
import type {Training} from './training-params.js';
import {publishedTraining, trainingParams} from './training-params.js';

const backbone = (description: string) => z.enum(['frozen', 'fine-tuned']).optional().describe(description);

const given = z.strictObject({
  system: z
    .string()
    .default('rcma')
    .describe(`Fusion system: ${Object.keys(systems).join(', ')}.`),
  preset: z
    .enum(['published', 'released'])
    .default('published')
    .describe("Defaults as in the paper's text or in its authors' code, where they differ."),
  architecture: z
    .record(z.string(), z.json())
    .default({})
    .describe('Parameters of the system itself, such as recursions; each system has its own.'),
  initialWeights: initialWeights.optional(),
  visual: backbone(
    'Vectors of faces: those of visual-embedding (frozen, the default), or of backbone-training, tuned on each fold.',
  ),
  acoustic: backbone(
    'Vectors of sound: those of acoustic-embedding (frozen, the default), or of acoustic-backbone-training.',
  ),
  ...trainingParams,
});

type Given = z.output<typeof given>;

/** Parameters of fusion-training: parsing checks the system's own parameters and fills in all defaults. */
export const fusionParams = given.superRefine(check).overwrite(complete);

export interface Settings {
  readonly system: System;
  readonly architecture: Readonly<Record<string, unknown>>;
  readonly training: Training;
}

/** Looks up what parsed parameters mean. */
export function settingsOf(params: Given): Settings {
  const {system, preset, architecture} = params;
  const found = systems[system];
  if (found === undefined) throw new RangeError(unknownSystem(system));
  return {
    system: found,
    architecture: found.architecture.parse({...found.presets[preset].architecture, ...architecture}),
    training: trainingOf(found, preset, params),
  };
}

/** Modalities that a task with these parameters reads. */
export function modalitiesOf(params: Given): readonly Modality[] {
  return settingsOf(params).system.modalities;
}

/** Inputs that hold the vectors of fine-tuned backbones. */
const tunedInputs = {visual: 'tunedVisual', acoustic: 'tunedAcoustic'} as const;

/** A modality whose backbone can be fine-tuned. */
export type Tunable = keyof typeof tunedInputs;

/** Modalities of which a task with these parameters reads the vectors of fine-tuned backbones. */
export const tunedOf = (params: Given): readonly Tunable[] =>
  modalitiesOf(params).filter(
    (modality) => modality !== 'linguistic' && params[modality] === 'fine-tuned',
  ) as Tunable[];

/** Inputs of features that a task with these parameters reads, in the order in which they enter its fingerprint. */
export function featureInputsOf(params: Given): readonly (Modality | (typeof tunedInputs)[Tunable])[] {
  const tuned: readonly Modality[] = tunedOf(params);
  return modalitiesOf(params).map((modality) =>
    tuned.includes(modality) ? tunedInputs[modality as Tunable] : modality,
  );
}

function trainingOf(system: System, preset: PresetName, params: Partial<Record<keyof Training, unknown>>): Training {
  const set = Object.entries(params).filter(([key, value]) => key in trainingParams && value !== undefined);
  return {...publishedTraining, ...system.presets[preset].training, ...(Object.fromEntries(set) as Partial<Training>)};
}

function check(params: Given, context: z.RefinementCtx<Given>): void {
  const system = systems[params.system];
  if (system === undefined) {
    context.addIssue({code: 'custom', path: ['system'], message: unknownSystem(params.system), continue: false});
    return;
  }
  checkInitialWeights(system, params, context);
  const preset = system.presets[params.preset].architecture;
  for (const issue of system.architecture.safeParse({...preset, ...params.architecture}).error?.issues ?? []) {
    const message = issue.code === 'unrecognized_keys' ? unknownParameters(system, issue.keys) : issue.message;
    context.addIssue({code: 'custom', path: ['architecture', ...issue.path], message, continue: false});
  }
}

/** Each model must have its file, and no file may be without a model. */
function checkInitialWeights(system: System, params: Given, context: z.RefinementCtx<Given>): void {
  const {preset, initialWeights: files, epochs, targets = trainingOf(system, preset, {}).targets} = params;
  if (epochs === 0 && files === undefined)
    context.addIssue({code: 'custom', path: ['epochs'], message: 'epochs: 0 needs initialWeights', continue: false});
  const models = targets === 'joint' ? ['both'] : ['valence', 'arousal'];
  const given = Object.keys(files ?? {});
  if (files === undefined || given.sort().join() === models.sort().join()) return;
  const message = `targets: ${targets} needs files for ${models.join(' and ')}, not for ${given.join(' and ') || 'none'}`;
  context.addIssue({code: 'custom', path: ['initialWeights'], message, continue: false});
}

function complete(params: Given): Given {
  if (systems[params.system] === undefined) return params;
  const {architecture, training} = settingsOf(params);
  return {
    system: params.system,
    preset: params.preset,
    architecture: architecture as Given['architecture'],
    ...(params.initialWeights === undefined ? {} : {initialWeights: params.initialWeights}),
    // Absent where it is the default or means nothing, so that it leaves such fingerprints alone.
    ...Object.fromEntries(tunedOf(params).map((modality) => [modality, 'fine-tuned' as const])),
    ...training,
  };
}

const unknownSystem = (name: string): string => `unknown system '${name}'. ${suggestion(name, Object.keys(systems))}`;

function unknownParameters(system: System, keys: readonly string[]): string {
  const known = Object.keys(system.architecture.shape);
  return keys.map((key) => `system '${system.name}' has no parameter '${key}'. ${suggestion(key, known)}`).join(' ');
}
