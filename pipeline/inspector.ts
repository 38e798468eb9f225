/**
 * Decides for tasks, given what became of the tasks they read from, whether their results exist already, or why they
 * have to run. Shared by the executor (which acts on it), `plan` and `report` (which only look).
 *
 * A run that has nothing to do is little else than this for every task, so what tasks have in common (identity, models,
 * parameters of their stage) is found once, and results are asked of the lineage for many tasks at a time.
 */
import path from 'node:path';
import type {Digest} from '../cache/digest.js';
import type {TaskResult} from '../cache/lineage.js';
import {intactManifest} from '../cache/manifest.js';
import type {ModelFile, Stage} from '../stages/stage.js';
import type {Params} from './experiment.js';
import {differences, fingerprintOf, ingredientsOf, type Ingredients, type NamedDigest} from './fingerprint.js';
import type {Closures, Lock} from './identity.js';
import {identityOf} from './identity.js';
import {checkModels, withModelPaths, withoutModelParams, type ModelPlaces} from './model-params.js';
import {modelsFolder} from './models/store.js';
import {upstreamOf, type Plan, type Source, type Task} from './plan.js';
import type {ResolvedInput} from './request.js';
import type {Workspace} from './workspace.js';

/** What became of a task, as those that read from it see it. */
export type Outcome =
  | {
      readonly is: 'done';
      readonly outputs: readonly {readonly name: string; readonly digest: Digest}[];
      readonly excluded: ReadonlySet<string>;
    }
  | {readonly is: 'failed' | 'skipped'}
  /** Only when looking ahead: it would run, so what it will write is not known yet. */
  | {readonly is: 'unknown'};

export type Verdict =
  | {readonly is: 'reuse'; readonly record: TaskResult; readonly excluded: ReadonlySet<string>}
  | {readonly is: 'run'; readonly ready: ReadyTask; readonly reason: string}
  | {readonly is: 'skip'; readonly because: string}
  | {readonly is: 'unknown'; readonly because: string};

/** A task whose inputs are all known. */
export interface ReadyTask {
  readonly task: Task;
  readonly fingerprint: Digest;
  readonly ingredients: Ingredients;
  readonly inputs: Readonly<Record<string, ResolvedInput>>;
  readonly models: Readonly<Record<string, string>>;
  readonly excluded: ReadonlySet<string>;
}

/** What the tasks of a stage with the same parameters have in common. */
type SharedIngredients = Pick<Ingredients, 'stage' | 'identity' | 'params' | 'models'>;

/** A task that does not wait for anything and may have been done before. */
interface Candidate {
  readonly task: Task;
  readonly fingerprint: Digest;
  readonly excluded: ReadonlySet<string>;
}

/** What tasks of a fold find in a list of tasks of clips, which is the same for all systems and seeds. */
interface ClipList {
  readonly undone: readonly string[];
  /** By names of the input and of the output that it is. */
  readonly inputs: Map<string, readonly NamedDigest[]>;
}

/** An input of many clips: of each the same output. */
interface ListInput {
  readonly name: string;
  readonly ids: readonly string[];
  readonly output: string;
}

/** What became of a task that others read from. */
type OutcomeOf = (id: string) => Outcome;

export interface InspectorOptions {
  readonly plan: Plan;
  readonly workspace: Workspace;
  readonly closures: Closures;
  readonly lock: Lock;
  /** Stages that run whatever is cached, and the words that say who asked. */
  readonly forced?: {readonly stages: ReadonlySet<string>; readonly because: string};
}

export class Inspector {
  readonly tasks: ReadonlyMap<string, Task>;
  readonly #models = new WeakMap<Params, readonly ModelFile[]>();
  readonly #shared = new WeakMap<Params, SharedIngredients>();
  #lists = new WeakMap<readonly string[], ClipList>();
  /** Digests of files as this inspector found them: one run sees one state of a file. */
  readonly #hashed = new Map<string, Digest>();

