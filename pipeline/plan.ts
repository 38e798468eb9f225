/**
 * The plan of an experiment: every stage applied to every clip or fold it is needed for. Tasks are plain data
 * (they cross to other processes, and could cross to other machines) and stand in an order in which each comes
 * after what it reads.
 */
import {isFileInput, type FileInput, type Input, type Stage} from '../stages/stage.js';
import type {Clip, Side} from './datasets/dataset.js';
import {UsageError} from './errors.js';
import type {Experiment, Params, SystemRun} from './experiment.js';
import type {Fold} from './folds.js';

/** Where a task's input comes from. */
export type Source =
  | {readonly from: 'file'; readonly path: string}
  | {readonly from: 'absent'}
  | {readonly from: 'task'; readonly task: string; readonly output: string}
  | {
      readonly from: 'fold';
      readonly output: string;
      readonly train: readonly string[];
      readonly validation: readonly string[];
    };

/** What a task is about, in words; never part of a fingerprint. */
export interface Subject {
  readonly clip?: string;
  readonly system?: string;
  readonly fold?: string;
  readonly seed?: string;
}

export interface Task {
  /** Unique in the plan and readable: 'spectrogram s01-c1', 'fusion-training rcma fold 0 seed 1'. */
  readonly id: string;
  readonly stage: string;
  readonly subject: Subject;
  readonly params: Params;
  /** Present only where the stage draws random numbers. */
  readonly seed?: number;
  readonly inputs: Readonly<Record<string, Source>>;
  /**
   * Tasks of clips of which nothing is read, but whose failure excludes the clip here as well: the systems of an
   * experiment are compared on the same clips, and positions of clips mean the same to all of them.
   */
  readonly beside?: readonly string[];
}

export interface Selection {
  /** Glob over clip names, '*' and '?', or the names themselves. */
  readonly clips?: string | readonly string[];
  readonly folds?: readonly string[];
}

export interface Plan {
  readonly experiment: Experiment;
  readonly tasks: readonly Task[];
}

/** Makes the plan; `selection` leaves out clips or folds. With clips selected, only stages per clip are planned. */
export function makePlan(experiment: Experiment, selection: Selection = {}): Plan {
  const tasks = new Map<string, Task>();
  const planner = new Planner(experiment, tasks);
  if (selection.clips === undefined) {
    for (const fold of selectFolds(experiment.folds, selection.folds)) planner.planFold(fold);
  } else {
    for (const clip of selectClips(experiment.dataset.clips, selection.clips)) planner.planClip(clip);
  }
  const byStage = new Map(experiment.graph.stages.map(({name}) => [name, [] as Task[]]));
  for (const task of tasks.values()) byStage.get(task.stage)!.push(task);
  return {experiment, tasks: [...byStage.values()].flat()};
}

/** Identifier of a task, unique in a plan. */
export function taskId(stage: string, subject: Subject): string {
  const {clip, system, fold, seed} = subject;
  const words = (clip === undefined ? '' : ` ${clip}`) + (system === undefined ? '' : ` ${system}`);
  return stage + words + (fold === undefined ? '' : ` fold ${fold}`) + (seed === undefined ? '' : ` seed ${seed}`);
}

/** The stage that must know which of two people a clip is of. */
const FOLLOWS_A_FACE = 'face-alignment';

/** What lies above this stage in the graph is shared by all systems of an experiment; it and what lies below is not. */
const FIRST_PER_SYSTEM = 'fusion-training';

class Planner {
  private readonly perSystem: ReadonlySet<string>;
  private readonly foldClipTasks = new Map<Fold, readonly string[]>();
  private readonly sideParams = new Map<Side, Params>();
  private readonly inputs = new Map<Stage, Map<Params, readonly [string, Input][]>>();
  /** Every fold, system and seed asks for the same tasks of clips; each is named once, and each list of them made once. */
  private readonly clipTasks = new Map<Stage, Map<Clip, string>>();
  private readonly clipLists = new Map<Stage, Map<readonly Clip[], readonly string[]>>();

  constructor(
    private readonly experiment: Experiment,
    private readonly tasks: Map<string, Task>,
  ) {
    this.perSystem = experiment.graph.downstream(FIRST_PER_SYSTEM);
  }

