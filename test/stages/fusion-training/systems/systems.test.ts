import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {parameterCount} from '../../../../stages/learning/layers/declaration.js';
import type {Arrays} from '../../../../stages/learning/program.js';
import {systems} from '../../../../stages/fusion-training/systems/index.js';
import {wave, weightsOf} from '../formulas.js';
import {differentiate, infer} from '../forward.js';

const dims = {visual: 5, acoustic: 3, linguistic: 4};
/** Small values for whatever of these a system has. */
const small = {
  visualChannels: [4],
  acousticChannels: [2],
  linguisticChannels: [3],
  kernel: 2,
  units: 4,
  fcUnits: 5,
  attentionUnits: 3,
};
const [B, L] = [2, 9];

/** All systems, with options that change their equations. */
const variants: [string, Record<string, unknown>][] = [
  ['visual', {}],
  ['concatenation', {}],
  ['rcma', {}],
  ['rcma', {joint: 'all', recursions: 3}],
  ['rcma', {form: 'released', headUnits: 0}],
  ['grjca', {}],
  ['grjca', {form: 'released', featureNorm: 'l2', gating: 'flat', gateInputs: 'all'}],
  ['grjca', {gating: 'none'}],
  ['rjca', {}],
  ['rjca', {form: 'released'}],
  ['jca', {}],
  ['ca', {}],
  ['lfan', {}],
  ['lfan', {form: 'multi-head', temporalNorm: 'batch'}],
  ['jmt', {}],
  ['jmt', {output: 'self-attention', heads: 2}],
  ['jmt', {attention: 'sigmoid', crossAttention: 'six'}],
];

