import {describe, expect, test} from 'vitest';
import {placeWords} from '../../../stages/transcription/placement.js';
import {readSidecar} from '../../../stages/transcription/sidecar.js';
import {spreadWords} from '../../../stages/transcription/spread.js';

const videoEndSeconds = 10;

/** Words of a transcript as `start-end word`, times rounded to milliseconds. */
function wordsOf(content: string | Uint8Array): string[] {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const {words} = placeWords(readSidecar(bytes, videoEndSeconds).flatMap(spreadWords), videoEndSeconds);
  return words.map(({startSeconds, endSeconds, word}) => `${round(startSeconds)}-${round(endSeconds)} ${word}`);
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;

describe('WebVTT', () => {
  test('spreads a cue over its words in proportion to their length', () => {
    expect(wordsOf('WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nI said hello\n')).toEqual([
      '1-1.2 I',
      '1.2-2 said',
      '2-3 hello',
    ]);
  });

  test('takes word times from inline tags', () => {
    const text = 'WEBVTT\n\n00:01.000 --> 00:03.000\none<00:00:01.500><c> two</c><00:00:02.000><c> three four</c>\n';
    expect(wordsOf(text)).toEqual(['1-1.5 one', '1.5-2 two', '2-2.556 three', '2.556-3 four']);
  });

  test('joins a word that is timed by syllable', () => {
    expect(wordsOf('WEBVTT\n\n00:01.000 --> 00:03.000\nhel<00:00:02.000>lo\n')).toEqual(['1-3 hello']);
  });

  test('skips header, notes, styles and regions, and reads cue names and settings', () => {
    const text = [
      'WEBVTT - English',
      'Kind: captions',
      '',
      'NOTE a remark',
      'over two lines',
      '',
      'STYLE',
      '::cue { color: red }',
      '',
      'REGION',
      'id:bill',
      '',
      'intro',
      '00:00:01.000 --> 00:00:02.000 align:start position:0%',
      '<v Ann>Good',
      '<i>day</i> &amp; more',
    ].join('\n');
    expect(wordsOf(text)).toEqual(['1-1.333 Good', '1.333-1.583 day', '1.667-2 more']);
  });

  test('reads a byte order mark, Windows line ends, and hours above 99', () => {
    const text =
      '\uFEFFWEBVTT\r\n\r\n00:00:01.000 --> 00:00:02.000\r\nhi\r\n\r\n100:00:00.000 --> 100:00:01.000\r\nlate\r\n';
    expect(wordsOf(text)).toEqual(['1-2 hi']);
  });

  test('says every word of rolling captions once', () => {
    const text = [
      'WEBVTT',
      '',
      '00:00:00.160 --> 00:00:02.380 align:start',
      ' ',
      'hello<00:00:01.000><c> there</c>',
      '',
      '00:00:02.380 --> 00:00:02.390 align:start',
      'hello there',
      ' ',
      '',
      '00:00:02.390 --> 00:00:04.000 align:start',
      'hello there',
      'my<00:00:03.000><c> friend</c>',
    ].join('\n');
    expect(wordsOf(text)).toEqual(['0.16-1 hello', '1-2.38 there', '2.39-3 my', '3-4 friend']);
  });

  test('keeps overlapping cues and orders their words by start', () => {
    const text = 'WEBVTT\n\n00:01.000 --> 00:05.000\nslow talk\n\n00:02.000 --> 00:02.500\nquick\n';
    expect(wordsOf(text)).toEqual(['1-3 slow', '2-2.5 quick', '3-5 talk']);
  });

  test('leaves out descriptions of sounds and lone punctuation', () => {
    expect(wordsOf('WEBVTT\n\n00:01.000 --> 00:02.000\n[Music] ♪ - yes -\n')).toEqual(['1.333-1.833 yes']);
  });

  test('has no words where a cue has no text', () => {
    expect(wordsOf('WEBVTT\n\n00:01.000 --> 00:02.000\n\n00:03.000 --> 00:04.000\nyes')).toEqual(['3-4 yes']);
  });
});

describe('SRT', () => {
  test('reads numbered cues with a comma before the milliseconds', () => {
    const text = '1\n00:00:01,000 --> 00:00:02,000\n<i>so</i> be\n\n2\n00:00:03,500 --> 00:00:04,000\nit\n';
    expect(wordsOf(text)).toEqual(['1-1.5 so', '1.5-2 be', '3.5-4 it']);
  });

  test('reads cues without number or hours, with points, coordinates and overrides', () => {
    const text = '00:01.000 --> 00:02.000 X1:10 X2:20 Y1:1 Y2:2\n{\\an8}up\n\n00:03.000 --> 00:04.000\ndown';
    expect(wordsOf(text)).toEqual(['1-2 up', '3-4 down']);
  });

  test('keeps text behind a blank line, and a number that is spoken', () => {
    const text = '1\n00:00:01,000 --> 00:00:02,000\nab\n\ncd\n\n2\n00:00:03,000 --> 00:00:04,000\n42\n';
    expect(wordsOf(text)).toEqual(['1-1.5 ab', '1.5-2 cd', '3-4 42']);
  });
});

describe('recogniser JSON', () => {
  test('reads Whisper segments with words', () => {
    const words = [
      {word: ' Good', start: 1, end: 1.4, probability: 0.9},
      {word: ' day.', start: 1.5, end: 2},
    ];
    expect(
      wordsOf(JSON.stringify({text: '', language: 'en', segments: [{start: 1, end: 2, text: '', words}]})),
    ).toEqual(['1-1.4 Good', '1.5-2 day.']);
  });

  test('spreads Whisper segments without words', () => {
    expect(wordsOf(JSON.stringify({segments: [{start: 1, end: 2, text: ' ab cd'}]}))).toEqual(['1-1.5 ab', '1.5-2 cd']);
  });

  test('gives words without times the gap between their neighbours', () => {
    const words = [{word: 'in', start: 1, end: 2}, {word: '2014'}, {word: 'or'}, {word: 'so', start: 5, end: 6}];
    expect(wordsOf(JSON.stringify({segments: [{start: 1, end: 6, text: '', words}]}))).toEqual([
      '1-2 in',
      '2-4 2014',
      '4-5 or',
      '5-6 so',
    ]);
  });

  test('reads transformers.js chunks, the last of which may have no end', () => {
    const chunks = [
      {text: ' one', timestamp: [0.5, 1]},
      {text: ' two', timestamp: [1, null]},
    ];
    expect(wordsOf(JSON.stringify({text: '', chunks}))).toEqual(['0.5-1 one', '1-10 two']);
  });

  test('reads Vosk results: one, a list, or one after the other', () => {
    const first = {result: [{conf: 1, end: 1.2, start: 0.9, word: 'the'}], text: 'the'};
    const second = {result: [{conf: 1, end: 3, start: 2.5, word: 'end'}], text: 'end'};
    const silence = {text: ''};
    expect(wordsOf(JSON.stringify(first))).toEqual(['0.9-1.2 the']);
    expect(wordsOf(JSON.stringify([first, silence, second]))).toEqual(['0.9-1.2 the', '2.5-3 end']);
    const printed = [first, silence, second].map((document) => JSON.stringify(document, null, 2)).join('\n');
    expect(wordsOf(printed)).toEqual(['0.9-1.2 the', '2.5-3 end']);
    expect(wordsOf(JSON.stringify([...first.result, ...second.result]))).toEqual(['0.9-1.2 the', '2.5-3 end']);
  });

  test('clips times that lie before 0, behind the video, or backwards', () => {
    const result = [
      {word: 'before', start: -0.5, end: 0.5},
      {word: 'back', start: 3, end: 2},
      {word: 'after', start: 9, end: 12},
      {word: 'gone', start: 11, end: 12},
    ];
    expect(wordsOf(JSON.stringify({result}))).toEqual(['0-0.5 before', '3-3 back', '9-10 after']);
  });
});

test('takes each character of Chinese and Japanese for a word, with the marks around it', () => {
  // Half a second for each letter.
  expect(wordsOf('1\n00:00:00,000 --> 00:00:05,000\n「我」很ok，谢谢。\n')).toEqual([
    '0-1.5 「我」',
    '1.5-2 很',
    '2-3.5 ok，',
    '3.5-4 谢',
    '4-5 谢。',
  ]);
  expect(wordsOf('1\n00:00:00,000 --> 00:00:05,500\nスーパー now 한국어 말\n')).toEqual([
    '0-1 スー',
    '1-2 パー',
    '2-3.5 now',
    '3.5-5 한국어',
    '5-5.5 말',
  ]);
});

test('reads UTF-16, with either byte order', () => {
  const text = '\uFEFFWEBVTT\n\n00:01.000 --> 00:02.000\nnaïve\n';
  const little = Buffer.from(text, 'utf16le');
  expect(wordsOf(little)).toEqual(['1-2 naïve']);
  expect(wordsOf(Buffer.from(little).swap16())).toEqual(['1-2 naïve']);
});

test.each(['', ' \r\n', '\uFEFF', 'WEBVTT', 'WEBVTT\n\n', '{"segments": []}', '[]'])(
  'an empty transcript (%j) has no words',
  (text) => {
    expect(wordsOf(text)).toEqual([]);
  },
);

test.each([
  ['WEBVTT\n\n1\nhello\n', 'line 3: expected a cue with start --> end, saw "1"'],
  [
    'WEBVTT\n\n00:00:01.000 -> 00:00:02.000\nhello\n',
    'line 3: expected a cue with start --> end, saw "00:00:01.000 -> 00:00:02.000"',
  ],
  ['WEBVTT\n\n00:61:01.000 --> 00:62:02.000\nhello\n', 'line 3: expected two times, such as'],
  ['WEBVTT\n\nx\n00:00:03.000 --> 00:00:02.000\nhello\n', 'line 4: expected a cue that does not end before it starts'],
  ['1\n00:00:01,000 --> soon\nhello\n', 'line 2: expected two times, such as'],
  ['hello\n00:00:01,000 --> 00:00:02,000\nhello\n', 'line 1: expected a cue number or start --> end, saw "hello"'],
  ['just some words', 'line 1: expected WebVTT, SRT or JSON, saw "just some words"'],
  ['{"segments": [\n{"start": 1,, "end": 2}]}', 'line 2: expected JSON'],
  ['{"segments": [', 'line 1: expected JSON'],
  ['{"a": 1}', 'at the top: expected `segments`, `chunks` or `result` with times, saw "{\\"a\\":1}"'],
  ['{"text": "words without times"}', 'at the top: expected `segments`'],
  ['{"segments": 3}', 'at segments: expected a list, saw "3"'],
  ['{"segments": [4]}', 'at segments[0]: expected an object, saw "4"'],
  [
    '{"segments": [{"start": "1", "end": 2, "text": "a"}]}',
    'at segments[0].start: expected a number of seconds, saw "\\"1\\""',
  ],
  ['{"segments": [{"start": 1, "end": 2}]}', 'at segments[0].text: expected text, saw "nothing"'],
  ['{"chunks": [{"text": "a", "timestamp": 3}]}', 'at chunks[0].timestamp: expected a list of start and end, saw "3"'],
  ['[{"result": []}, {"result": [{"word": 5}]}]', 'at [1].result[0].word: expected text, saw "5"'],
])('a broken transcript is refused with its place: %j', (text, message) => {
  expect(() => wordsOf(text)).toThrow(
    expect.objectContaining({code: 'bad-transcript', message: expect.stringContaining(message)}),
  );
});

test('bytes in another encoding are refused rather than guessed', () => {
  expect(() => wordsOf(Buffer.from('WEBVTT\n\n00:01.000 --> 00:02.000\nnaïve\n', 'latin1'))).toThrow(
    'expected text in UTF-8 or UTF-16',
  );
});