  planFold(fold: Fold): void {
    for (const system of this.experiment.systems) {
      for (const stage of this.experiment.graph.ends()) {
        if (this.paramsOf(stage, system) === undefined) continue;
        for (const seed of this.experiment.seeds) this.foldTask(stage, fold, system, seed);
      }
    }
  }

  /** Every stage per clip that some system of the experiment reads from. */
  planClip(clip: Clip): void {
    const {graph, systems} = this.experiment;
    for (const system of systems) {
      for (const stage of this.clipStages(graph.stage(FIRST_PER_SYSTEM), system))
        if (hasFiles(stage, clip)) this.clipTask(stage, clip);
    }
  }

  /** Stages per clip that a stage per fold reads from, itself or through others per fold. */
  private clipStages(stage: Stage, system: SystemRun): Stage[] {
    const producers = this.readsOf(stage, this.paramsOf(stage, system)!).map(
      (kind) => this.experiment.graph.producer(kind).stage,
    );
    return producers.flatMap((one) => (one.per === 'clip' ? one : this.clipStages(one, system)));
  }

  /** Parameters of a stage per fold; undefined where the experiment does not ask for it. */
  private paramsOf(stage: Stage, system: SystemRun): Params | undefined {
    if (stage.name === 'fusion-training') return system.params;
    return stage.name === 'robustness' ? system.robustness : this.experiment.params.get(stage.name);
  }

  private readsOf(stage: Stage, params: Params): string[] {
    return this.inputsOf(stage, params).flatMap(([, input]) => (isFileInput(input) ? [] : [input.kind]));
  }

  private inputsOf(stage: Stage, params: Params): readonly [string, Input][] {
    return remembered(this.inputs, stage, params, () => {
      const names = stage.reads?.(params) ?? Object.keys(stage.inputs);
      return names.map((name) => [name, stage.inputs[name]!] as [string, Input]);
    });
  }

  private foldTask(stage: Stage, fold: Fold, system: SystemRun, seed: number): string {
    const shared = !this.perSystem.has(stage.name);
    const subject = {...(shared ? {} : {system: system.label}), fold: fold.name, seed: String(seed)};
    return this.add(stage, subject, this.paramsOf(stage, system)!, seed, {
      source: (input) => this.foldSource(input, fold, system, seed),
      beside: this.experiment.config.onFailedClip === 'exclude' ? this.allClipTasks(fold) : [],
    });
  }

  /** Every task of a clip that any system reads from in a fold. */
  private allClipTasks(fold: Fold): readonly string[] {
    let tasks = this.foldClipTasks.get(fold);
    if (tasks === undefined) {
      const {graph, systems} = this.experiment;
      const stages = systems.flatMap((system) => this.clipStages(graph.stage(FIRST_PER_SYSTEM), system));
      const clips = [...fold.train, ...fold.validation];
      tasks = [...new Set(stages)].flatMap((stage) => clips.map((clip) => this.clipTask(stage, clip)));
      this.foldClipTasks.set(fold, tasks);
    }
    return tasks;
  }

  private foldSource(input: Exclude<Input, FileInput>, fold: Fold, system: SystemRun, seed: number): Source {
    const {stage, output} = this.experiment.graph.producer(input.kind);
    if (stage.per === 'fold') return {from: 'task', task: this.foldTask(stage, fold, system, seed), output};
    const of = (clips: readonly Clip[]) =>
      remembered(this.clipLists, stage, clips, () => clips.map((clip) => this.clipTask(stage, clip)));
    return {from: 'fold', output, train: of(fold.train), validation: of(fold.validation)};
  }

  private clipTask(stage: Stage, clip: Clip): string {
    return remembered(this.clipTasks, stage, clip, () => this.addClipTask(stage, clip));
  }

  private addClipTask(stage: Stage, clip: Clip): string {
    return this.add(stage, {clip: clip.name}, this.clipParams(stage, clip), 0, {
      source: (input) => {
        const producer = this.experiment.graph.producer(input.kind);
        return {from: 'task', task: this.clipTask(producer.stage, clip), output: producer.output};
      },
      clip,
    });
  }

  /** One object for all clips of a side, since the digest of parameters is taken once per object. */
  private clipParams(stage: Stage, {side}: Clip): Params {
    const params = this.experiment.params.get(stage.name)!;
    if (stage.name !== FOLLOWS_A_FACE || side === undefined) return params;
    const ofSide = this.sideParams.get(side) ?? {...params, subject: side};
    this.sideParams.set(side, ofSide);
    return ofSide;
  }

