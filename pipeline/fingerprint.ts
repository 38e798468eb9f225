/** A fingerprint is the digest of everything that decides a task's bytes: what was asked for (D5). */
import {digestOfText, digestOfValue, type Digest} from '../cache/digest.js';
import type {TaskManifest} from '../cache/manifest.js';
import type {Params} from './experiment.js';

export interface NamedDigest {
  readonly name: string;
  readonly digest: Digest;
  /** Whose shard it is, where the task has many clips; not part of the fingerprint. */
  readonly clip?: string;
}

/** All that enters a fingerprint. Paths, clip names, device, thread counts and time do not. */
export interface Ingredients {
  readonly stage: string;
  /** Code identity: 'version n' or 'closure …'. */
  readonly identity: string;
  /** Parameters after defaults. */
  readonly params: Params;
  /** In a fixed order; the clips of a fold as 'visual/train/0', …. */
  readonly inputs: readonly NamedDigest[];
  readonly models: readonly {readonly id: string; readonly digest: Digest}[];
  readonly seed: number | null;
}

/** The parameters of one stage are shared by its tasks, so their digest is taken once. */
const paramsDigests = new WeakMap<Params, Digest>();

export function fingerprintOf({stage, identity, params, inputs, models, seed}: Ingredients): Digest {
  let paramsDigest = paramsDigests.get(params);
  if (paramsDigest === undefined) {
    paramsDigest = digestOfValue('affectflow.params.1', params);
    paramsDigests.set(params, paramsDigest);
  }
  // One text rather than a structure, for folds have thousands of inputs. No part holds a line feed, and each line says
  // what it is, so no two sets of ingredients give the same text.
  let text = `affectflow.task.1\nstage ${stage}\nidentity ${identity}\nparams ${paramsDigest}\nseed ${seed ?? 'none'}`;
  for (const {name, digest} of inputs) text += `\ninput ${name} ${digest}`;
  for (const {id, digest} of models) text += `\nmodel ${id} ${digest}`;
  return digestOfText(text);
}

/** The ingredients that a recorded task was made of. */
export function ingredientsOf({stage, identity, params, inputs, models, seed}: TaskManifest): Ingredients {
  return {stage, identity, params: params as Params, inputs, models, seed};
}

/** What differs between an earlier task and this one, in words, most telling first; empty where nothing does. */
export function differences(earlier: Ingredients, now: Ingredients): string[] {
  return [
    ...(earlier.identity === now.identity
      ? []
      : [`code changed (${shortIdentity(earlier.identity)} → ${shortIdentity(now.identity)})`]),
    ...paramDifferences(earlier.params, now.params),
    ...(earlier.seed === now.seed ? [] : [`seed ${earlier.seed ?? 'none'} → ${now.seed ?? 'none'}`]),
    ...digestDifferences(
      'model ',
      earlier.models.map(({id, digest}) => [id, digest]),
      now.models.map(({id, digest}) => [id, digest]),
    ),
    ...digestDifferences(
      '',
      earlier.inputs.map(({name, digest}) => [name, digest]),
      now.inputs.map(({name, digest}) => [name, digest]),
    ),
  ];
}

function paramDifferences(earlier: Params, now: Params, prefix = ''): string[] {
  return [...new Set([...Object.keys(earlier), ...Object.keys(now)])].sort().flatMap((key) => {
    const [before, after] = [earlier[key], now[key]];
    if (isParams(before) && isParams(after)) return paramDifferences(before, after, `${prefix}${key}.`);
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [`${prefix}${key} ${show(before)} → ${show(after)}`];
  });
}

function isParams(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}

function digestDifferences(prefix: string, earlier: [string, string][], now: [string, string][]): string[] {
  const before = new Map(earlier);
  const after = new Map(now);
  const changed = now.filter(([name, digest]) => before.has(name) && before.get(name) !== digest).map(([name]) => name);
  const added = now.filter(([name]) => !before.has(name)).map(([name]) => name);
  const gone = earlier.filter(([name]) => !after.has(name)).map(([name]) => name);
  return [
    ...summary(`${prefix}`, changed, 'changed'),
    ...summary(prefix, added, 'is new'),
    ...summary(prefix, gone, 'is gone'),
  ];
}

/** 'audio changed', or for the clips of a fold 'visual/train changed in 12 clips'. */
function summary(prefix: string, names: readonly string[], verb: string): string[] {
  const groups = new Map<string, number>();
  for (const name of names) {
    const group = name.replace(/\/\d+$/, '');
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
  return [...groups].map(([group, count]) =>
    count > 1 ? `${prefix}${group} ${verb} (${count} clips)` : `${prefix}${group} ${verb}`,
  );
}

function shortIdentity(identity: string): string {
  return identity.startsWith('closure ') ? `closure ${identity.slice(8, 16)}` : identity;
}
