import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {expect, test} from 'vitest';
import {annotation} from '../../../stages/annotation.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

const folder = temporaryFolder();
let fileCount = 0;

/** Labels `frameCount` frames (or frames at given times) with an annotation file of this text. */
async function label(text: string | Buffer, frames: number | number[], params = {}) {
  const file = path.join(folder, `clip ${fileCount++}.txt`);
  writeFileSync(file, text);
  const times = typeof frames === 'number' ? Array.from({length: frames}, (_, k) => k / 25) : frames;
  const timeline = times.map((timeSeconds, frameIndex) => ({frameIndex, timeSeconds}));
  const {outputs, warnings} = await runStage(annotation, {inputs: {annotation: file, timeline}, params});
  // Labels are stored as float32.
  const rows = outputs.labels.all.map(({valence, arousal, valid}) =>
    valid ? [valence, arousal].map((value) => Number(value.toFixed(6))) : undefined,
  );
  return {rows, warnings, labels: outputs.labels.all};
}

const refusal = async (text: string | Buffer) => {
  const refused: unknown = await label(text, 3).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    name: 'StageError',
    code: 'bad-annotation',
    remedy: 'Correct the file, or exclude the clip.',
  });
  return (refused as Error).message.replace(/"clip \d+\.txt"/, 'FILE');
};

test('line k of an Aff-Wild2 file belongs to frame k', async () => {
  const {rows, warnings, labels} = await label('valence,arousal\n0.5,-0.25\n-1,1\n0,1e-1\n', 3);
  expect(rows).toEqual([
    [0.5, -0.25],
    [-1, 1],
    [0, 0.1],
  ]);
  expect(labels[1]).toEqual({frameIndex: 1, valence: -1, arousal: 1, valid: true});
  expect(warnings).toEqual([]);
});

test('a frame is invalid if either value is -5, without a warning', async () => {
  const {rows, warnings, labels} = await label('valence,arousal\n-5,-5\n0.5,-5\n-5.0,0.5\n0.5,0.5\n', 4);
  expect(rows).toEqual([undefined, undefined, undefined, [0.5, 0.5]]);
  expect(labels[1]).toEqual({frameIndex: 1, valence: 0, arousal: 0, valid: false});
  expect(warnings).toEqual([]);
});

test('values outside [-1, 1] other than -5 are invalid and reported with their first line', async () => {
  const {rows, warnings} = await label('valence,arousal\n0,0\n1.7,0\n0,-1.01\n', 3);
  expect(rows).toEqual([[0, 0], undefined, undefined]);
  expect(warnings).toEqual([
    'annotation has 2 rows outside [-1, 1] that are not marked with -5 (first in line 3: 1.7, 0); they count as not annotated',
  ]);
});

test('a shorter annotation leaves the rest without label, a longer one is cut, and both are reported', async () => {
  const shorter = await label('valence,arousal\n0.1,0.1\n', 3);
  expect(shorter.rows).toEqual([[0.1, 0.1], undefined, undefined]);
  expect(shorter.warnings).toEqual([
    'annotation has 2 lines fewer than the video has frames; those frames have no label',
  ]);
  const longer = await label('valence,arousal\n0.1,0.1\n0.2,0.2\n0.3,0.3\n0.4,0.4\n', 1);
  expect(longer.rows).toEqual([[0.1, 0.1]]);
  expect(longer.warnings).toEqual(['annotation has 3 lines more than the video has frames; they were dropped']);
});

test('no valid label at all is reported', async () => {
  expect((await label('valence,arousal\n-5,-5\n-5,-5\n', 2)).warnings).toEqual([
    'annotation leaves none of the 2 frames with a valid label',
  ]);
  expect((await label('valence,arousal\n', 2)).warnings).toEqual([
    'annotation has 2 lines fewer than the video has frames; those frames have no label',
    'annotation leaves none of the 2 frames with a valid label',
  ]);
});

test.each([
  ['columns in another order', 'arousal,valence\n-0.25,0.5\n'],
  ['a byte order mark and Windows line ends', '\uFEFFvalence,arousal\r\n0.5,-0.25\r\n'],
  ['semicolons and decimal commas', 'valence;arousal\n0,5;-0,25\n'],
  ['tabs', 'valence\tarousal\n0.5\t-0.25\n'],
  ['spaces, capitals and quotes', ' "Valence" , "Arousal" \n 0.5 , "-0.25" \n'],
  ['trailing blank lines', 'valence,arousal\n0.5,-0.25\n\n\n  \n'],
  ['no line end at the end', 'valence,arousal\n0.5,-0.25'],
  ['columns that say nothing of affect', 'subject,valence,arousal,note\n7,0.5,-0.25,laughs\n'],
  ['a frame column', 'arousal,frame,valence\n-0.25,0,0.5\n'],
  ['a time column', 'time,valence,arousal\n0,0.5,-0.25\n'],
])('%s are read', async (_, text) => {
  expect(await label(text, 1)).toMatchObject({rows: [[0.5, -0.25]], warnings: []});
});

