/**
 * An experiment: a data set, its folds, seeds, the parameters of every stage, and the systems to compare.
 * Written as YAML; every default lives in a zod schema and nowhere else (D14).
 */
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {parseDocument} from 'yaml';
import {z} from 'zod';
import {modalitiesOf} from '../stages/fusion-training/settings.js';
import {systems} from '../stages/fusion-training/systems/index.js';
import {stages as allStages} from '../stages/index.js';
import type {Dataset} from './datasets/dataset.js';
import {folderDataset, readFolderDataset} from './datasets/folder.js';
import {UsageError} from './errors.js';
import {foldsConfig, makeFolds, type Fold} from './folds.js';
import {Graph} from './graph.js';
import {withModelSettings} from './model-params.js';
import {unusedFeatures} from './own-features.js';
import {nearest, suggestion} from '../stages/nearest.js';
import {robustnessConfig, robustnessParams} from './robustness.js';

export type Params = Readonly<Record<string, unknown>>;

const systemEntry = z.union([
  z.string(),
  z.looseObject({
    system: z.string(),
    label: z.string().optional().describe('Row label in the reports; the name of the system where absent.'),
  }),
]);

export const experimentSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'letters, digits, dot, dash and underscore only')
    .describe('Name of the experiment in the lineage and the reports.'),
  description: z.string().optional(),
  dataset: folderDataset,
  folds: foldsConfig.default({kind: 'subjects', count: 5}),
  seeds: z
    .array(z.number().int().nonnegative())
    .min(1)
    .default([0])
    .describe('Each system is trained once per seed and fold.'),
  stages: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({})
    .describe('Parameters by stage; what is absent takes its default.'),
  systems: z
    .array(systemEntry)
    .min(1)
    .describe('Fusion systems and single modalities, by name or with parameters of their own.'),
  robustness: robustnessConfig
    .optional()
    .describe(
      'Evaluate the trained systems on corrupted features as well; not done where absent. {} takes all defaults.',
    ),
  onFailedClip: z
    .enum(['stop', 'exclude'])
    .default('stop')
    .describe("'stop': folds that need a failed clip are skipped. 'exclude': they run on the clips that are left."),
});

export type ExperimentConfig = z.output<typeof experimentSchema>;

/** A system as one experiment trains it: parameters of fusion-training, complete. */
export interface SystemRun {
  readonly label: string;
  readonly params: Params;
  /** Complete parameters of stage robustness; absent where the experiment does not ask for it. */
  readonly robustness?: Params;
}

/** Stages whose parameters differ from system to system. */
const PER_SYSTEM = ['fusion-training', 'robustness'];

export interface Experiment {
  readonly name: string;
  readonly file: string;
  readonly config: ExperimentConfig;
  readonly graph: Graph;
  readonly dataset: Dataset;
  readonly folds: readonly Fold[];
  readonly seeds: readonly number[];
  /** Complete parameters of every stage but those whose parameters differ by system. */
  readonly params: ReadonlyMap<string, Params>;
  readonly systems: readonly SystemRun[];
}

/**
 * Reads, checks and completes an experiment. `overrides` are the `--set path=value` of the command line;
 * `change` may rewrite what was read before it is checked.
 */
export function loadExperiment(
  file: string,
  overrides: readonly string[] = [],
  change: (raw: unknown) => unknown = (raw) => raw,
): Experiment {
  const resolved = path.resolve(file);
  if (!existsSync(resolved)) {
    throw new UsageError(
      'missing-experiment',
      `there is no experiment file ${resolved}`,
      'Give the path of a YAML file; `affectflow demo` writes one to start from.',
    );
  }
  return makeExperiment(change(parseYaml(readFileSync(resolved, 'utf8'), resolved)), resolved, overrides);
}

