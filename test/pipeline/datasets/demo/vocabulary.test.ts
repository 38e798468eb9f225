import {expect, test} from 'vitest';
import {negativeWords, neutralWords, positiveWords} from '../../../../pipeline/datasets/demo/vocabulary.js';
import {valenceOf} from '../../../../stages/text-embedding/lexicon.js';

const signs = (words: readonly string[]): number[] => words.map((word) => Math.sign(valenceOf([word])[0]!));

test('the words of the demo data set have the feeling they are listed under', () => {
  expect(signs(positiveWords)).toEqual(positiveWords.map(() => 1));
  expect(signs(negativeWords)).toEqual(negativeWords.map(() => -1));
  expect(signs(neutralWords)).toEqual(neutralWords.map(() => 0));
});
