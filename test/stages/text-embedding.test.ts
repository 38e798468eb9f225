import {expect, test} from 'vitest';
import {textEmbedding} from '../../stages/text-embedding.js';
import {runStage} from '../helpers/run-stage.js';

/** Frames of a variable rate. */
const timeline = [0, 0.4, 0.5, 1.1, 1.2].map((timeSeconds, frameIndex) => ({frameIndex, timeSeconds}));
const words = [
  {startSeconds: 0.4, endSeconds: 0.5, word: 'Great!'},
  {startSeconds: 0.5, endSeconds: 1.1, word: 'sad'},
];

test('each frame gets the word that is spoken at its own time', async () => {
  const params = {hashDimensions: 2, holdSeconds: 0};
  const {outputs} = await runStage(textEmbedding, {inputs: {words, timeline}, params});
  expect(outputs.linguistic.all.map(({frameIndex}) => frameIndex)).toEqual([0, 1, 2, 3, 4]);
  const valence = outputs.linguistic.all.map(({vector}) => [vector.length, Math.round(vector[0]! * 10), vector[1]]);
  expect(valence).toEqual([
    [4, 0, 0],
    [4, 0, 0],
    [4, 6, 1],
    [4, -4, 1],
    [4, 0, 0],
  ]);
});

test('a clip without words has a vector of zeros for every frame, as wide as those of other clips', async () => {
  const silent = await runStage(textEmbedding, {inputs: {words: [], timeline}});
  const spoken = await runStage(textEmbedding, {inputs: {words, timeline}});
  expect(silent.outputs.linguistic.all.map(({vector}) => vector)).toEqual(timeline.map(() => new Float32Array(70)));
  expect(spoken.outputs.linguistic.width('vector')).toBe(70);
});

test('what was said a moment ago is still there, but fades', async () => {
  const {outputs} = await runStage(textEmbedding, {inputs: {words: [words[0]!], timeline}});
  const context = outputs.linguistic.all.map(({vector}) => vector[66]!);
  expect(context.slice(0, 2)).toEqual([0, 0]);
  expect(context[2]).toBeGreaterThan(context[3]!);
  expect(context[3]).toBeGreaterThan(context[4]!);
  expect(context[4]).toBeGreaterThan(0.1);
});

test('words in a script that the lexicon does not know are warned of', async () => {
  const greek = [{startSeconds: 0, endSeconds: 1, word: 'Καλημέρα'}];
  const {warnings} = await runStage(textEmbedding, {inputs: {words: greek, timeline}});
  expect(warnings).toEqual([expect.stringContaining('of 1 of 1 words, in another script')]);
});
