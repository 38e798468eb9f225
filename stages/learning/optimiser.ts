/**
 * Optimisers as pure functions on tensors, for use inside a step. Moments live in the state of the program; whatever
 * depends on the step's number or the schedule is computed in float64 outside and arrives as scalars of the batch, so
 * that bias corrections do not suffer from float32. Each agrees with the optimiser of that name in PyTorch.
 */
import {tf} from './tf.js';
import type {Arrays, Tensors} from './program.js';

export interface Adam {
  readonly name: 'adam' | 'adamw';
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** 'adam': added to the gradient (L2). 'adamw': decoupled (Loshchilov and Hutter, ICLR 2019). */
  readonly weightDecay?: number;
}

export interface Sgd {
  readonly name: 'sgd';
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
}

export type OptimiserOptions = Adam | Sgd;

export interface UpdateArguments {
  readonly weights: Tensors;
  readonly gradients: Tensors;
  /** Moments by '<moment>/<weight>'. */
  readonly moments: Tensors;
  readonly scalars: Tensors;
}

export interface Optimiser {
  /** Names of the moments that each weight has; all start at zero. */
  readonly moments: readonly string[];
  /** What a step needs beside tensors. `step` counts from 1. */
  scalars(at: {readonly learningRate: number; readonly step: number}): Record<string, number>;
  update(args: UpdateArguments): {weights: Tensors; moments: Tensors};
}

export function optimiser(options: OptimiserOptions): Optimiser {
  return options.name === 'sgd' ? sgd(options) : adam(options);
}

/**
 * Kingma and Ba, ICLR 2015. The moments are kept as decaying sums m = Σ β₁ᵏ g and v = Σ β₂ᵏ g², without the factors
 * that make means of them: these are scalars, and each saves a pass over the weights.
 *
 *     w − η (c₁ m) / (√(c₂ v) + ε) = w − (η c₁ / √c₂) m / (√v + ε / √c₂)        c = (1 − β) / (1 − βᵗ)
 */
function adam({name, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0}: Adam): Optimiser {
  const decoupled = name === 'adamw';
  return {
    moments: ['first', 'second'],
    scalars: ({learningRate, step}) => {
      const [c1, c2] = [beta1, beta2].map((beta) => (1 - beta) / (1 - beta ** step)) as [number, number];
      return {
        stepSize: (learningRate * c1) / Math.sqrt(c2),
        epsilon: epsilon / Math.sqrt(c2),
        shrinkage: decoupled ? 1 - learningRate * weightDecay : 1,
      };
    },
    update: perWeight((weight, gradient, {first, second}, scalars) => {
      const g = decoupled ? gradient : withDecay(gradient, weight, weightDecay);
      const m = first!.mul(beta1).add(g);
      const v = second!.mul(beta2).add(g.square());
      const direction = m.div(v.sqrt().add(scalars['epsilon']!));
      const shrunk = decoupled && weightDecay > 0 ? weight.mul(scalars['shrinkage']!) : weight;
      return {weight: shrunk.sub(direction.mul(scalars['stepSize']!)), moments: {first: m, second: v}};
    }),
  };
}

function sgd({momentum = 0, nesterov = false, weightDecay = 0}: Sgd): Optimiser {
  return {
    moments: momentum > 0 ? ['velocity'] : [],
    scalars: ({learningRate}) => ({learningRate}),
    update: perWeight((weight, gradient, {velocity}, scalars) => {
      const g = withDecay(gradient, weight, weightDecay);
      if (velocity === undefined) return {weight: weight.sub(g.mul(scalars['learningRate']!)), moments: {}};
      const v = velocity.mul(momentum).add(g);
      const direction = nesterov ? g.add(v.mul(momentum)) : v;
      return {weight: weight.sub(direction.mul(scalars['learningRate']!)), moments: {velocity: v}};
    }),
  };
}

const withDecay = (gradient: tf.Tensor, weight: tf.Tensor, weightDecay: number): tf.Tensor =>
  weightDecay > 0 ? gradient.add(weight.mul(weightDecay)) : gradient;

type Rule = (
  weight: tf.Tensor,
  gradient: tf.Tensor,
  moments: Readonly<Partial<Record<string, tf.Tensor>>>,
  scalars: Tensors,
) => {weight: tf.Tensor; moments: Tensors};

/** Applies a rule to every weight that has a gradient; the others, held back by a schedule, stay as they are. */
function perWeight(rule: Rule): Optimiser['update'] {
  return ({weights, gradients, moments, scalars}) => {
    const updated = {weights: {...weights}, moments: {...moments}};
    for (const [name, gradient] of Object.entries(gradients)) {
      const result = rule(weights[name]!, gradient, momentsOf(name, moments), scalars);
      updated.weights[name] = result.weight;
      for (const [moment, tensor] of Object.entries(result.moments)) updated.moments[`${moment}/${name}`] = tensor;
    }
    return updated;
  };
}

function momentsOf(name: string, moments: Tensors): Partial<Record<string, tf.Tensor>> {
  const ofWeight = Object.keys(moments).filter((key) => key.slice(key.indexOf('/') + 1) === name);
  return Object.fromEntries(ofWeight.map((key) => [key.slice(0, key.indexOf('/')), moments[key]!]));
}

/** Zero moments for weights of the given shapes. */
export function initialMoments(of: Optimiser, shapes: Readonly<Record<string, readonly number[]>>): Arrays {
  const entries = of.moments.flatMap((moment) =>
    Object.entries(shapes).map(([name, shape]) => {
      const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
      return [`${moment}/${name}`, {shape, values}] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** Scales all gradients so that their joint L2 norm is at most `maximum`, as torch's clip_grad_norm_ does. */
export function clipByNorm(gradients: Tensors, maximum: number): Tensors {
  const squares = Object.values(gradients).map((gradient) => gradient.square().sum());
  const norm = tf.addN(squares as tf.Scalar[]).sqrt();
  const scale = tf.minimum(tf.div(maximum, norm.add(1e-6)), 1);
  return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, gradient.mul(scale)]));
}
