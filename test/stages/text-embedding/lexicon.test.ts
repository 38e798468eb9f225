import {expect, test} from 'vitest';
import {plainWord, scriptWarning, valenceOf} from '../../../stages/text-embedding/lexicon.js';

const scores = (sentence: string): number[] =>
  Array.from(valenceOf(sentence.split(' ')), (value) => Math.round(value * 1000) / 1000);

test('words score a fifth of their AFINN value, whatever case and punctuation they have', () => {
  expect(scores('A "HAPPY" table, truly terrible!')).toEqual([0, 0.6, 0, 0, -0.6]);
});

test('possessives count as their word, and names of object members as no word', () => {
  expect(scores('winner\u2019s constructor toString')).toEqual([0.8, 0, 0]);
});

test('a negation turns and weakens the three words behind it, up to the end of the sentence', () => {
  expect(scores('not happy')).toEqual([0, -0.444]);
  expect(scores('I don\u2019t feel very happy')).toEqual([0, 0, 0, 0, -0.444]);
  expect(scores('never in all my happy')).toEqual([0, 0, 0, 0, 0.6]);
  expect(scores('I did not. Happy')).toEqual([0, 0, 0, 0.6]);
});

test('words are compared in lower case without surrounding punctuation', () => {
  expect(['“Don’t!”', '—', 'self-made,', 'ÉTÉ'].map(plainWord)).toEqual(["don't", '', 'self-made', 'été']);
});

test('words in another script than the lexicon’s are remarked on where they are many', () => {
  const warning =
    'The lexicon is English: of 2 of 3 words, in another script, only the spelling is used. Take backbone: bert.';
  expect(scriptWarning(['Τι', 'ωραία', 'ok!'])).toBe(warning);
  expect(scriptWarning(['naïve', 'Größe', '2026', '—', 'мир'])).toBeUndefined();
  expect(scriptWarning([])).toBeUndefined();
});
