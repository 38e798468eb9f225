/** Runs stages as a worker does, in this process, and says where their time went. */
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {digestOfText, type Digest} from '../../cache/digest.js';
import type {TaskManifest} from '../../cache/manifest.js';
import {runTask} from '../../pipeline/run-task.js';
import type {ResolvedInput} from '../../pipeline/request.js';
import {isFileInput, type FileInput, type Stage} from '../../stages/stage.js';

/** Seconds that a task took. */
export interface Cost {
  readonly wall: number;
  /** Processor time of this process, ONNX Runtime's included. */
  readonly own: number;
  /** Processor time of ffmpeg. */
  readonly decoding: number;
  /** Wall time inside ONNX Runtime's `run`. */
  readonly inference: number;
}

export interface StageTask {
  readonly stage: Stage;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Partial<Record<FileInput['file'], string>>>;
  /** Digests of the shards made so far, by kind; those of this task are added. */
  readonly shards: Map<string, Digest>;
  readonly threads: number;
  readonly folder: string;
}

let inferenceSeconds = 0;
timeInference();

/** Runs one stage on one clip. */
export async function runStageTask(task: StageTask): Promise<{manifest: TaskManifest; cost: Cost}> {
  const {stage, shards, threads, folder} = task;
  const params = stage.params.parse(task.params ?? {});
  const models = Object.fromEntries((stage.models?.(params) ?? []).map(({id, path: file}) => [id, file]));
  const fingerprint = digestOfText(`${stage.name} ${performance.now()}`);
  const before = readings();
  const manifest = await runTask(
    stage,
    {
      task: stage.name,
      fingerprint,
      ingredients: {stage: stage.name, identity: 'bench', params, inputs: [], models: [], seed: null},
      subject: {},
      inputs: inputsOf(task, params),
      models,
      device: 'cpu',
      threads,
      folders: Object.fromEntries(
        ['shards', 'manifests', 'scratch'].map((name) => [name, path.join(folder, name)]),
      ) as never,
    },
    new AbortController().signal,
    {progress: () => undefined, warning: () => undefined},
  );
  const after = readings();
  for (const {kind, digest} of manifest.outputs) shards.set(kind, digest);
  const cost = Object.fromEntries(
    Object.entries(after).map(([key, value]) => [key, value - before[key as keyof Cost]]),
  );
  return {manifest, cost: cost as unknown as Cost};
}

function inputsOf({stage, files, shards}: StageTask, params: Record<string, unknown>): Record<string, ResolvedInput> {
  const names = stage.reads?.(params) ?? Object.keys(stage.inputs);
  return Object.fromEntries(
    names.map((name): [string, ResolvedInput] => {
      const input = stage.inputs[name]!;
      if (!isFileInput(input)) return [name, {is: 'shard', digest: shards.get(input.kind)!}];
      const file = files[input.file];
      return [name, file === undefined ? {is: 'absent'} : {is: 'file', path: file, digest: digestOfText(file)}];
    }),
  );
}

function readings(): Cost {
  const {user, system} = process.cpuUsage();
  return {
    wall: performance.now() / 1000,
    own: (user + system) / 1e6,
    decoding: childSeconds(),
    inference: inferenceSeconds,
  };
}

/** Processor time of the children that have ended; Linux counts it in hundredths of a second. 0 elsewhere. */
function childSeconds(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return 0;
  }
}

/** Puts a clock around the native `run`, which blocks: what its JavaScript wrapper takes is not inference. */
function timeInference(): void {
  const require = createRequire(import.meta.url);
  const {binding} = require(path.join(path.dirname(require.resolve('onnxruntime-node')), 'binding.js')) as {
    binding: {InferenceSession: new () => {run(...given: unknown[]): unknown}};
  };
  binding.InferenceSession = class extends binding.InferenceSession {
    override run(...given: unknown[]): unknown {
      const start = performance.now();
      const result = super.run(...given);
      inferenceSeconds += (performance.now() - start) / 1000;
      return result;
    }
  };
}
