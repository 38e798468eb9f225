import {readFileSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import type {OptimiserOptions} from '../../../stages/learning/optimiser.js';
import {clipByNorm, initialMoments, optimiser} from '../../../stages/learning/optimiser.js';
import {eagerly} from '../fusion-training/eager-engine.js';

interface Case {
  readonly options: OptimiserOptions;
  readonly clip: number | null;
  readonly trace: readonly {readonly step: number; readonly weight: readonly number[]}[];
}

const cases = JSON.parse(readFileSync('test/fixtures/reference/optimisers.json', 'utf8')) as Record<string, Case>;
const axes = Array.from({length: 12}, (_, i) => i);

/** The gradient of optimisers.py. */
const gradientOf = (weight: tf.Tensor, step: number): tf.Tensor =>
  weight
    .mul(tf.tensor1d(axes.map((i) => 0.2 + 0.3 * i)))
    .add(tf.tensor1d(axes.map((i) => Math.cos(0.9 * i + 0.5 * step))));

describe('optimiser', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  for (const [name, {options, clip, trace}] of Object.entries(cases)) {
    it(`follows PyTorch for 50 steps: ${name}`, () => {
      const rule = optimiser(options);
      let state = {
        w: {shape: [12], values: Float32Array.from(axes, (i) => Math.sin(0.7 * i + 0.3))},
        ...initialMoments(rule, {w: [12]}),
      };
      for (let step = 1; step <= 50; step++) {
        const scalars = rule.scalars({learningRate: 0.01 * (1 + 0.5 * Math.sin(step)), step});
        state = eagerly([state], ({w, ...moments}) => {
          const gradients = {w: gradientOf(w!, step)};
          const updated = rule.update({
            weights: {w: w!},
            gradients: clip === null ? gradients : clipByNorm(gradients, clip),
            moments,
            scalars: Object.fromEntries(Object.entries(scalars).map(([key, value]) => [key, tf.scalar(value)])),
          });
          return {...updated.weights, ...updated.moments};
        }) as typeof state;
        // 1e-6 absolute: weights are near 1, so about eight units in the last place of float32.
        for (const [i, expected] of trace.find((t) => t.step === step)?.weight.entries() ?? []) {
          expect(Math.abs(state.w.values[i]! - expected)).toBeLessThan(1e-6);
        }
      }
    });
  }

  it('leaves weights without a gradient, and their moments, as they are', () => {
    const rule = optimiser({name: 'adam'});
    const moments = initialMoments(rule, {a: [1], b: [1]});
    const weights = {a: {shape: [1], values: Float32Array.of(1)}, b: {shape: [1], values: Float32Array.of(2)}};
    const after = eagerly([weights, moments], (w, m) => {
      const scalars = {stepSize: tf.scalar(0.1), epsilon: tf.scalar(1e-8), shrinkage: tf.scalar(1)};
      const updated = rule.update({weights: w!, gradients: {a: tf.tensor1d([1])}, moments: m!, scalars});
      return {...updated.weights, ...updated.moments};
    });
    expect(after['b']!.values).toEqual(Float32Array.of(2));
    expect(after['first/b']!.values).toEqual(Float32Array.of(0));
    expect(after['a']!.values[0]).toBeLessThan(1);
  });
});