export function makeExperiment(raw: unknown, file: string, overrides: readonly string[] = []): Experiment {
  const graph = new Graph(allStages);
  const config = parseWith(experimentSchema, applyOverrides(raw, overrides, graph), file, '');
  for (const name of Object.keys(config.stages)) graph.stage(name);
  if ('robustness' in config.stages) {
    throw new UsageError(
      'bad-experiment',
      `${file}: stages.robustness is made from the section 'robustness'`,
      "Write 'robustness:' beside 'stages:', not below it.",
    );
  }
  const found = readFolderDataset(config.dataset, path.dirname(file));
  const params = new Map(
    graph.stages
      .filter((stage) => !PER_SYSTEM.includes(stage.name))
      .map((stage) => [stage.name, stageParams(graph, stage.name, config.stages[stage.name] ?? {}, file)]),
  );
  const unread = [
    ...faceSourceRemarks(config, params.get('face-alignment')!, file),
    ...unusedFeatures(config, params, file),
  ];
  const dataset = {...found, remarks: [...found.remarks, ...unread]};
  // Made when first asked for: extracting features needs no folds.
  let folds: readonly Fold[] | undefined;
  return {
    name: config.name,
    file,
    config,
    graph,
    dataset,
    get folds() {
      return (folds ??= makeFolds(config.folds, dataset.clips));
    },
    seeds: config.seeds,
    params,
    systems: systemRuns(graph, config, file),
  };
}

/**
 * What to say of face images that are asked for by a parameter of face-alignment and found by the data set: remarks where
 * they are there and not read; an error where they are read and not there.
 */
function faceSourceRemarks({dataset}: ExperimentConfig, params: Params, file: string): string[] {
  const [asked, given] = [params['source'] === 'cropped-aligned', dataset.croppedAligned !== undefined];
  if (asked && !given) {
    throw new UsageError(
      'bad-experiment',
      `${file}: stages.face-alignment.source is cropped-aligned, but dataset.croppedAligned is absent`,
      'Name the folder of the face images in dataset.croppedAligned.',
    );
  }
  if (asked === given) return [];
  return ['dataset.croppedAligned is not read; stages.face-alignment.source: cropped-aligned reads it'];
}

function systemRuns(graph: Graph, config: ExperimentConfig, file: string): SystemRun[] {
  const shared = config.stages['fusion-training'] ?? {};
  const runs = config.systems.map((entry) => {
    const {label, ...own} = typeof entry === 'string' ? {label: undefined, system: entry} : entry;
    const architecture = {
      ...sharedArchitecture(shared, own.system),
      ...((own as Params)['architecture'] as Params | undefined),
    };
    const params = stageParams(graph, 'fusion-training', {...shared, ...own, architecture}, file);
    return {label: label ?? own.system, params, ...robustnessOf(graph, config, params, file)};
  });
  checkSharedArchitecture(shared, runs, file);
  const labels = runs.map((run) => run.label);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) {
    throw new UsageError(
      'bad-experiment',
      `${file}: two systems are labelled '${twice}'`,
      'Give each entry of systems a label of its own.',
    );
  }
  return runs;
}

function robustnessOf(
  graph: Graph,
  {robustness}: ExperimentConfig,
  training: Params,
  file: string,
): Pick<SystemRun, 'robustness'> {
  if (robustness === undefined) return {};
  const modalities = modalitiesOf(training as Parameters<typeof modalitiesOf>[0]);
  return {robustness: stageParams(graph, 'robustness', robustnessParams(robustness, training, modalities), file)};
}

/**
 * Architecture parameters under stages.fusion-training are for every system that has them: channels of the temporal
 * convolutions, say, while only some systems have recursions.
 */
function sharedArchitecture(shared: Params, system: string): Params {
  const known = systems[system]?.architecture.shape ?? {};
  return Object.fromEntries(Object.entries((shared['architecture'] ?? {}) as Params).filter(([key]) => key in known));
}

/** A shared parameter that no system of the experiment has is a mistake. */
function checkSharedArchitecture(shared: Params, runs: readonly SystemRun[], file: string): void {
  const known = new Set(runs.flatMap((run) => Object.keys((run.params['architecture'] ?? {}) as Params)));
  const unknown = Object.keys((shared['architecture'] ?? {}) as Params).find((key) => !known.has(key));
  if (unknown === undefined) return;
  throw new UsageError(
    'bad-experiment',
    `${file}: no system of this experiment has the parameter 'stages.fusion-training.architecture.${unknown}'`,
    suggestion(unknown, known),
  );
}

function stageParams(graph: Graph, name: string, given: Params, file: string): Params {
  const stage = graph.stage(name);
  return parseWith(stage.params.strict(), withModelSettings(stage, given), file, `stages.${name}.`) as Params;
}

