import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {parameterCount} from '../../../../stages/learning/layers/declaration.js';
import type {Arrays} from '../../../../stages/learning/program.js';
import {systems} from '../../../../stages/fusion-training/systems/index.js';
import {wave, weightsOf} from '../formulas.js';
import {differentiate, infer} from '../forward.js';

const dims = {visual: 5, acoustic: 3, linguistic: 4};
const small = {visualChannels: [4], acousticChannels: [2], linguisticChannels: [3], kernel: 2};
const [B, L] = [2, 9];

/** Systems whose steps are frames, with options that change their equations. */
const variants: [string, Record<string, unknown>][] = [
  ['visual', {}],
  ['concatenation', {}],
  ['rcma', {}],
  ['rcma', {joint: 'all', recursions: 3}],
  ['rcma', {form: 'released', headUnits: 0}],
];

function passOf(name: string, params: Record<string, unknown>, steps: readonly number[], rest: (i: number) => number) {
  const system = systems[name]!;
  const architecture = system.architecture.parse({...small, headUnits: 4, ...params});
  const declaration = system.declare({architecture, dims, length: L, targetCount: 1});
  const isReal = (i: number) => i % L < steps[Math.floor(i / L)]!;
  const real = Float32Array.from({length: B * L}, (_, i) => (isReal(i) ? 1 : 0));
  const inputs: Arrays = Object.fromEntries(
    system.modalities.map((modality) => {
      const d = dims[modality];
      const values = wave(modality, B * L * d).map((v, i) => (isReal(Math.floor(i / d)) ? v : rest(i)));
      return [modality, {shape: [B, L, d], values}];
    }),
  );
  return {system, architecture, declaration, ...weightsOf(declaration), inputs, real: {shape: [B, L], values: real}};
}

const loss = {over: 'window', moments: 'population', targets: 'mean'} as const;
const label = {shape: [B, L, 1], values: wave('labels', B * L)};

describe('frame-level systems', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  for (const [name, params] of variants) {
    const title = `${name} ${JSON.stringify(params)}`;

    it(`${title}: what padding holds changes no prediction, loss, statistic or gradient`, () => {
      const results = [() => 0, (i: number) => 3 * Math.sin(i)].map((rest) => {
        const pass = passOf(name, params, [L, 6], rest);
        return {still: infer(pass).prediction.subarray(0, L + 6), ...differentiate(pass, loss, label, pass.real)};
      });
      for (const key of ['still', 'loss', 'gradients', 'statistics'] as const)
        expect(results[1]![key]).toEqual(results[0]![key]);
    });

    it(`${title}: a window's prediction does not depend on the others of its batch`, () => {
      const pass = passOf(name, params, [L, L], () => 0);
      const changed = Object.fromEntries(
        Object.entries(pass.inputs).map(([modality, {shape, values}]) => {
          const other = values.map((v, i) => (i < values.length / 2 ? v : v + 1));
          return [modality, {shape, values: other}];
        }),
      );
      const [before, after] = [infer(pass).prediction, infer({...pass, inputs: changed}).prediction];
      expect(after.subarray(0, L)).toEqual(before.subarray(0, L));
      expect(after.subarray(L)).not.toEqual(before.subarray(L));
    });

    it(`${title}: leaves no tensor behind`, () => {
      const pass = passOf(name, params, [L, L], () => 0);
      const before = tf.memory().numTensors;
      infer(pass);
      differentiate(pass, loss, label, pass.real);
      expect(tf.memory().numTensors).toBe(before);
    });
  }
});

describe('rcma', () => {
  const paper = {visual: 512, acoustic: 128, linguistic: 768};
  const fusionCount = (architecture: Record<string, unknown>) => {
    const parsed = systems['rcma']!.architecture.parse(architecture);
    const {weights} = systems['rcma']!.declare({architecture: parsed, dims: paper, length: 300, targetCount: 1});
    const fusion = Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith('coattn')));
    return parameterCount({weights: fusion, statistics: {}, masks: {}});
  };

  it('has as many fusion parameters as the released code, for one, two and three recursions', () => {
    expect([1, 2, 3].map((recursions) => fusionCount({form: 'released', recursions}))).toEqual([
      3470388, 6940776, 10411164,
    ]);
  });

  it('has the camera-ready count with a joint of all three, less the unused query_linear', () => {
    const channels = {visualChannels: [256], acousticChannels: [128], linguisticChannels: [128]};
    const unused = 2 * (512 * 512 + 512);
    expect(fusionCount({form: 'released', joint: 'all', ...channels}) + unused).toBe(1790056);
  });

  it('is the identity between front and head where W_h is 0', () => {
    const pass = passOf('rcma', {recursions: 1}, [L, L], () => 0);
    const weights = Object.fromEntries(
      Object.entries(pass.weights).map(([name, {shape, values}]) => [
        name,
        {shape, values: name.includes('.linears.') ? values.map(() => 0) : values},
      ]),
    );
    const plain = passOf('concatenation', {}, [L, L], () => 0);
    const fused = infer({...pass, weights}).inner['fused'];
    const shared = Object.fromEntries(Object.keys(plain.weights).map((name) => [name, weights[name]!]));
    expect(fused).toEqual(infer({...plain, weights: shared}).inner['fused']);
  });

  it('refuses windows of another length than it was declared for', () => {
    const pass = passOf('rcma', {}, [L, L], () => 0);
    const {declaration} = pass;
    const longer = systems['rcma']!.declare({architecture: pass.architecture, dims, length: L + 1, targetCount: 1});
    expect(Object.keys(longer.weights)).toEqual(Object.keys(declaration.weights));
    expect(() => infer({...pass, ...weightsOf(longer)})).toThrow(/matMul/);
  });
});
