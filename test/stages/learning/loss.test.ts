import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {agreement} from '../../../stages/learning/agreement.js';
import type {LossOptions} from '../../../stages/learning/loss.js';
import {cccLoss} from '../../../stages/learning/loss.js';
import {random} from '../../../stages/learning/random.js';

const [B, L] = [3, 20];
const draw = (name: string, count: number) => random(1).stream(name).at(0).uniform(count, -1, 1);
const base: LossOptions = {over: 'window', moments: 'population', targets: 'mean'};

interface Case {
  readonly options?: Partial<LossOptions>;
  readonly prediction: Float32Array;
  readonly label: Float32Array;
  readonly valid?: Float32Array;
  readonly targetCount?: number;
}

/** Loss and its gradient with respect to the prediction. */
function lossOf({options = {}, prediction, label, valid, targetCount = 1}: Case) {
  return tf.tidy(() => {
    const shape = [B, L, targetCount];
    const fixed = {
      label: tf.tensor(label, shape),
      valid: tf.tensor2d(valid ?? new Float32Array(B * L).fill(1), [B, L]),
    };
    const f = (p: tf.Tensor) => cccLoss({...base, ...options}, {prediction: p, ...fixed});
    const {value, grad} = tf.valueAndGrad(f)(tf.tensor(prediction, shape));
    return {loss: value.dataSync()[0]!, gradient: grad.dataSync().slice() as Float32Array};
  });
}

describe('cccLoss', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  const prediction = draw('p', B * L);
  const label = draw('y', B * L);

  it('is one minus the metric, averaged over windows or over all frames', () => {
    const perWindow = [0, 1, 2].map((w) => {
      const of = (values: Float32Array) => values.subarray(w * L, (w + 1) * L);
      return 1 - agreement({prediction: of(prediction), label: of(label)}).ccc;
    });
    expect(lossOf({prediction, label}).loss).toBeCloseTo(perWindow.reduce((sum, x) => sum + x, 0) / B, 6);
    expect(lossOf({prediction, label, options: {over: 'batch'}}).loss).toBeCloseTo(
      1 - agreement({prediction, label}).ccc,
      6,
    );
  });

  it('takes population covariance over sample variance where asked: 1 / n for a perfect window', () => {
    expect(lossOf({prediction: label, label, options: {moments: 'released'}}).loss).toBeCloseTo(1 / L, 6);
    expect(lossOf({prediction: label, label}).loss).toBeCloseTo(0, 6);
  });

  it('takes sample moments where asked, as the code of the clip-level systems does: only the means weigh differently', () => {
    const shifted = label.map((y, k) => 0.5 * y + 0.2 + 0.1 * prediction[k]!);
    const n = B * L;
    const mean = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0) / n;
    const sample = (x: Float32Array, y: Float32Array) =>
      x.reduce((sum, v, k) => sum + (v - mean(x)) * (y[k]! - mean(y)), 0) / (n - 1);
    const spread = sample(shifted, shifted) + sample(label, label) + (mean(shifted) - mean(label)) ** 2;
    const {loss} = lossOf({prediction: shifted, label, options: {over: 'batch', moments: 'sample'}});
    expect(loss).toBeCloseTo(1 - (2 * sample(shifted, label)) / spread, 6);
    expect(lossOf({prediction: label, label, options: {moments: 'sample'}}).loss).toBeCloseTo(0, 6);
  });

  it('counts valid frames only, and gives the others no gradient', () => {
    const valid = Float32Array.from({length: B * L}, (_, k) => (k % 3 === 0 || k >= 2 * L ? 0 : 1));
    const spoiled = (values: Float32Array, by: number) => values.map((v, k) => (valid[k] === 1 ? v : by));
    const clean = lossOf({prediction, label, valid});
    expect(lossOf({prediction: spoiled(prediction, 9), label: spoiled(label, -7), valid}).loss).toBeCloseTo(
      clean.loss,
      6,
    );
    expect(clean.gradient.every((g, k) => valid[k] === 1 || Math.abs(g) === 0)).toBe(true);
    const perWindow = [0, 1].map((w) => {
      const of = (values: Float32Array) => values.filter((_, k) => valid[k] === 1 && Math.floor(k / L) === w);
      return 1 - agreement({prediction: of(prediction), label: of(label)}).ccc;
    });
    expect(clean.loss).toBeCloseTo((perWindow[0]! + perWindow[1]!) / 2, 6);
  });

  it('is 1, with a finite gradient, where label and prediction are constant and equal', () => {
    const constant = new Float32Array(B * L).fill(0.25);
    const {loss, gradient} = lossOf({prediction: constant, label: constant});
    expect(loss).toBeCloseTo(1, 6);
    expect(gradient.every(Number.isFinite)).toBe(true);
  });

  it('is finite where nothing is valid', () => {
    const {loss, gradient} = lossOf({prediction, label, valid: new Float32Array(B * L)});
    expect(loss).toBe(0);
    expect(gradient.every((g) => Math.abs(g) === 0)).toBe(true);
  });

  it('joins two targets by their mean or sum', () => {
    const two = (values: Float32Array, other: Float32Array) =>
      Float32Array.from({length: 2 * B * L}, (_, i) => (i % 2 ? other : values)[i >> 1]!);
    const [p, y] = [
      two(prediction, label),
      two(
        label,
        prediction.map((v) => v * 0.5),
      ),
    ];
    const mean = lossOf({prediction: p, label: y, targetCount: 2}).loss;
    expect(lossOf({prediction: p, label: y, targetCount: 2, options: {targets: 'sum'}}).loss).toBeCloseTo(2 * mean, 5);
    const separate = [
      lossOf({prediction, label}).loss,
      lossOf({prediction: label, label: prediction.map((v) => v * 0.5)}).loss,
    ];
    expect(mean).toBeCloseTo((separate[0]! + separate[1]!) / 2, 6);
  });

  it('has the gradient of finite differences', () => {
    const {gradient} = lossOf({prediction, label, options: {moments: 'released'}});
    for (const k of [0, 17, 33]) {
      const moved = (by: number) => prediction.map((v, i) => (i === k ? v + by : v));
      const at = (by: number) => lossOf({prediction: moved(by), label, options: {moments: 'released'}}).loss;
      expect((at(0.01) - at(-0.01)) / 0.02).toBeCloseTo(gradient[k]!, 3);
    }
  });
});
