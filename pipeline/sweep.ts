/**
 * A grid search is an experiment whose systems are multiplied by a grid of training parameters: it shares every
 * cached feature, resumes, and is reported like any other.
 */
import {parseDocument} from 'yaml';
import type {Params} from './experiment.js';
import {UsageError} from './errors.js';

/** One `--grid path=value,value,…`. */
export interface Axis {
  /** Path inside the parameters of fusion-training, such as ['architecture', 'recursions']. */
  readonly path: readonly string[];
  readonly values: readonly unknown[];
}

export function parseAxis(text: string): Axis {
  const [place, values] = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)];
  const [stage, ...path] = place.split('.');
  if (!text.includes('=') || values === '' || path.length === 0) {
    throw new UsageError(
      'bad-option',
      `--grid ${text}: expected fusion-training.parameter=value,value`,
      'For example --grid fusion-training.learningRate=1e-4,5e-4.',
    );
  }
  if (stage !== 'fusion-training') {
    throw new UsageError(
      'bad-option',
      `--grid ${text}: a grid varies training, not ${stage!}`,
      'Write one experiment per setting of a feature stage; they share what is equal.',
    );
  }
  return {path, values: parseDocument(`[${values}]`).toJS() as unknown[]};
}

/**
 * Every system of an experiment's YAML at every point of the grid, labelled by what varies. Points are told apart on clean
 * features, so robustness is left out.
 */
export function multiplySystems(raw: unknown, axes: readonly Axis[]): unknown {
  const config: Record<string, unknown> & {systems?: readonly (string | Params)[]} = {...(raw as object)};
  if (!Array.isArray(config.systems)) return raw;
  const points = axes.reduce<Params[][]>(
    (before, axis) => before.flatMap((point) => axis.values.map((value) => [...point, {path: axis.path, value}])),
    [[]],
  );
  delete config['robustness'];
  return {
    ...config,
    systems: config.systems.flatMap((entry) =>
      points.map((point) =>
        atPoint(typeof entry === 'string' ? {system: entry} : entry, point as unknown as Coordinate[]),
      ),
    ),
  };
}

interface Coordinate {
  readonly path: readonly string[];
  readonly value: unknown;
}

function atPoint(entry: Params, point: readonly Coordinate[]): Params {
  const label = [
    String(entry['label'] ?? entry['system']),
    ...point.map(({path, value}) => `${path.at(-1)!}=${JSON.stringify(value)}`),
  ].join(' ');
  return point.reduce<Params>((params, {path, value}) => withValue(params, path, value), {...entry, label});
}

function withValue(params: Params, [key, ...rest]: readonly string[], value: unknown): Params {
  const inner = (params[key!] ?? {}) as Params;
  return {...params, [key!]: rest.length === 0 ? value : withValue(inner, rest, value)};
}
