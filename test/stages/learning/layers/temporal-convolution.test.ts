import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {
  temporalConvolution,
  temporalConvolutionWeights,
} from '../../../../stages/learning/layers/temporal-convolution.js';
import {random} from '../../../../stages/learning/random.js';

const options = {inputs: 2, channels: [3, 3, 3, 3], kernel: 5, dropout: 0, length: 160, weightNorm: true};

describe('temporalConvolution', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('is causal and sees 121 frames with four levels of kernel 5', () => {
    const declared = temporalConvolutionWeights('tcn', options);
    const changed = tf.tidy(() => {
      const weights = Object.fromEntries(
        Object.entries(declared.weights).map(([name, {shape, initialise}]) => [
          name,
          // Positive throughout, so that the rectifiers let every path through.
          tf.tensor(initialise({random: random(1), name, shape}), [...shape]).abs(),
        ]),
      );
      const real = tf.ones<tf.Rank.R3>([1, 160, 1]);
      const scope = {training: false, weights, statistics: {}, masks: {}, real, updates: {}};
      const at = (impulse: number) => {
        const values = new Float32Array(320);
        values[2 * 20] = impulse;
        return temporalConvolution(scope, 'tcn', tf.tensor(values, [1, 160, 2]));
      };
      return at(100).sub(at(0)).abs().max(2).dataSync<'float32'>().slice() as Float32Array;
    });
    const reached = [...changed.entries()].filter(([, difference]) => difference > 0).map(([frame]) => frame);
    expect(reached[0]).toBe(20);
    expect(reached.at(-1)).toBe(20 + 121 - 1);
  });

  it('starts weight normalisation at the norms of its directions, so that the kernel is the initial one', () => {
    const {weights} = temporalConvolutionWeights('tcn', options);
    const value = (name: string) => weights[name]!.initialise({random: random(5), name, shape: weights[name]!.shape});
    const v = value('tcn.network.0.conv1.weight_v');
    const g = value('tcn.network.0.conv1.weight_g');
    const norm = Math.hypot(...v.subarray(0, 10));
    expect(g).toHaveLength(3);
    expect(g[0]).toBeCloseTo(norm, 6);
  });
});
