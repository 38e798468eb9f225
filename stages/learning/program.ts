/**
 * What an engine runs. A step is an ordinary tfjs function from (state, batch) to (new state, outputs); a
 * program is that step compiled for a device. State stays inside the program between runs.
 */
import type * as tf from '@tensorflow/tfjs';

/** A tensor's values outside any device, in row-major order. */
export interface ArrayValue {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

export type Tensors = Record<string, tf.Tensor>;
export type Arrays = Record<string, ArrayValue>;
export type TensorSpecs = Record<string, TensorSpec>;

/** One training step: reads no clock and no randomness; whatever changes per step arrives in `batch`. */
export type Step = (state: Tensors, batch: Tensors) => {state: Tensors; outputs: Tensors};

export type Device = 'cpu' | 'webgpu' | 'cuda' | 'tfjs-gpu' | 'tfjs';

export interface ProgramOptions {
  readonly device: Device | 'auto';
  /** Threads of the CPU provider. */
  readonly threads: number;
}

/** A compiled step with its state. */
export interface Program {
  readonly device: Device;
  /** Why this device: one sentence for the log. */
  readonly reason: string;
  /** Runs one step: updates the state, returns the step's outputs. */
  run(batch: Arrays): Promise<Arrays>;
  /** Steps that a call of `runSteps` should take; absent, with `runSteps`, where several steps gain nothing. */
  readonly stepsPerCall?: number;
  /** Runs a step on each batch, one after the other; returns the outputs of each. */
  runSteps?(batches: readonly Arrays[]): Promise<Arrays[]>;
  /** Copies the state out, for checkpoints and for the trained weights. */
  state(): Promise<Arrays>;
  /** Replaces the state. */
  load(state: Arrays): Promise<void>;
  release(): Promise<void>;
}

/** A compiled forward pass with fixed weights. */
export interface Inference {
  readonly device: Device;
  run(inputs: Arrays): Promise<Arrays>;
  release(): Promise<void>;
}
