import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {Clip} from '../../pipeline/datasets/dataset.js';
import {makeFolds} from '../../pipeline/folds.js';

function clip(name: string, more: Partial<Clip> = {}): Clip {
  return {name, subject: name, video: `${name}.mp4`, annotation: `${name}.txt`, ...more};
}

const names = (clips: readonly Clip[]) => clips.map(({name}) => name);

describe('folds by subject', () => {
  it('put every clip into exactly one validation set and no subject on both sides', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({min: 0, max: 9}), {minLength: 20, maxLength: 60}),
        fc.integer({min: 2, max: 5}),
        (subjects, count) => {
          fc.pre(new Set(subjects).size >= count);
          const clips = subjects.map((subject, index) => clip(`c${index}`, {subject: `s${subject}`}));
          const folds = makeFolds({kind: 'subjects', count}, clips);
          expect(names(folds.flatMap(({validation}) => validation)).sort()).toEqual(names(clips).sort());
          for (const {train, validation} of folds) {
            const seen = new Set(train.map(({subject}) => subject));
            expect(validation.some(({subject}) => seen.has(subject))).toBe(false);
            expect(train.length + validation.length).toBe(clips.length);
          }
        },
      ),
    );
  });

  it('do not depend on the order in which clips are found', () => {
    const clips = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => clip(name));
    const shape = (list: Clip[]) =>
      makeFolds({kind: 'subjects', count: 3}, list).map(({validation}) => names(validation));
    expect(shape([...clips].reverse())).toEqual(shape(clips));
  });

  it('need as many subjects as folds', () => {
    expect(() => makeFolds({kind: 'subjects', count: 3}, [clip('a'), clip('b')])).toThrow(
      /at least 3 subjects, the data set has 2/,
    );
  });
});

describe('the ABAW partition', () => {
  const train = Array.from({length: 356}, (_, index) => clip(`t${String(index).padStart(3, '0')}`, {part: 'train'}));
  const validation = Array.from({length: 76}, (_, index) =>
    clip(`v${String(index).padStart(3, '0')}`, {part: 'validation'}),
  );
  const folds = makeFolds({kind: 'abaw', keepFamilies: false}, [...validation, ...train]);

  it('has six folds; fold 0 validates the official part, fold f the chunk 5 − f of 71, 71, 71, 71, 72', () => {
    expect(folds.map((fold) => fold.validation.length)).toEqual([76, 72, 71, 71, 71, 71]);
    expect(names(folds[0]!.validation)).toEqual(names(validation));
    expect(names(folds[1]!.validation)).toEqual(names(train.slice(284)));
    expect(names(folds[5]!.validation)).toEqual(names(train.slice(0, 71)));
  });

  it('trains each fold on the five other chunks', () => {
    for (const fold of folds) expect(fold.train.length).toBe(432 - fold.validation.length);
  });

  it('can keep the clips of one source video in one chunk', () => {
    const family = Array.from({length: 10}, (_, index) =>
      clip(`24-30-1920x1080-${index}`, {part: 'train', subject: `x${index}`}),
    );
    const rest = Array.from({length: 10}, (_, index) => clip(`3${index}`, {part: 'train'}));
    const kept = makeFolds({kind: 'abaw', keepFamilies: true}, [...family, ...rest, clip('v', {part: 'validation'})]);
    const holders = kept.filter((fold) => fold.validation.some(({name}) => name.startsWith('24-30')));
    expect(holders).toHaveLength(1);
  });

  it('says what is missing where there is no official partition', () => {
    expect(() => makeFolds({kind: 'abaw', keepFamilies: false}, [clip('a')])).toThrow(
      /0 training and 0 validation clips/,
    );
  });
});