function passOf(
  name: string,
  params: Record<string, unknown>,
  steps: readonly number[],
  rest: (i: number) => number,
  targetCount = 1,
) {
  const system = systems[name]!;
  const known = Object.entries(small).filter(([key]) => key in system.architecture.shape);
  const architecture = system.architecture.parse({...Object.fromEntries(known), ...params});
  const declaration = system.declare({architecture, dims, length: L, targetCount});
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

describe('every system', () => {
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

describe('grjca', () => {
  const fusionCount = (params: Record<string, unknown>) => {
    const architecture = systems['grjca']!.architecture.parse({form: 'released', ...params});
    const {weights} = systems['grjca']!.declare({
      architecture,
      dims: {visual: 512, acoustic: 128},
      length: 300,
      targetCount: 1,
    });
    const fusion = Object.fromEntries(Object.entries(weights).filter(([name]) => /^coattn|_gating/.test(name)));
    return parameterCount({weights: fusion, statistics: {}, masks: {}});
  };

  it('has as many live fusion parameters as the released code, with the flat and the hierarchical gate', () => {
    expect(fusionCount({gating: 'flat', gateInputs: 'all'})).toBe(1118326);
    expect(fusionCount({gating: 'hierarchical', gateInputs: 'all'})).toBe(1119870);
  });

  const gates = (inner: Arrays) => Object.entries(inner).filter(([name]) => name.startsWith('g.'));

  it('weights features by gates whose columns sum to 1, and hardens as the temperature falls', () => {
    const at = (temperature: number) => gates(infer(passOf('grjca', {temperature}, [L, L], () => 0)).inner);
    for (const [, {shape, values}] of at(0.1)) {
      const columns = shape[2]!;
      for (let i = 0; i < values.length; i += columns) {
        expect([...values.slice(i, i + columns)].reduce((sum, g) => sum + g, 0)).toBeCloseTo(1, 5);
      }
    }
    for (const [, {values}] of at(1e-4)) for (const g of values) expect(Math.min(g, 1 - g)).toBeCloseTo(0, 3);
  });

  it('gives ReLU(X⁽⁰⁾) where all gates choose the earlier features', () => {
    const pass = passOf('grjca', {recursions: 1}, [L, L], () => 0);
    const weights = Object.fromEntries(
      Object.entries(pass.weights).map(([name, {shape, values}]) => {
        if (name.endsWith('_gating.1.weight')) return [name, {shape, values: values.map(() => 0)}];
        return [name, {shape, values: name.endsWith('_gating.1.bias') ? Float32Array.of(50, 0) : values}];
      }),
    );
    const front = {
      ...weights,
      ...Object.fromEntries(Object.entries(pass.weights).filter(([name]) => name.startsWith('temporal'))),
    };
    const fused = infer({...pass, weights: front}).inner['fused']!;
    const ungated = passOf('rcma', {recursions: 1}, [L, L], () => 0);
    const untouched = Object.fromEntries(
      Object.entries(ungated.weights).map(([name, {shape, values}]) => [
        name,
        {shape, values: name.includes('.linears.') ? values.map(() => 0) : values},
      ]),
    );
    const x = infer({...ungated, weights: untouched}).inner['fused']!;
    const both = Array.from({length: B * L}, (_, i) =>
      [...x.values.slice(9 * i, 9 * i + 6)].map((v) => Math.max(v, 0)),
    );
    expect([...fused.values]).toEqual(both.flat());
  });
});

describe('grjca without gates', () => {
  it('is recursive joint cross-attention: it fuses X⁽ᴹ⁾, and has no weight more', () => {
    const pass = passOf('grjca', {gating: 'none'}, [L, L], () => 0);
    expect(Object.keys(pass.weights).filter((name) => name.includes('gating'))).toEqual([]);
    const gated = passOf('grjca', {gating: 'flat', recursions: 2}, [L, L], () => 0);
    // A gate that chooses X⁽²⁾ alone fuses ReLU(X⁽²⁾).
    const chosen = Object.entries(gated.weights).map(([name, {shape, values}]) => {
      if (name.endsWith('_gating.flat.weight')) return [name, {shape, values: values.map(() => 0)}] as const;
      if (name.endsWith('_gating.flat.bias')) return [name, {shape, values: Float32Array.of(0, 0, 50)}] as const;
      return [name, pass.weights[name] ?? {shape, values}] as const;
    });
    const last = infer({...gated, weights: Object.fromEntries(chosen)}).inner['fused']!;
    const fused = infer(pass).inner['fused']!;
    expect([...last.values]).toEqual([...fused.values].map((value) => Math.max(value, 0)));
    expect(fused.values.some((value) => value < 0)).toBe(true);
  });
});

describe('jmt', () => {
  const count = (params: Record<string, unknown>) => {
    const architecture = systems['jmt']!.architecture.parse(params);
    const {weights} = systems['jmt']!.declare({
      architecture,
      dims: {visual: 512, acoustic: 512},
      length: 16,
      targetCount: 2,
    });
    const fusion = Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith('mm_transformer')));
    return parameterCount({weights: fusion, statistics: {}, masks: {}});
  };

  it('has as many live parameters as the released code, with the FC and the self-attention head', () => {
    expect(count({})).toBe(11557376);
    expect(count({output: 'self-attention'})).toBe(11039232);
    expect(count({crossAttention: 'six'})).toBe(11557376 + 3 * 1050624);
  });

  it('attends to steps by place alone: it has no positions, so permuted steps give permuted predictions', () => {
    const pass = passOf('jmt', {}, [L, L], () => 0);
    const reversed = Object.fromEntries(
      Object.entries(pass.inputs).map(([modality, {shape, values}]) => {
        const d = shape[2]!;
        const at = (i: number) => Math.floor(i / (L * d)) * L * d + (L - 1 - (Math.floor(i / d) % L)) * d + (i % d);
        return [modality, {shape, values: Float32Array.from({length: values.length}, (_, i) => values[at(i)]!)}];
      }),
    );
    const [forward, backward] = [infer(pass).prediction, infer({...pass, inputs: reversed}).prediction];
    for (let i = 0; i < L; i++) expect(backward[L - 1 - i]).toBeCloseTo(forward[i]!, 5);
  });
});

describe('jca', () => {
  it('has a head of both attended streams, for 8 and for 16 clips', () => {
    for (const length of [8, 16]) {
      const architecture = systems['jca']!.architecture.parse({});
      const {weights} = systems['jca']!.declare({
        architecture,
        dims: {visual: 512, acoustic: 512},
        length,
        targetCount: 1,
      });
      expect(weights['regressor.0.weight']!.shape).toEqual([128, 256]);
      expect(weights['affine_a.weight']!.shape).toEqual([length, length]);
    }
  });
});
