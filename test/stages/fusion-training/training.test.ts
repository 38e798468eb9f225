import path from 'node:path';
import {describe, expect, it} from 'vitest';
import {compile, compileForward} from '../../../stages/learning/engine.js';
import {openFold, targets} from '../../../stages/fusion-training/fold-data.js';
import {modelOf} from '../../../stages/fusion-training/model.js';
import {fusionParams, settingsOf} from '../../../stages/fusion-training/settings.js';
import type {Engine} from '../../../stages/fusion-training/training.js';
import {trainModel} from '../../../stages/fusion-training/training.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {eagerEngine} from './eager-engine.js';
import {inputsOf, small} from './run-fold.js';

async function curveOf(engine: Engine) {
  const settings = settingsOf(fusionParams.parse({...small, targets: 'joint', epochs: 2, gradientClip: 0.5}));
  const data = await openFold(inputsOf(), settings.training, () => undefined);
  const {curve} = await trainModel({
    model: modelOf({...settings, dims: data.dims, targetCount: 2}),
    targets,
    data,
    seed: 3,
    engine,
    options: {device: 'cpu', threads: 1},
    checkpoint: path.join(temporaryFolder(), 'both.safetensors'),
    signal: new AbortController().signal,
    onEpoch: () => undefined,
  });
  return curve;
}

describe('trainModel', () => {
  it('gives the same curve on the traced engine and eagerly on tfjs', async () => {
    const eager = await curveOf(eagerEngine);
    const traced = await curveOf({compile, compileForward});
    for (const [epoch, row] of eager.entries()) {
      // 1e-4: six steps of float32 arithmetic in another order.
      expect(Math.abs(traced[epoch]!.trainLoss - row.trainLoss)).toBeLessThan(1e-4);
      expect(Math.abs(traced[epoch]!.concordance.arousal! - row.concordance.arousal!)).toBeLessThan(1e-4);
      expect(traced[epoch]!.learningRate).toBe(row.learningRate);
    }
  });
});