  constructor(readonly options: InspectorOptions) {
    this.tasks = new Map(options.plan.tasks.map((task) => [task.id, task]));
  }

  stageOf(task: Task): Stage {
    return this.options.plan.experiment.graph.stage(task.stage);
  }

  /** Whether the digests of all files a task needs are known without reading them. */
  knowsFiles(task: Task): boolean {
    try {
      return this.#filesOf(task).every((file) => this.#digestOf(file) !== undefined);
    } catch {
      // A model that is not there: `hashFiles` says so, where it fails this task alone.
      return false;
    }
  }

  /** Reads the files of a task whose digests are not known. */
  async hashFiles(task: Task): Promise<void> {
    const stage = this.stageOf(task);
    if (stage.modelParams) await checkModels(stage, task.params, this.#modelPlaces);
    for (const file of this.#filesOf(task)) {
      if (this.#digestOf(file) === undefined)
        this.#hashed.set(file, await this.options.workspace.fileDigests.digest(file));
    }
  }

  #filesOf(task: Task): string[] {
    const files = this.#modelsOf(task).map((model) => model.path);
    for (const source of Object.values(task.inputs)) if (source.from === 'file') files.push(source.path);
    return files;
  }

  /** Found once for all tasks of a stage that share their parameters. */
  #modelsOf(task: Task): readonly ModelFile[] {
    const stage = this.stageOf(task);
    if (stage.models === undefined) return [];
    let models = this.#models.get(task.params);
    if (models === undefined) {
      models = stage.models(withModelPaths(stage, task.params, this.#modelPlaces));
      this.#models.set(task.params, models);
    }
    return models;
  }

  get #modelPlaces(): ModelPlaces {
    const {plan, workspace} = this.options;
    return {folder: modelsFolder(workspace.folder), base: path.dirname(plan.experiment.file)};
  }

  #digestOf(file: string): Digest | undefined {
    let digest = this.#hashed.get(file);
    if (digest === undefined) {
      digest = this.options.workspace.fileDigests.peek(file);
      if (digest !== undefined) this.#hashed.set(file, digest);
    }
    return digest;
  }

  /** @param outcomeOf what became of each task this one reads from */
  inspect(task: Task, outcomeOf: OutcomeOf): Verdict {
    return this.inspectAll([task], outcomeOf)[0]!;
  }