function parseYaml(text: string, file: string): unknown {
  const document = parseDocument(text, {prettyErrors: true});
  const error = document.errors[0];
  if (error !== undefined) {
    throw new UsageError('bad-yaml', `${file}: ${error.message.trim()}`, 'Correct the YAML; indentation is by spaces.');
  }
  return document.toJS() as unknown;
}

/** `path=value`: the first part of the path is a stage name or a key of the experiment; the value is YAML. */
function applyOverrides(raw: unknown, overrides: readonly string[], graph: Graph): unknown {
  if (overrides.length === 0) return raw;
  const config = structuredClone(raw ?? {}) as Record<string, unknown>;
  for (const override of overrides) applyOverride(config, override, graph);
  return config;
}

function applyOverride(config: Record<string, unknown>, override: string, graph: Graph): void {
  const equals = override.indexOf('=');
  if (equals < 1) {
    throw new UsageError(
      'bad-override',
      `--set ${override}: expected path=value`,
      'For example --set fusion-training.learningRate=1e-4.',
    );
  }
  const keys = override.slice(0, equals).split('.');
  const value = parseDocument(override.slice(equals + 1)).toJS() as unknown;
  const known = [...graph.stages.map((stage) => stage.name), ...Object.keys(experimentSchema.shape)];
  if (!known.includes(keys[0]!)) {
    throw new UsageError(
      'bad-override',
      `--set ${override}: '${keys[0]!}' is neither a stage nor a key of the experiment`,
      suggestion(keys[0]!, known),
    );
  }
  const isStage = graph.has(keys[0]!) && !(keys[0]! in experimentSchema.shape);
  const target = isStage ? ['stages', ...keys] : keys;
  if (keys.length < 2 && isStage)
    throw new UsageError(
      'bad-override',
      `--set ${override}: name a parameter of the stage`,
      `For example --set ${keys[0]!}.name=value.`,
    );
  setPath(config, target, value, override);
}

function setPath(config: Record<string, unknown>, keys: readonly string[], value: unknown, override: string): void {
  let place = config;
  for (const key of keys.slice(0, -1)) {
    const next = (place[key] ??= {});
    if (typeof next !== 'object' || next === null) {
      throw new UsageError('bad-override', `--set ${override}: '${key}' holds a value, not keys`, 'Shorten the path.');
    }
    place = next as Record<string, unknown>;
  }
  place[keys.at(-1)!] = value;
}

/** Parses with zod and turns its issues into one UsageError that names every wrong key. */
function parseWith<T extends z.ZodType>(schema: T, value: unknown, file: string, prefix: string): z.output<T> {
  // Each schema is asked once or twice, for which zod would first compile it: 11 ms for all stages.
  const result = schema.safeParse(value ?? {}, {jitless: true});
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => describe(issue, schema, prefix));
  throw new UsageError(
    'bad-experiment',
    `${file}: ${lines.join('; ')}`,
    'Correct the experiment file (or --set); `affectflow stages STAGE` lists the parameters of a stage.',
  );
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType, prefix: string): string {
  const place = `${prefix}${issue.path.map(String).join('.')}`;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    const [lastUnlike] = issue.keys.filter((key) => nearest(key, known) === undefined).slice(-1);
    return issue.keys
      .map((key) => {
        const near = nearest(key, known);
        const list = key === lastUnlike && known.length > 0 ? ` (known: ${known.join(', ')})` : '';
        const hint = near === undefined ? list : ` (did you mean '${near}'?)`;
        return `unknown key '${place === prefix ? prefix : `${place}.`}${key}'${hint}`;
      })
      .join('; ');
  }
  return `${place.replace(/\.$/, '') || 'the file'}: ${issue.message}`;
}

/** The keys an object schema knows at a path, for the suggestion; empty where the schema is no plain object. */
function keysAt(schema: z.ZodType, keys: readonly PropertyKey[]): string[] {
  let at: z.ZodType | undefined = unwrap(schema);
  for (const key of keys)
    at = at instanceof z.ZodObject ? unwrap(at.shape[String(key)] as z.ZodType | undefined) : undefined;
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrap(schema: z.ZodType | undefined): z.ZodType | undefined {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodOptional) inner = inner.unwrap() as z.ZodType;
  return inner;
}
