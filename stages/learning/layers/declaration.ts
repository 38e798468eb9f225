/**
 * How a model is declared. Each layer has two functions: one that declares its weights, statistics and dropout masks
 * by name, and one that computes, reading them from a scope by the same names. So shapes and initial values are known
 * before anything runs, and a mask is an input of a step rather than part of a trace.
 *
 * Legend of all layers and systems: B windows, L steps, d features. Weights have the layouts and names of PyTorch.
 */
import type * as tf from '@tensorflow/tfjs';
import type {Arrays, Tensors} from '../program.js';
import type {Random} from '../random.js';
import {mapValues, prefixed} from '../records.js';
import type {Initialiser} from './initialisers.js';

export interface WeightSpec {
  readonly shape: readonly number[];
  readonly initialise: Initialiser;
}

/** A running statistic: part of the state, but not trained. */
export interface StatisticSpec {
  readonly shape: readonly number[];
  readonly value: number;
}

export interface MaskSpec {
  /** Shape of the masked tensor without its leading axis B. */
  readonly shape: readonly number[];
  /** Probability of dropping an element. */
  readonly rate: number;
}

export interface Declaration {
  readonly weights: Readonly<Record<string, WeightSpec>>;
  readonly statistics: Readonly<Record<string, StatisticSpec>>;
  readonly masks: Readonly<Record<string, MaskSpec>>;
}

/** What a forward pass reads, and where batch norm leaves its new statistics. */
export interface Scope {
  readonly training: boolean;
  readonly weights: Tensors;
  readonly statistics: Tensors;
  /** Dropout masks by name; empty in inference. */
  readonly masks: Tensors;
  /** 1 where a step of a window is real, 0 where it is padding [B, L, 1]. */
  readonly real: tf.Tensor3D;
  /** New statistics by name, filled in by a training pass. */
  readonly updates: Tensors;
  /** Whether a layer keeps to its running statistics while others train; none does where absent. */
  readonly isFixed?: (name: string) => boolean;
}

/** Joins declarations; two layers may not claim one name. */
export function declare(...parts: readonly Partial<Declaration>[]): Declaration {
  return {
    weights: joined(parts.map((part) => part.weights)),
    statistics: joined(parts.map((part) => part.statistics)),
    masks: joined(parts.map((part) => part.masks)),
  };
}

function joined<T>(records: readonly (Readonly<Record<string, T>> | undefined)[]): Record<string, T> {
  const all: Record<string, T> = {};
  for (const [name, value] of records.flatMap((record) => Object.entries(record ?? {}))) {
    if (name in all) throw new TypeError(`Expected layer names to differ, got \`${name}\` twice`);
    all[name] = value;
  }
  return all;
}

/** Weights and statistics before the first step: those given by name; else a function of the seed alone, and fresh. */
export function initialArrays({weights, statistics}: Declaration, given: Arrays, source: Random): Arrays {
  const drawn = mapValues(weights, ({shape, initialise}, name) => {
    return given[name] ?? {shape, values: initialise({random: source, name, shape})};
  });
  const fresh = mapValues(statistics, ({shape, value}, name) => {
    return given[name] ?? {shape, values: new Float32Array(sizeOf(shape)).fill(value)};
  });
  return {...prefixed('weights', drawn), ...prefixed('statistics', fresh)};
}

/** Looks a tensor up by name; a missing one is an error of the program, not of its user. */
export function named(tensors: Tensors, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (tensor === undefined)
    throw new TypeError(`Expected a tensor \`${name}\`, got ${Object.keys(tensors).join(', ')}`);
  return tensor;
}

/** Number of trained values. */
export function parameterCount(declaration: Declaration): number {
  return Object.values(declaration.weights).reduce((sum, {shape}) => sum + sizeOf(shape), 0);
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);
