/** A step of training, whatever is trained: loss and its gradient, the optimiser's update, new batch-norm statistics. */
import type {Scope} from './layers/declaration.js';
import type {Optimiser} from './optimiser.js';
import {clipByNorm} from './optimiser.js';
import type {Arrays, Step, Tensors} from './program.js';
import {prefixed, under} from './records.js';
import {tf} from './tf.js';

export interface StepOptions {
  /** Names of the weights that train; the state holds moments of these alone, and no gradient of others is computed. */
  readonly names: readonly string[];
  readonly optimiser: Optimiser;
  /** Largest norm of the gradient; 0 for no limit. */
  readonly gradientClip: number;
  /** Whether a layer keeps to its running statistics; none does where absent. */
  readonly isFixed?: NonNullable<Scope['isFixed']>;
  readonly loss: (scope: Scope, batch: Tensors) => tf.Scalar;
}

/**
 * State: 'weights/…', 'statistics/…' and the optimiser's moments. Batch: 'optimiser/…', 'masks/…', 'real' [B, L], and
 * what the loss reads.
 */
export function trainingStep({names, optimiser, gradientClip, isFixed, loss}: StepOptions): Step {
  return (state, batch) => {
    const updates: Tensors = {};
    const all = under(state, 'weights');
    const trained = names.map((name) => all[name]!);
    const {value, grads} = tf.valueAndGrads((...current: tf.Tensor[]) => {
      const weights = {...all, ...byName(names, current)};
      const scope = {...scopeOf(state, batch), training: true, updates, weights};
      return loss(isFixed === undefined ? scope : {...scope, isFixed}, batch);
    })(trained);
    const gradients = clipped(byName(names, grads), gradientClip);
    const moments = without(state, ['weights', 'statistics']);
    const updated = optimiser.update({
      weights: byName(names, trained),
      gradients,
      moments,
      scalars: under(batch, 'optimiser'),
    });
    const statistics = prefixed('statistics', {...under(state, 'statistics'), ...released(updates)});
    const weights = prefixed('weights', {...all, ...updated.weights});
    return {state: {...weights, ...updated.moments, ...statistics}, outputs: {loss: value}};
  };
}

/** What a forward pass outside training reads; `given` holds 'weights/…', 'statistics/…' and 'real' [B, L]. */
export const inferenceScope = (given: Tensors): Scope => ({
  ...scopeOf(given, given),
  training: false,
  updates: {},
  weights: under(given, 'weights'),
});

/** Weights and statistics of a state, without the optimiser's moments: what an evaluation needs. */
export const trained = (state: Arrays): Arrays => ({
  ...prefixed('weights', under(state, 'weights')),
  ...prefixed('statistics', under(state, 'statistics')),
});

function scopeOf(state: Tensors, batch: Tensors): Pick<Scope, 'statistics' | 'masks' | 'real'> {
  const real = batch['real']!.expandDims<tf.Tensor3D>(2);
  return {statistics: under(state, 'statistics'), masks: under(batch, 'masks'), real};
}

const clipped = (gradients: Tensors, limit: number): Tensors => (limit > 0 ? clipByNorm(gradients, limit) : gradients);

/** Statistics were kept past the gradient tape; a clone in their place lets whoever runs the step dispose of them. */
function released(updates: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(updates).map(([name, kept]) => {
      const clone = kept.clone();
      kept.dispose();
      return [name, clone];
    }),
  );
}

function without(tensors: Tensors, prefixes: readonly string[]): Tensors {
  const others = Object.entries(tensors).filter(([name]) => !prefixes.includes(name.slice(0, name.indexOf('/'))));
  return Object.fromEntries(others);
}

const byName = <T>(names: readonly string[], values: readonly T[]): Record<string, T> =>
  Object.fromEntries(names.map((name, i) => [name, values[i]!]));
