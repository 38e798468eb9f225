/** Training that starts from given weights, such as those of the authors' checkpoints, instead of random ones. */
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {z} from 'zod';
import {StageError} from '../errors.js';
import type {Declaration} from '../learning/layers/declaration.js';
import type {Arrays} from '../learning/program.js';
import {readSafetensors} from '../learning/safetensors.js';
import {nearest} from '../nearest.js';
import type {ModelFile} from '../stage.js';

const file = (what: string) => z.string().min(1).optional().describe(`safetensors file of ${what}.`);

/** Files by the name of the model they belong to. */
export const initialWeights = z
  .strictObject({
    both: file('the one model of targets: joint'),
    valence: file('the valence model of targets: separate'),
    arousal: file('the arousal model of targets: separate'),
  })
  .describe('Weights to start from, under the names of the system; with epochs: 0 they are evaluated as they are.');

export type InitialWeights = z.output<typeof initialWeights>;

/** As `modelParams` of the stage. */
export const initialWeightParams = Object.keys(initialWeights.shape).map((name) => `initialWeights.${name}`);

/** The files, each known by the name of its model. */
export function initialWeightFiles(given: InitialWeights | undefined): ModelFile[] {
  return Object.entries(given ?? {}).flatMap(([id, name]) => (name ? [{id, path: path.resolve(name)}] : []));
}

export interface GivenWeights {
  /** By the names of the declaration: all its weights, and those of its statistics that the file has. */
  readonly arrays: Arrays;
  /** Tensors of the file that the system has no use for, such as those of backbones. */
  readonly unused: readonly string[];
}

/**
 * Reads the weights of a declaration, under its names or those of the authors where `releasedNames` has others, alone or
 * behind the name of a module they stand in. Throws StageError 'bad-weights' where one is missing or has another shape.
 */
export async function readInitialWeights(
  source: string,
  {weights, statistics}: Declaration,
  releasedNames: Readonly<Record<string, string>> = {},
): Promise<GivenWeights> {
  const {tensors} = readSafetensors(await readFile(source), source);
  const present = Object.keys(tensors);
  const known = {...weights, ...statistics};
  const found = new Map(Object.keys(known).map((name) => [name, findName(name, releasedNames, present)]));
  const missing = Object.keys(weights).filter((name) => found.get(name) === undefined);
  if (missing.length > 0) throw missingWeights(source, missing, Object.keys(weights).length, present);
  const entries = [...found].flatMap(([name, theirs]) => (theirs === undefined ? [] : [[name, theirs] as const]));
  for (const [name, theirs] of entries) checkShape(source, theirs, tensors[theirs]!.shape, known[name]!.shape);
  const used = new Set(found.values());
  return {
    arrays: Object.fromEntries(
      entries.map(([name, theirs]) => [name, {shape: known[name]!.shape, values: tensors[theirs]!.values}]),
    ),
    unused: present.filter((name) => !used.has(name)),
  };
}

/** The tensor that a weight is, where exactly one fits. */
function findName(
  name: string,
  releasedNames: Readonly<Record<string, string>>,
  present: readonly string[],
): string | undefined {
  const dot = name.lastIndexOf('.');
  const released = releasedNames[name.slice(0, dot)];
  const names = [name, ...(released === undefined ? [] : [`${released}${name.slice(dot)}`])];
  const exact = names.find((one) => present.includes(one));
  if (exact !== undefined) return exact;
  const behindPrefix = present.filter((one) => names.some((end) => one.endsWith(`.${end}`)));
  return behindPrefix.length === 1 ? behindPrefix[0] : undefined;
}

function checkShape(source: string, name: string, found: readonly number[], wanted: readonly number[]): void {
  if (found.join() === wanted.join()) return;
  throw new StageError(
    'bad-weights',
    `${source}: '${name}' is [${found.join(', ')}], the system needs [${wanted.join(', ')}].`,
    'Set fusion-training.preset, architecture and windowFrames to those the weights were trained with, and use the same features.',
  );
}

function missingWeights(
  source: string,
  missing: readonly string[],
  of: number,
  present: readonly string[],
): StageError {
  const near = nearest(missing[0]!, present);
  const shown = missing.slice(0, 3).join(', ') + (missing.length > 3 ? ', …' : '');
  return new StageError(
    'bad-weights',
    `${source} lacks ${missing.length} of the system's ${of} weights: ${shown}.`,
    `${near === undefined ? '' : `The nearest name it has is ${near}. `}Check fusion-training.preset and architecture; how names are made stands at the head of the system's file.`,
  );
}
