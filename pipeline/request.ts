/** What crosses between the main process and a worker: plain data only. */
import type {Digest} from '../cache/digest.js';
import type {TaskManifest} from '../cache/manifest.js';
import type {Ingredients} from './fingerprint.js';

/** An input whose bytes are known. */
export type ResolvedInput =
  | {readonly is: 'file'; readonly path: string; readonly digest: Digest}
  | {readonly is: 'absent'}
  | {readonly is: 'shard'; readonly digest: Digest}
  | {readonly is: 'fold'; readonly train: readonly Digest[]; readonly validation: readonly Digest[]};

/** Everything a worker needs to run a task, publish its shards and write its manifest. */
export interface TaskRequest {
  readonly task: string;
  readonly fingerprint: Digest;
  readonly ingredients: Ingredients;
  readonly subject: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, ResolvedInput>>;
  readonly models: Readonly<Record<string, string>>;
  readonly device: string;
  readonly threads: number;
  readonly folders: {readonly shards: string; readonly manifests: string; readonly scratch: string};
}

export type ToWorker = {readonly kind: 'run'; readonly request: TaskRequest} | {readonly kind: 'abort'};

export interface TaskFailure {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  readonly stack?: string;
}

export type FromWorker =
  | {readonly kind: 'ready'}
  | {readonly kind: 'progress'; readonly done: number; readonly total: number; readonly unit: string}
  | {readonly kind: 'warning'; readonly message: string}
  | {readonly kind: 'produced'; readonly manifest: TaskManifest}
  | {readonly kind: 'failed'; readonly failure: TaskFailure};
