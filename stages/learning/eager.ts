/** Programs that run as they are written, operation by operation, on a tfjs backend. */
import {createRequire} from 'node:module';
import path from 'node:path';
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import {installGradients} from './gradients.js';
import {isInstalled, nativeRemedy} from './obstacles.js';
import type {Arrays, ArrayValue, Inference, Program, TensorSpecs, Tensors} from './program.js';
import {mapValues, specsOf} from './records.js';
import {checkArrays, checkState} from './step.js';
import type {StepDeclaration} from './step.js';
import type {Forward} from './export.js';
import {StageError} from '../errors.js';

export type EagerDevice = 'tfjs' | 'tfjs-gpu';

/** A tfjs backend that is ready, and what it is, for the log. */
export interface EagerBackend {
  readonly device: EagerDevice;
  readonly backendName: string;
  readonly library: string;
}

/** The name that tfjs-node and tfjs-node-gpu give to their backend. */
const NATIVE_BACKEND = 'tensorflow';

const CPU_LIBRARY = '@tensorflow/tfjs-node';
const GPU_LIBRARY = '@tensorflow/tfjs-node-gpu';

/**
 * Loads the backend of a device: `tfjs-gpu` is @tensorflow/tfjs-node-gpu; `tfjs` is @tensorflow/tfjs-node where it is
 * installed and can be loaded, and WebAssembly elsewhere. `threads` counts when TensorFlow is first loaded in a process.
 * Throws StageError 'no-device'.
 */
export async function eagerBackend(device: EagerDevice, threads: number): Promise<EagerBackend> {
  // Advice to install tfjs-node is for the log of `doctor`, not for the console.
  tf.enableProdMode();
  installGradients();
  const previous = tf.engine().backendName;
  try {
    return await loadBackend(device, threads);
  } finally {
    if (previous) await tf.setBackend(previous);
  }
}

async function loadBackend(device: EagerDevice, threads: number): Promise<EagerBackend> {
  if (device === 'tfjs-gpu') return nativeBackend(device, GPU_LIBRARY, threads);
  try {
    // Without a card, tfjs-node-gpu is tfjs-node.
    const library = loadedLibrary === GPU_LIBRARY && !usesCard() ? GPU_LIBRARY : CPU_LIBRARY;
    return await nativeBackend(device, library, threads);
  } catch (error) {
    return webAssembly((error as Error).message);
  }
}

/** The native library of this process. Two would be two TensorFlows under one name, of which only the first is used. */
let loadedLibrary: string | undefined;

async function nativeBackend(device: EagerDevice, library: string, threads: number): Promise<EagerBackend> {
  if (!isInstalled(library)) throw unavailable(library, `${library} is not installed`);
  if (loadedLibrary !== undefined && loadedLibrary !== library) {
    throw unavailable(library, `${library} cannot be loaded beside ${loadedLibrary}`);
  }
  prepareForTensorflow(threads);
  try {
    await import(library);
  } catch (cause) {
    const [line] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw unavailable(library, `${library} cannot be loaded (${line!.trim().replace(/\.$/, '')})`, cause);
  }
  loadedLibrary = library;
  await tf.setBackend(NATIVE_BACKEND);
  if (device === 'tfjs-gpu' && !usesCard()) {
    throw new StageError(
      'no-device',
      `${library} found no graphics card that its TensorFlow can use.`,
      'Build its addon against a TensorFlow with CUDA (pip install tensorflow[and-cuda]) whose Python lists the card.',
    );
  }
  return {device, backendName: NATIVE_BACKEND, library};
}

function usesCard(): boolean {
  return (tf.findBackend(NATIVE_BACKEND) as {isUsingGpuDevice?: boolean}).isUsingGpuDevice === true;
}

/** What TensorFlow and tfjs-node 4.22 read when they are loaded. The user's own settings stay. */
function prepareForTensorflow(threads: number): void {
  // Errors only: nothing but the logger prints.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  // TensorFlow would otherwise take all memory of a graphics card for itself.
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  process.env['TF_NUM_INTRAOP_THREADS'] ??= String(threads);
  // tfjs-node calls two functions that Node has deprecated, aloud, or removed since version 23.
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util['isNullOrUndefined'] = (value: unknown): boolean => value === null || value === undefined;
  util['isArray'] = (value: unknown): boolean => Array.isArray(value);
}