test('rows with frame numbers go to their frames', async () => {
  const text = 'frame,valence,arousal\n1,0.1,0.1\n3,0.3,0.3\n';
  expect((await label(text, 4)).rows).toEqual([undefined, [0.1, 0.1], undefined, [0.3, 0.3]]);
  expect((await label(text, 3, {firstFrame: 1})).rows).toEqual([[0.1, 0.1], undefined, [0.3, 0.3]]);
});

test('frame numbers that seem to start at 1 give a hint', async () => {
  const {warnings} = await label('frame,valence,arousal\n1,0,0\n2,0,0\n', 2);
  expect(warnings).toEqual([
    'annotation has 1 frame more than the video has frames; they were dropped',
    'annotation counts its frames from 1, it seems: set annotation.firstFrame=1',
  ]);
});

test('rows with times go to the frames nearest to them, and gaps stay without label', async () => {
  const text = 'time,valence,arousal\n0,0,0\n0.1,0.1,0.1\n0.2,0.2,0.2\n0.6,0.6,0.6\n0.7,0.7,0.7\n';
  const {rows} = await label(text, [0, 0.04, 0.06, 0.12, 0.24, 0.4, 0.58, 0.74, 0.8]);
  expect(rows.map((row) => row?.[0])).toEqual([0, 0, 0.1, 0.1, 0.2, undefined, 0.6, 0.7, undefined]);
});

test('times that end far from the end of the video are reported', async () => {
  expect((await label('time,valence,arousal\n0,0,0\n40,0,0\n', 2)).warnings).toEqual([
    'annotation ends at 40.0 s and the video at 0.0 s; frames without a row near them have no label',
  ]);
});

test('malformed files are refused with the line, what was seen there and what was expected', async () => {
  const headers = 'the header "valence,arousal", or "time,valence,arousal" or "frame,valence,arousal"';
  expect(await refusal('')).toBe('annotation FILE is empty; expected at least a header');
  expect(await refusal('\n \n')).toBe('annotation FILE is empty; expected at least a header');
  expect(await refusal('0.5,0.5\n')).toBe(`annotation FILE has the header "0.5,0.5" in line 1; expected ${headers}`);
  expect(await refusal('valence\n0\n')).toBe(`annotation FILE has the header "valence" in line 1; expected ${headers}`);
  expect(await refusal('valence,arousal,valence\n')).toMatch(/has the header/);
  expect(await refusal('time,frame,valence,arousal\n')).toMatch(/has the header/);
  expect(await refusal('valence,arousal\n0,0\n0,abc\n')).toBe('annotation FILE has "abc" in line 3; expected a number');
  expect(await refusal('valence,arousal\nNaN,0\n')).toBe('annotation FILE has "NaN" in line 2; expected a number');
  expect(await refusal('valence,arousal\n,0\n')).toBe('annotation FILE has "" in line 2; expected a number');
  expect(await refusal('valence,arousal\n0x1,0\n')).toBe('annotation FILE has "0x1" in line 2; expected a number');
  expect(await refusal('valence,arousal\n0,0,0\n')).toBe(
    'annotation FILE has 3 values in line 2 ("0,0,0"); expected 2 as in the header',
  );
  expect(await refusal('valence,arousal\n0,0\n\n0,0\n')).toBe('annotation FILE has an empty line 3; expected 2 values');
  expect(await refusal('frame,valence,arousal\n0,0,0\n0,0,0\n')).toBe(
    'annotation FILE has the frame 0 in line 3 after 0 in line 2; expected rising values',
  );
  expect(await refusal('frame,valence,arousal\n0.5,0,0\n')).toBe(
    'annotation FILE has the frame 0.5 in line 2; expected a whole number',
  );
  expect(await refusal('time,valence,arousal\n-1,0,0\n')).toBe(
    'annotation FILE has the time -1 in line 2; expected no negative one',
  );
  expect(await refusal(Buffer.from('valence,arousal\n0,0\n', 'utf16le'))).toMatch(/is not UTF-8 text/);
});

test('a missing file is refused', async () => {
  const inputs = {annotation: path.join(folder, 'absent.txt'), timeline: [{frameIndex: 0, timeSeconds: 0}]};
  await expect(runStage(annotation, {inputs})).rejects.toMatchObject({
    code: 'unreadable-file',
    message: expect.stringMatching(/^annotation "absent.txt" cannot be read: ENOENT/) as string,
  });
});
