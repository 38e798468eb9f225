/**
 * The contract of a fusion system: a declared value that names its modalities, parameters and weights and computes
 * predictions. Training, windows, folds and files are the same for all systems and live elsewhere.
 */
import type * as tf from '@tensorflow/tfjs';
import type {z} from 'zod';
import type {Declaration, Scope} from '../learning/layers/declaration.js';
import type {Training} from './training-params.js';

export type Modality = 'visual' | 'acoustic' | 'linguistic';

/** Length of the feature vectors of each modality that a fold has. */
export type Dims = Readonly<Partial<Record<Modality, number>>>;

export type PresetName = 'published' | 'released';

/** What a preset sets; whatever it leaves out keeps its default, and explicit values win over both. */
export interface Preset<P extends z.ZodObject> {
  readonly architecture?: Partial<z.input<P>>;
  readonly training?: Partial<Training>;
}

export interface DeclareArguments<P extends z.ZodObject> {
  readonly architecture: z.output<P>;
  readonly dims: Dims;
  /** Steps of a window, L: frames, or clips of frames. */
  readonly length: number;
  /** Values predicted per step, T: 1 or 2. */
  readonly targetCount: number;
}

export interface ForwardArguments<P extends z.ZodObject> {
  readonly architecture: z.output<P>;
  readonly scope: Scope;
  /** Features of each modality used [B, L, d]; 0 where a window is padded. */
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
}

export interface Forward {
  /** [B, L, T] */
  readonly prediction: tf.Tensor;
  /** Intermediate tensors by the symbols of the paper, for parity tests and attention plots. */
  readonly inner: Readonly<Record<string, tf.Tensor>>;
}

export interface System<P extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly paper: string;
  /** Architecture, with the defaults of the preset `published`. */
  readonly architecture: P;
  readonly presets: Readonly<Record<PresetName, Preset<P>>>;
  readonly modalities: readonly Modality[];
  /** Where the authors' state dict has another name for a layer: theirs by ours. Files with either are read. */
  readonly releasedNames?: Readonly<Record<string, string>>;
  readonly declare: (args: DeclareArguments<P>) => Declaration;
  readonly forward: (args: ForwardArguments<P>) => Forward;
}

/** Declares a system; the function exists so that `declare` and `forward` are typed by its parameters. */
export function defineSystem<P extends z.ZodObject>(system: System<P>): System {
  // The one place where the type of the parameters is forgotten: settings are parsed by `system.architecture` itself.
  return system as unknown as System;
}

/** The feature width of a modality that the system needs. */
export function widthOf(dims: Dims, modality: Modality): number {
  const width = dims[modality];
  if (width === undefined)
    throw new TypeError(`Expected features of \`${modality}\`, got ${Object.keys(dims).join(', ')}`);
  return width;
}
