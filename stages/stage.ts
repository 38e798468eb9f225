/**
 * The contract of a stage. A stage is a declared value: what it reads, what it writes, its parameters and its
 * `run`. It knows neither that results are cached, nor where files are, nor in what order stages run.
 */
import type {z} from 'zod';
import type {ShardReader, ShardSchema, ShardWriter} from '../cache/shard.js';

/** A file, or a folder of files, that the user published: a video, an annotation, a transcript. Hashed in place, never copied. */
export interface PublishedFile {
  readonly path: string;
  readonly digest: string;
}

/** Declares an input that is a published file; `optional` where a clip may lack it. */
export interface FileInput<Optional extends boolean = boolean> {
  readonly file:
    'video' | 'annotation' | 'transcript' | 'cropped-aligned' | `${'visual' | 'acoustic' | 'linguistic'}-features`;
  readonly optional: Optional;
}

export const video = {file: 'video', optional: false} as const satisfies FileInput;
export const annotation = {file: 'annotation', optional: false} as const satisfies FileInput;
export const transcript = {file: 'transcript', optional: true} as const satisfies FileInput;
/** A folder of face images that came with the data set, one per frame. */
export const croppedAligned = {file: 'cropped-aligned', optional: true} as const satisfies FileInput;
/** Features that the user made with other programs, one file per clip and modality. */
export const visualFeatures = {file: 'visual-features', optional: true} as const satisfies FileInput;
export const acousticFeatures = {file: 'acoustic-features', optional: true} as const satisfies FileInput;
export const linguisticFeatures = {file: 'linguistic-features', optional: true} as const satisfies FileInput;

export type Input = ShardSchema | FileInput;

/** One clip of a fold, as a stage per fold sees it: its position and its shards; names stay outside. */
export interface FoldShards<S extends ShardSchema> {
  readonly train: readonly ShardReader<S>[];
  readonly validation: readonly ShardReader<S>[];
}

/** Kinds of shard that exist once per fold rather than once per clip. */
export type FoldKind =
  | 'tuned-visual'
  | 'tuned-acoustic'
  | 'backbone-weights'
  | 'backbone-curve'
  | 'acoustic-backbone-weights'
  | 'acoustic-backbone-curve'
  | 'weights'
  | 'curve'
  | 'predictions'
  | 'scores'
  | 'moments'
  | 'robustness';

type InputOf<I extends Input, P extends 'clip' | 'fold'> =
  I extends FileInput<true>
    ? PublishedFile | undefined
    : I extends FileInput<false>
      ? PublishedFile
      : I extends ShardSchema
        ? P extends 'clip'
          ? ShardReader<I>
          : I['kind'] extends FoldKind
            ? ShardReader<I>
            : FoldShards<I>
        : never;

/** What a run may ask of its surroundings. Nothing here may change the bytes it writes, except `seed`. */
export interface RunContext {
  /** Seed of the task; 0 for stages that draw nothing. */
  readonly seed: number;
  /** Threads this task may use. */
  readonly threads: number;
  /** `--device`: 'auto', 'cpu', 'webgpu', 'cuda', 'tfjs-gpu' or 'tfjs'. */
  readonly device: string;
  /** Model files the stage declared, by id. */
  readonly models: Readonly<Record<string, string>>;
  /** A private folder that survives a killed task and is emptied when the task succeeds: for checkpoints. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  progress(done: number, total: number, unit: string): void;
  /** Records something the user should know, without failing: shown now and with every reuse of the result. */
  warn(message: string): void;
  /** Records a fact of how the result was made, such as the device chosen; not part of the fingerprint. */
  note(key: string, value: string | number): void;
}

export interface RunArguments<
  I extends Readonly<Record<string, Input>>,
  O extends Readonly<Record<string, ShardSchema>>,
  P extends z.ZodObject,
  Per extends 'clip' | 'fold',
> {
  readonly inputs: {readonly [K in keyof I]: InputOf<I[K], Per>};
  readonly outputs: {readonly [K in keyof O]: ShardWriter<O[K]>};
  readonly params: z.output<P>;
  readonly context: RunContext;
}

/** A file of trained parameters that decides what a stage writes; its digest enters the fingerprint. */
export interface ModelFile {
  readonly id: string;
  /** Absolute path of the file; a digest of its bytes is taken by the pipeline. */
  readonly path: string;
}

export interface Stage<
  I extends Readonly<Record<string, Input>> = Readonly<Record<string, Input>>,
  O extends Readonly<Record<string, ShardSchema>> = Readonly<Record<string, ShardSchema>>,
  P extends z.ZodObject = z.ZodObject,
  Per extends 'clip' | 'fold' = 'clip' | 'fold',
> {
  readonly name: string;
  /** Bumped whenever equal inputs would give other bytes; its history stands in comments above it. */
  readonly version: number;
  /** One sentence for `affectflow plan` and the documentation. */
  readonly doc: string;
  readonly per: Per;
  /** What a task mainly waits for, which decides how many run at once. */
  readonly resource: 'cpu' | 'gpu' | 'io';
  readonly inputs: I;
  readonly outputs: O;
  readonly params: P;
  /** Inputs that a task with these params reads; all of them where absent. */
  readonly reads?: (params: z.output<P>) => readonly (keyof I & string)[];
  /** Model files that a task with these params reads; none where absent. */
  readonly models?: (params: z.output<P>) => readonly ModelFile[];
  /**
   * Dot paths of params that name model files, such as 'onnx.model'. `models` is asked with absolute paths where the
   * user may have written ids; the fingerprint leaves these params out, because it holds the files' digests; and `run`
   * is not handed them, but finds the files in `context.models`.
   */
  readonly modelParams?: readonly string[];
  /** Whether `context.seed` matters; where absent it does not, and is not part of the fingerprint. */
  readonly seeded?: boolean;
  readonly run: (args: RunArguments<I, O, P, Per>) => Promise<void>;
}

/** Declares a stage; the identity function exists so that `run` is typed by what the stage declares. */
export function defineStage<
  const I extends Readonly<Record<string, Input>>,
  const O extends Readonly<Record<string, ShardSchema>>,
  P extends z.ZodObject,
  const Per extends 'clip' | 'fold',
>(stage: Stage<I, O, P, Per>): Stage<I, O, P, Per> {
  return stage;
}

export function isFileInput(input: Input): input is FileInput {
  return 'file' in input;
}