  private add(
    stage: Stage,
    subject: Subject,
    params: Params,
    seed: number,
    {source, clip, beside = []}: Surroundings,
  ): string {
    const id = taskId(stage.name, subject);
    if (this.tasks.has(id)) return id;
    const inputs: Record<string, Source> = {};
    for (const [name, input] of this.inputsOf(stage, params))
      inputs[name] = isFileInput(input) ? fileSource(input, clip!) : source(input);
    const task = {id, stage: stage.name, subject, params, inputs, ...(beside.length > 0 ? {beside} : {})};
    this.tasks.set(id, stage.seeded ? {...task, seed} : task);
    return id;
  }
}

interface Surroundings {
  readonly source: (input: Exclude<Input, FileInput>) => Source;
  readonly clip?: Clip;
  readonly beside?: readonly string[];
}

/** The value of two keys, made when first asked for. */
function remembered<A, B, V>(known: Map<A, Map<B, V>>, a: A, b: B, make: () => V): V {
  let ofA = known.get(a);
  if (ofA === undefined) known.set(a, (ofA = new Map()));
  let value = ofA.get(b);
  if (value === undefined) ofA.set(b, (value = make()));
  return value;
}

/** Whether a clip has the files a stage cannot do without: one of the test part has no annotation. */
function hasFiles(stage: Stage, clip: Clip): boolean {
  const needed = Object.values(stage.inputs).filter((input) => isFileInput(input) && !input.optional);
  return needed.every((input) => fileSource(input as FileInput, clip).from === 'file');
}

const fileOf: Readonly<Record<FileInput['file'], (clip: Clip) => string | undefined>> = {
  video: (clip) => clip.video,
  annotation: (clip) => clip.annotation,
  transcript: (clip) => clip.transcript,
  'cropped-aligned': (clip) => clip.croppedAligned,
  'visual-features': (clip) => clip.features?.visual,
  'acoustic-features': (clip) => clip.features?.acoustic,
  'linguistic-features': (clip) => clip.features?.linguistic,
};

function fileSource(input: FileInput, clip: Clip): Source {
  const path = fileOf[input.file](clip);
  return path === undefined ? {from: 'absent'} : {from: 'file', path};
}

function selectFolds(folds: readonly Fold[], names: readonly string[] | undefined): readonly Fold[] {
  if (names === undefined) return folds;
  const unknown = names.filter((name) => !folds.some((fold) => fold.name === name));
  if (unknown.length > 0) {
    throw new UsageError(
      'bad-option',
      `--folds: there is no fold '${unknown[0]!}'`,
      `The folds are ${folds.map((fold) => fold.name).join(', ')}.`,
    );
  }
  return folds.filter((fold) => names.includes(fold.name));
}

function selectClips(clips: readonly Clip[], wanted: string | readonly string[]): readonly Clip[] {
  return typeof wanted === 'string' ? matching(clips, wanted) : clips.filter(({name}) => wanted.includes(name));
}

function matching(clips: readonly Clip[], glob: string): readonly Clip[] {
  const pattern = new RegExp(
    `^${glob
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  const selected = clips.filter((clip) => pattern.test(clip.name));
  if (selected.length === 0) {
    throw new UsageError(
      'nothing-selected',
      `--clips ${glob} matches none of ${clips.length} clips`,
      `Clip names look like '${clips[0]?.name ?? ''}'.`,
    );
  }
  return selected;
}

/** What a task waits for: single tasks, and lists of tasks of clips, one object for all tasks that wait for the same. */
export interface Upstream {
  readonly tasks: readonly string[];
  readonly lists: readonly (readonly string[])[];
}

/** What a task waits for; some tasks more than once. */
export function upstreamOf({inputs, beside}: Task): Upstream {
  const tasks: string[] = [];
  const lists: (readonly string[])[] = [];
  for (const name in inputs) {
    const source = inputs[name]!;
    if (source.from === 'task') tasks.push(source.task);
    else if (source.from === 'fold') lists.push(source.train, source.validation);
  }
  if (beside !== undefined) lists.push(beside);
  return {tasks, lists};
}
