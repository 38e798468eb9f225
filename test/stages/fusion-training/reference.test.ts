import {readFileSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import type {LossOptions} from '../../../stages/learning/loss.js';
import {sizeOf} from '../../../stages/learning/layers/declaration.js';
import {systems} from '../../../stages/fusion-training/systems/index.js';
import {masksOf, wave, weightsOf} from './formulas.js';
import {differentiate, infer} from './forward.js';

interface Case {
  readonly system: string;
  readonly architecture: Readonly<Record<string, unknown>>;
  readonly dims: Readonly<Record<string, number>>;
  readonly length: number;
  readonly targetCount: number;
  readonly loss: LossOptions & {readonly value: number};
  readonly training: readonly number[];
  readonly inference: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly statistics: Readonly<Record<string, readonly number[]>>;
}

const cases = JSON.parse(readFileSync('test/fixtures/reference/systems.json', 'utf8')) as Record<string, Case>;
const B = 2;

/**
 * 1e-4 of the largest value: both sides compute in float32, in another order. Below 0.01 the difference counts as it is,
 * because a bias in front of batch norm has a gradient of 0 but for rounding.
 */
function expectEqual(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const scale = Math.max(1e-2, ...expected.map(Math.abs));
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!)));
  expect(worst / scale, what).toBeLessThan(1e-4);
}

describe('systems against PyTorch', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  for (const [name, reference] of Object.entries(cases)) {
    it(`${name}: outputs, loss, statistics and the gradients of all weights`, () => {
      const {dims, length, targetCount, loss} = reference;
      const system = systems[reference.system]!;
      const architecture = system.architecture.parse(reference.architecture);
      const declaration = system.declare({architecture, dims, length, targetCount});
      const array = (what: string, shape: number[], scale = 1) => ({shape, values: wave(what, sizeOf(shape), scale)});
      const ones = {shape: [B, length], values: new Float32Array(B * length).fill(1)};
      const inputs = Object.fromEntries(
        Object.entries(dims).map(([modality, d]) => [modality, array(`inputs/${modality}`, [B, length, d], 1.5)]),
      );
      const pass = {system, architecture, declaration, ...weightsOf(declaration), inputs, real: ones};

      expect(Object.keys(declaration.weights).sort()).toEqual(Object.keys(reference.gradients).sort());
      expectEqual(infer(pass).prediction, reference.inference, 'inference');
      const trained = differentiate(
        {...pass, masks: masksOf(declaration, B)},
        loss,
        array('labels', [B, length, targetCount]),
        ones,
      );
      expectEqual(trained.prediction, reference.training, 'training');
      expect(trained.loss).toBeCloseTo(loss.value, 5);
      for (const [weight, gradient] of Object.entries(reference.gradients)) {
        expectEqual(trained.gradients[weight]!.values, gradient, weight);
        // W_j of a window that saturates everything would be an exception; here every weight must be reached.
        expect(
          gradient.some((g) => g !== 0),
          `gradient reaches ${weight}`,
        ).toBe(true);
      }
      for (const [statistic, values] of Object.entries(reference.statistics)) {
        expectEqual(trained.statistics[statistic]!.values, values, statistic);
      }
    });
  }
});
