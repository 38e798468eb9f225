/**
 * Parameters that name model files (`modelParams` of a stage). Users write an id or a path; stages are asked for their
 * models with a path; a fingerprint holds neither, because the digest of the file is in it already (D5).
 */
import {existsSync} from 'node:fs';
import path from 'node:path';
import type {Stage} from '../stages/stage.js';
import type {Params} from './experiment.js';
import {ModelError} from './models/errors.js';
import {knownModels, type ModelEntry} from './models/manifest.js';
import {locateModel, resolveModel} from './models/resolve.js';

type Declaration = Pick<Stage, 'modelParams'>;

/** What kinds of network each stage can use. */
const tasks: Readonly<Record<string, readonly ModelEntry['task'][]>> = {
  'face-alignment': ['face-detection'],
  'visual-embedding': ['face-embedding', 'facial-expression', 'clip-embedding'],
  'acoustic-embedding': ['audio-embedding'],
  transcription: ['speech-recognition'],
  'text-embedding': ['text-embedding'],
};

export interface ModelPlaces {
  /** Where `affectflow models pull` keeps its files. */
  readonly folder: string;
  /** Where relative paths start. */
  readonly base: string;
}

/**
 * The parameters with every id or relative path of a model replaced by an absolute path.
 *
 * @throws ModelError 'unknown-model' or 'missing-model'.
 */
export function withModelPaths({modelParams = []}: Declaration, params: Params, places: ModelPlaces): Params {
  return modelParams.reduce((done, at) => {
    const value = valueAt(done, at);
    return typeof value === 'string' ? replaceAt(done, at, pathOf(value, places)) : done;
  }, params);
}

/**
 * The parameters a user gave, before defaults, completed by what the list of models knows of a model named by id: its
 * image size and normalisation, say. What the user gave stands.
 *
 * @throws ModelError 'wrong-task' for a model that is not made for this stage.
 */
export function withModelSettings(
  {name, modelParams = []}: Pick<Stage, 'name' | 'modelParams'>,
  given: Params,
): Params {
  return modelParams.reduce((done, at) => {
    const value = valueAt(done, at);
    // The list of models is read where a parameter names one, which in most experiments none does.
    const entry = typeof value === 'string' ? knownModels().models.find(({id}) => id === value) : undefined;
    if (entry === undefined) return done;
    if (!(tasks[name] ?? [entry.task]).includes(entry.task)) throw wrongTask(entry, `${name}.${at}`, tasks[name]!);
    const group = at.split('.').slice(0, -1).join('.');
    const settings = entry.settings?.[`${name}.${group}`];
    return settings === undefined ? done : replaceAt(done, group, merged(settings, valueAt(done, group) as Params));
  }, given);
}

/** The parameters as a fingerprint holds them and `run` is handed them: without what names model files. */
export function withoutModelParams({modelParams = []}: Declaration, params: Params): Params {
  return modelParams.reduce((done, at) => replaceAt(done, at, undefined), params);
}

/** Makes sure that models asked for by id have the bytes they should have. Throws ModelError. */
export async function checkModels(
  {modelParams = []}: Declaration,
  params: Params,
  {folder}: ModelPlaces,
): Promise<void> {
  for (const at of modelParams) {
    const value = valueAt(params, at);
    if (typeof value === 'string' && isId(value)) await resolveModel(value, folder);
  }
}

function pathOf(value: string, {folder, base}: ModelPlaces): string {
  if (isId(value)) return locateModel(value, folder);
  const file = path.resolve(base, value);
  if (existsSync(file)) return file;
  // A bare word that is no file was meant as an id; this says which ids are near.
  if (!/[\\/.]/.test(value)) return locateModel(value, folder);
  throw new ModelError(
    'missing-model',
    `there is no model file ${file}`,
    'Relative paths start at the experiment file; or give the id of a model: `affectflow models list`.',
  );
}

/** `given` wins, also inside groups. */
function merged(settings: Params, given: Params): Params {
  const both = Object.entries(given).map(([key, value]) => {
    const known = settings[key];
    return [key, isRecord(known) && isRecord(value) ? merged(known as Params, value as Params) : value] as const;
  });
  return {...settings, ...Object.fromEntries(both)};
}

function wrongTask({id, task}: ModelEntry, at: string, wanted: readonly string[]): ModelError {
  const fitting = knownModels().models.filter((entry) => wanted.includes(entry.task));
  return new ModelError(
    'wrong-task',
    `${at}: model '${id}' is for ${task}, and ${wanted.join(' or ')} is wanted`,
    `Name one of ${fitting.map((entry) => entry.id).join(', ')}, or an ONNX file by its path.`,
  );
}

function isId(value: string): boolean {
  return knownModels().models.some(({id}) => id === value);
}

function valueAt(params: Params, at: string): unknown {
  return at.split('.').reduce<unknown>((value, key) => (isRecord(value) ? (value as Params)[key] : undefined), params);
}

/** A copy with another value at a path that is there; undefined takes the key away. */
function replaceAt(params: Params, at: string, value: string | Params | undefined): Params {
  const [key = '', ...rest] = at.split('.');
  if (!(key in params)) return params;
  const {[key]: old, ...others} = params;
  if (rest.length === 0) return value === undefined ? others : {...params, [key]: value};
  return isRecord(old) ? {...params, [key]: replaceAt(old as Params, rest.join('.'), value)} : params;
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
