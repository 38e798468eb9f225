/** Reading a JSON value whose shape is not known, with the path to what is wrong in every message. */
import {badTranscript} from './word.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A value and the path that led to it, such as `segments[3].words[0]`. */
export interface Located<T = unknown> {
  readonly path: string;
  readonly value: T;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object's member as a list of objects; an absent member is an empty list. */
export function objectsIn(parent: Located<JsonObject>, key: string): Located<JsonObject>[] {
  const value = parent.value[key] ?? [];
  const path = pathTo(parent, key);
  if (!Array.isArray(value)) throw unexpected({path, value}, 'a list');
  return value.map((member: unknown, index) => {
    const located = {path: `${path}[${index}]`, value: member};
    if (!isObject(member)) throw unexpected(located, 'an object');
    return {...located, value: member};
  });
}

export function textIn(parent: Located<JsonObject>, ...keys: readonly string[]): string {
  const key = keys.find((name) => parent.value[name] !== undefined) ?? keys[0]!;
  const value = parent.value[key];
  if (typeof value !== 'string') throw unexpected({path: pathTo(parent, key), value}, 'text');
  return value;
}

/** A number of seconds, or undefined where a recogniser gave none (absent or null). */
export function secondsIn(parent: Located<JsonObject>, key: string): number | undefined {
  return secondsFrom({path: pathTo(parent, key), value: parent.value[key]});
}

export function secondsFrom({path, value}: Located): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unexpected({path, value}, 'a number of seconds');
  return value;
}

export function unexpected({path, value}: Located, expected: string): Error {
  return badTranscript({
    where: path === '' ? 'at the top' : `at ${path}`,
    seen: JSON.stringify(value) ?? 'nothing',
    expected,
  });
}

function pathTo(parent: Located, key: string): string {
  return parent.path === '' ? key : `${parent.path}.${key}`;
}
