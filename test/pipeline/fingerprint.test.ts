import {describe, expect, it} from 'vitest';
import type {Digest} from '../../cache/digest.js';
import {differences, fingerprintOf, type Ingredients} from '../../pipeline/fingerprint.js';

const digest = (text: string) => text as Digest;

const base: Ingredients = {
  stage: 'spectrogram',
  identity: 'version 1',
  params: {melBands: 64, nested: {hop: 1}},
  inputs: [{name: 'audio', digest: digest('aa')}],
  models: [],
  seed: null,
};

describe('a fingerprint', () => {
  it('changes with everything that decides the bytes', () => {
    const variants: Ingredients[] = [
      base,
      {...base, stage: 'other'},
      {...base, identity: 'version 2'},
      {...base, params: {melBands: 80, nested: {hop: 1}}},
      {...base, params: {melBands: 64, nested: {hop: 2}}},
      {...base, inputs: [{name: 'audio', digest: digest('ab')}]},
      {...base, inputs: [{name: 'video', digest: digest('aa')}]},
      {...base, inputs: [...base.inputs, {name: 'x', digest: digest('aa')}]},
      {...base, models: [{id: 'm', digest: digest('aa')}]},
      {...base, seed: 0},
    ];
    expect(new Set(variants.map(fingerprintOf)).size).toBe(variants.length);
  });

  it('does not depend on the order in which parameters are written', () => {
    expect(fingerprintOf({...base, params: {nested: {hop: 1}, melBands: 64}})).toBe(fingerprintOf(base));
  });

  it('stays what it is from release to release', () => {
    expect(fingerprintOf(base)).toMatchInlineSnapshot(`"16b7421167109eb4eb1595244020492c"`);
  });
});

describe('the differences of two tasks', () => {
  it('name parameters by path with both values', () => {
    expect(differences(base, {...base, params: {melBands: 80, nested: {hop: 2}}})).toEqual([
      'melBands 64 → 80',
      'nested.hop 1 → 2',
    ]);
  });

  it('count the clips of a fold', () => {
    const fold = (digests: string[]) => ({
      ...base,
      inputs: digests.map((one, index) => ({name: `visual/train/${index}`, digest: digest(one)})),
    });
    expect(differences(fold(['a', 'b', 'c']), fold(['a', 'x', 'y', 'z']))).toEqual([
      'visual/train changed (2 clips)',
      'visual/train is new',
    ]);
  });

  it('are none between equals', () => {
    expect(differences(base, structuredClone(base))).toEqual([]);
  });
});