  /** Inspects tasks of which none reads from another. */
  inspectAll(tasks: readonly Task[], outcomeOf: OutcomeOf): Verdict[] {
    const candidates = tasks.map((task) => this.#candidate(task, outcomeOf));
    const fingerprints = candidates.flatMap((one) => ('fingerprint' in one ? one.fingerprint : []));
    const records = this.options.workspace.lineage.resultsOf(fingerprints);
    return candidates.map((one) =>
      'fingerprint' in one ? this.#freshOrReason(one, records.get(one.fingerprint), outcomeOf) : one,
    );
  }

  #candidate(task: Task, outcomeOf: OutcomeOf): Candidate | Verdict {
    const {tasks, lists} = upstreamOf(task);
    const all = tasks.filter((id) => outcomeOf(id).is !== 'done');
    for (const list of lists) for (const id of this.#list(list, outcomeOf).undone) all.push(id);
    const excluded = this.#excluded(task, {tasks, undone: all}, outcomeOf);
    const undone = excluded.size === 0 ? all : all.filter((id) => !this.#isExcluded(id, excluded));
    const bad = undone.find((id) => outcomeOf(id).is !== 'unknown');
    if (bad !== undefined)
      return {is: 'skip', because: `${bad} ${outcomeOf(bad).is === 'failed' ? 'failed' : 'was skipped'}`};
    if (undone.length > 0) return {is: 'unknown', because: `${undone[0]!} runs first`};
    const emptied = this.#emptied(task, excluded);
    if (emptied !== undefined) return {is: 'skip', because: emptied};
    return {task, fingerprint: fingerprintOf(this.#ingredients(task, excluded, outcomeOf)), excluded};
  }

  #freshOrReason(candidate: Candidate, recorded: TaskResult | undefined, outcomeOf: OutcomeOf): Verdict {
    const {workspace, forced} = this.options;
    const {task, fingerprint, excluded} = candidate;
    const record = recorded ?? this.#adopt(fingerprint);
    const missing = record?.outputs.find((output) => !workspace.store.has(output.digest, output.bytes));
    const isForced = forced?.stages.has(task.stage) ?? false;
    if (record !== undefined && missing === undefined && !isForced) return {is: 'reuse', record, excluded};
    const ready = this.#resolve(candidate, outcomeOf);
    if (isForced) return {is: 'run', ready, reason: forced!.because};
    if (missing === undefined) return {is: 'run', ready, reason: this.#whyNew(ready)};
    return {is: 'run', ready, reason: `its shard ${missing.name} is missing or truncated`};
  }

  /**
   * A worker may have finished a task whose run was killed before the lineage heard of it; its manifest tells. One that
   * is damaged is as none: the task runs and replaces it.
   */
  #adopt(fingerprint: Digest): TaskResult | undefined {
    const {lineage, manifests} = this.options.workspace;
    const manifest = intactManifest(manifests, fingerprint);
    if (manifest !== undefined) lineage.record(manifest);
    return manifest;
  }

  /** Compares with the nearest earlier task of the same stage and subject. */
  #whyNew(ready: ReadyTask): string {
    const {lineage} = this.options.workspace;
    if (lineage.failures([ready.fingerprint]).size > 0) return 'it failed before';
    const earlier = lineage.nearest(ready.task.stage, {...ready.task.subject}, ready.fingerprint);
    if (earlier === undefined) return 'first time';
    const changed = differences(ingredientsOf(earlier), ready.ingredients);
    return changed.length === 0 ? 'its record was removed' : changed.join(', ');
  }

  #ingredients(task: Task, excluded: ReadonlySet<string>, outcomeOf: OutcomeOf): Ingredients {
    const inputs: NamedDigest[] = [];
    for (const [name, source] of Object.entries(task.inputs)) {
      if (source.from === 'file') inputs.push({name, digest: this.#digestOf(source.path)!});
      else if (source.from === 'task') inputs.push({name, digest: outputOf(outcomeOf(source.task), source.output)});
      else if (source.from === 'fold') {
        for (const side of ['train', 'validation'] as const) {
          const given = {name: `${name}/${side}`, ids: source[side], output: source.output};
          for (const input of this.#inputsOf(given, excluded, outcomeOf)) inputs.push(input);
        }
      }
    }
    return {...this.#sharedIngredients(task), inputs, seed: task.seed ?? null};
  }

  /** Found once for all systems and seeds, where no clip is excluded. */
  #inputsOf(given: ListInput, excluded: ReadonlySet<string>, outcomeOf: OutcomeOf): readonly NamedDigest[] {
    const {name, ids, output} = given;
    const make = () =>
      this.#included(ids, excluded).map((id, index) => {
        const digest = outputOf(outcomeOf(id), output);
        return {name: `${name}/${index}`, digest, clip: this.tasks.get(id)!.subject.clip!};
      });
    if (excluded.size > 0) return make();
    const {inputs} = this.#list(ids, outcomeOf);
    const key = `${name} ${output}`;
    let known = inputs.get(key);
    if (known === undefined) inputs.set(key, (known = make()));
    return known;
  }

  #list(ids: readonly string[], outcomeOf: OutcomeOf): ClipList {
    let list = this.#lists.get(ids);
    if (list === undefined) {
      list = {undone: ids.filter((id) => outcomeOf(id).is !== 'done'), inputs: new Map()};
      this.#lists.set(ids, list);
    }
    return list;
  }

  /** To be called where a task that was done is done again. */
  forgetLists(): void {
    this.#lists = new WeakMap();
  }

  /** Found once for all tasks of a stage that share their parameters, whose digest is taken once, too. */
  #sharedIngredients(task: Task): SharedIngredients {
    let shared = this.#shared.get(task.params);
    if (shared === undefined) {
      const {closures, lock} = this.options;
      const stage = this.stageOf(task);
      shared = {
        stage: stage.name,
        identity: identityOf(stage, closures, lock),
        params: withoutModelParams(stage, task.params),
        models: this.#modelsOf(task).map(({id, path: file}) => ({id, digest: this.#digestOf(file)!})),
      };
      this.#shared.set(task.params, shared);
    }
    return shared;
  }

