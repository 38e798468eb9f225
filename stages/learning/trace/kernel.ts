/** What a kernel is: a pure function from traced values to traced values, for one tfjs kernel name. */
import type {Graph, Value} from './graph.js';

export interface Call<Inputs, Attributes> {
  readonly graph: Graph;
  readonly inputs: Inputs;
  readonly attributes: Attributes;
}

/** Kernels of different inputs and attributes stand in one table; the backend calls them with what tfjs gives. */
export type Kernel<Inputs = never, Attributes = never> = (call: Call<Inputs, Attributes>) => Value | readonly Value[];

export type Kernels = Readonly<Record<string, Kernel>>;

export interface Unary {
  readonly x: Value;
}
export interface Binary {
  readonly a: Value;
  readonly b: Value;
}
/** Kernels of any number of inputs name them '0', '1', …, in order. */
export type Listed = Readonly<Record<string, Value>>;