function unavailable(library: string, what: string, cause?: unknown): StageError {
  return new StageError('no-device', `${what}.`, nativeRemedy(library), {cause});
}

async function webAssembly(because: string): Promise<EagerBackend> {
  const {setWasmPaths} = await import('@tensorflow/tfjs-backend-wasm');
  const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${path.dirname(entry)}${path.sep}`);
  await tf.setBackend('wasm');
  return {device: 'tfjs', backendName: 'wasm', library: `@tensorflow/tfjs-backend-wasm: ${because}`};
}

/** Runs `body` with a backend active, and gives tfjs back as it was. */
async function onBackend<T>({backendName}: EagerBackend, body: () => T): Promise<T> {
  const engine = tf.engine();
  const previous = engine.backendName;
  if (previous !== backendName) await tf.setBackend(backendName);
  // Not tf.tidy, which looks for tensors in what it returns: in arrays of millions of numbers, one by one.
  engine.startScope();
  try {
    return body();
  } finally {
    engine.endScope();
    if (previous && previous !== backendName) await tf.setBackend(previous);
  }
}

export async function compileEager(
  declaration: StepDeclaration,
  backend: EagerBackend,
  reason: string,
): Promise<Program> {
  const variables = await onBackend(backend, () => mapValues(declaration.state, variable));
  return new EagerProgram(declaration, variables, backend, reason);
}

function variable({shape, values}: ArrayValue): tf.Variable {
  return tf.variable(tensor({shape, values}));
}

function tensor({shape, values}: ArrayValue): tf.Tensor {
  // A copy: backends may refer to the array that they are given, and callers reuse theirs.
  return tf.tensor(values.slice(), [...shape], values instanceof Float32Array ? 'float32' : 'int32');
}

/** The values of a tensor; booleans become int32, as in a traced program. */
function toArray(value: tf.Tensor): ArrayValue {
  const values = (value.dtype === 'bool' ? tf.cast(value, 'int32') : value).dataSync() as Float32Array | Int32Array;
  return {shape: value.shape, values: values.slice()};
}

class EagerProgram implements Program {
  readonly device: EagerDevice;
  readonly #stateSpecs: TensorSpecs;

  constructor(
    readonly declaration: StepDeclaration,
    readonly variables: Readonly<Record<string, tf.Variable>>,
    readonly backend: EagerBackend,
    readonly reason: string,
  ) {
    this.device = backend.device;
    this.#stateSpecs = specsOf(declaration.state);
  }

  run(batch: Arrays): Promise<Arrays> {
    checkArrays('Batch', this.declaration.batch, specsOf(batch));
    return onBackend(this.backend, () => {
      const result = this.declaration.step({...this.variables}, mapValues(batch, tensor));
      checkState(this.#stateSpecs, result.state);
      const outputs = mapValues(result.outputs, toArray);
      for (const [name, next] of Object.entries(result.state)) {
        const variable = this.variables[name]!;
        // A variable assigned to itself would dispose of its own data.
        if (next !== variable) variable.assign(next);
      }
      return outputs;
    });
  }

  state(): Promise<Arrays> {
    return onBackend(this.backend, () => mapValues(this.variables, toArray));
  }

  load(state: Arrays): Promise<void> {
    checkArrays('State', this.#stateSpecs, specsOf(state));
    return onBackend(this.backend, () => {
      for (const [name, value] of Object.entries(state)) this.variables[name]!.assign(tensor(value));
    });
  }

  release(): Promise<void> {
    tf.dispose({...this.variables});
    return Promise.resolve();
  }
}

export async function loadEager(forward: Forward, weights: Arrays, backend: EagerBackend): Promise<Inference> {
  const constants = await onBackend(backend, () => mapValues(weights, (value) => tf.keep(tensor(value))));
  return {
    device: backend.device,
    run: (inputs) => onBackend(backend, () => mapValues(forward({...constants}, mapValues(inputs, tensor)), toArray)),
    release: () => {
      tf.dispose({...constants} as Tensors);
      return Promise.resolve();
    },
  };
}
