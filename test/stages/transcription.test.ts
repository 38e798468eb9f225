import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import {expect, test} from 'vitest';
import {transcription} from '../../stages/transcription.js';
import {runStage} from '../helpers/run-stage.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

/** Ten frames a second for two seconds. */
const timeline = Array.from({length: 20}, (_, frameIndex) => ({frameIndex, timeSeconds: frameIndex / 10}));

const folder = temporaryFolder();

async function transcribe(content: string) {
  const transcript = path.join(folder, 'clip.txt');
  await writeFile(transcript, content);
  const {outputs, warnings} = await runStage(transcription, {inputs: {transcript, timeline}});
  return {words: outputs.words.all, warnings};
}

test('a transcript becomes rows of words, whatever its file is called', async () => {
  expect(await transcribe('1\n00:00:00,500 --> 00:00:01,500\nHello you\n')).toEqual({
    words: [
      {startSeconds: 0.5, endSeconds: 1.125, word: 'Hello'},
      {startSeconds: 1.125, endSeconds: 1.5, word: 'you'},
    ],
    warnings: [],
  });
});

test('a clip without a transcript has no words, and says so', async () => {
  const {outputs, warnings} = await runStage(transcription, {inputs: {timeline}});
  expect([outputs.words.all, warnings]).toEqual([[], ['No transcript: the clip has no words.']]);
});

test('an empty transcript has no words, and says so', async () => {
  expect(await transcribe('\n')).toEqual({words: [], warnings: ['The transcript holds no words.']});
});

test('words behind the end of the video are left out or clipped, and counted', async () => {
  const {words, warnings} = await transcribe(
    'WEBVTT\n\n00:01.000 --> 00:03.000\nend\n\n00:05.000 --> 00:06.000\ntoo late\n',
  );
  expect(words).toEqual([{startSeconds: 1, endSeconds: 2, word: 'end'}]);
  expect(warnings).toEqual([
    'Words that start behind the end of the video (2.00 s) are left out: 2 of 3.',
    'Words with times outside the video (0 to 2.00 s) were clipped: 1 of 1.',
  ]);
});

test('a broken transcript fails with the place, what was seen and what to do', async () => {
  await expect(transcribe('WEBVTT\n\nhello\n')).rejects.toMatchObject({
    code: 'bad-transcript',
    message: 'Transcript, line 3: expected a cue with start --> end, saw "hello".',
    remedy: 'Correct the transcript, or remove it from the data set: a clip without one has no words.',
  });
});