  #resolve({task, fingerprint, excluded}: Candidate, outcomeOf: OutcomeOf): ReadyTask {
    const inputs = Object.entries(task.inputs).map(([name, source]) => [
      name,
      this.#input(source, excluded, outcomeOf),
    ]);
    return {
      task,
      fingerprint,
      ingredients: this.#ingredients(task, excluded, outcomeOf),
      inputs: Object.fromEntries(inputs) as ReadyTask['inputs'],
      models: Object.fromEntries(this.#modelsOf(task).map(({id, path: file}) => [id, file])),
      excluded,
    };
  }

  #input(source: Source, excluded: ReadonlySet<string>, outcomeOf: OutcomeOf): ResolvedInput {
    if (source.from === 'absent') return {is: 'absent'};
    if (source.from === 'file') return {is: 'file', path: source.path, digest: this.#digestOf(source.path)!};
    if (source.from === 'task') return {is: 'shard', digest: outputOf(outcomeOf(source.task), source.output)};
    const digests = (ids: readonly string[]) =>
      this.#included(ids, excluded).map((id) => outputOf(outcomeOf(id), source.output));
    return {is: 'fold', train: digests(source.train), validation: digests(source.validation)};
  }

  #included(ids: readonly string[], excluded: ReadonlySet<string>): readonly string[] {
    return excluded.size === 0 ? ids : ids.filter((id) => !this.#isExcluded(id, excluded));
  }

  /**
   * With onFailedClip: exclude, the clips a fold task goes without: those of which any stage that a fold reads
   * failed, in this task or in one it reads from, so that training and evaluation count the same clips.
   */
  #excluded(
    task: Task,
    {tasks, undone}: {tasks: readonly string[]; undone: readonly string[]},
    outcomeOf: OutcomeOf,
  ): ReadonlySet<string> {
    if (this.options.plan.experiment.config.onFailedClip !== 'exclude' || this.stageOf(task).per !== 'fold')
      return nobody;
    const excluded = new Set<string>();
    for (const id of undone) {
      const clip = this.tasks.get(id)!.subject.clip;
      if (clip !== undefined && outcomeOf(id).is !== 'unknown') excluded.add(clip);
    }
    for (const id of tasks) {
      const outcome = outcomeOf(id);
      if (outcome.is === 'done') for (const name of outcome.excluded) excluded.add(name);
    }
    return excluded;
  }

  #isExcluded(id: string, excluded: ReadonlySet<string>): boolean {
    if (excluded.size === 0) return false;
    const clip = this.tasks.get(id)!.subject.clip;
    return clip !== undefined && excluded.has(clip);
  }

  /** Why a fold cannot run once clips are excluded, if it cannot. */
  #emptied(task: Task, excluded: ReadonlySet<string>): string | undefined {
    if (excluded.size === 0) return undefined;
    for (const source of Object.values(task.inputs)) {
      if (source.from !== 'fold') continue;
      for (const side of ['train', 'validation'] as const) {
        if (source[side].every((id) => this.#isExcluded(id, excluded))) return `every ${side} clip failed`;
      }
    }
    return undefined;
  }
}

/** No clip is excluded. */
const nobody: ReadonlySet<string> = new Set();

function outputOf(outcome: Outcome, output: string): Digest {
  if (outcome.is !== 'done') throw new Error(`a task is ${outcome.is}, not done`);
  return outcome.outputs.find(({name}) => name === output)!.digest;
}
