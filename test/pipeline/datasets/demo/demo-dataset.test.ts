import {execFile} from 'node:child_process';
import {createHash} from 'node:crypto';
import {readFile, readdir, unlink, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {promisify} from 'node:util';
import {beforeAll, describe, expect, test} from 'vitest';
import type {DemoDataset} from '../../../../pipeline/datasets/demo/demo-dataset.js';
import {makeDemoDataset} from '../../../../pipeline/datasets/demo/demo-dataset.js';
import {locateFfmpeg} from '../../../../stages/demux/binary.js';
import {readSidecar} from '../../../../stages/transcription/sidecar.js';
import {spreadWords} from '../../../../stages/transcription/spread.js';
import {temporaryFolder} from '../../../helpers/temporary-folder.js';

/** One clip of each kind: ten subjects have a fault each, the eleventh has none. */
const size = {subjectCount: 11, clipsPerSubject: 1, secondsPerClip: 5, frameRateHz: 10};

const root = temporaryFolder();
const folder = path.join(root, 'one');
let made: DemoDataset;

beforeAll(async () => {
  made = await makeDemoDataset({folder, seed: 7, ...size});
});

const clipWith = (fault: string | undefined) => made.clips.find(({faults}) => faults[0] === fault)!;
const annotationLines = async (fault: string | undefined) =>
  (await readFile(clipWith(fault).annotation, 'utf8')).trimEnd().split('\n').slice(1);

/** What ffmpeg logs about each decoded frame: its time. */
async function frameTimes(file: string): Promise<number[]> {
  const {path: binary, passthrough} = await locateFfmpeg();
  const {stderr} = await promisify(execFile)(binary, [
    '-i',
    file,
    '-vf',
    'showinfo',
    ...passthrough,
    '-f',
    'null',
    '-',
  ]);
  return [...stderr.matchAll(/Parsed_showinfo.* pts_time:([\d.]+)/gu)].map((match) => Number(match[1]));
}

/** Mono samples at 16 kHz, from the time of the first. */
async function soundOf(file: string): Promise<Float32Array> {
  const {path: binary} = await locateFfmpeg();
  const args = [
    '-v',
    'error',
    '-i',
    file,
    '-af',
    'aresample=async=1:first_pts=0',
    '-ac',
    '1',
    '-ar',
    '16000',
    '-f',
    'f32le',
    '-',
  ];
  const {stdout} = await promisify(execFile)(binary, args, {encoding: 'buffer', maxBuffer: 2 ** 26});
  return new Float32Array(new Uint8Array(stdout).buffer);
}

/** Root mean square of the samples between two times. */
function loudness(samples: Float32Array, startSeconds: number, endSeconds: number): number {
  const part = samples.subarray(Math.round(startSeconds * 16_000), Math.round(endSeconds * 16_000));
  return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
}

async function wordsOf(fault: string | undefined) {
  return readSidecar(await readFile(clipWith(fault).transcript!), 10).flatMap(spreadWords);
}

async function digestsOf(of: string): Promise<Record<string, string>> {
  const files = (await readdir(of, {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile());
  const digests = files.map(async (entry) => {
    const file = path.join(entry.parentPath, entry.name);
    return [
      path.relative(of, file),
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ] as const;
  });
  return Object.fromEntries(await Promise.all(digests));
}

test('a clip without fault has a frame, and a line of values in [-1, 1], for each tenth of a second', async () => {
  const times = await frameTimes(clipWith(undefined).video);
  expect(times.map((time) => Math.round(time * 1000))).toEqual(times.map((_, frame) => 100 * frame));
  const lines = await annotationLines(undefined);
  expect(lines).toHaveLength(times.length);
  for (const value of lines.flatMap((line) => line.split(',').map(Number)))
    expect(Math.abs(value)).toBeLessThanOrEqual(1);
});

test('subjects.csv names the subject of every clip', async () => {
  const [header, ...lines] = (await readFile(path.join(folder, 'subjects.csv'), 'utf8')).trimEnd().split('\n');
  expect(header).toBe('clip,subject');
  expect(lines).toEqual(made.clips.map(({name, subject}) => `${name},${subject}`));
  expect(new Set(made.clips.map(({subject}) => subject)).size).toBe(size.subjectCount);
});

test('what is heard agrees with the transcript: loud within words, quiet between sentences', async () => {
  for (const fault of [undefined, 'late-audio'] as const) {
    const [samples, words] = [await soundOf(clipWith(fault).video), await wordsOf(fault)];
    const spoken = words.map(({startSeconds, endSeconds}) => loudness(samples, startSeconds, endSeconds));
    expect(words.length).toBeGreaterThan(2);
    // The first word begins at 0.4 s; AAC smears over some 60 ms.
    expect(Math.min(...spoken)).toBeGreaterThan(5 * loudness(samples, 0.05, 0.33));
  }
});

describe('faults', () => {
  test('a clip without audio has only a video stream, and one without transcript has no file', async () => {
    await expect(soundOf(clipWith('no-audio').video)).rejects.toThrow();
    expect(clipWith('no-transcript').transcript).toBeUndefined();
    const transcripts = await readdir(path.join(folder, 'transcripts'));
    expect(transcripts).not.toContain(`${clipWith('no-transcript').name}.vtt`);
    expect(transcripts).toHaveLength(size.subjectCount - 1);
  });

  test('a variable frame rate varies, rises always, and keeps one annotation per frame', async () => {
    const times = await frameTimes(clipWith('variable-frame-rate').video);
    const steps = times.slice(1).map((time, index) => time - times[index]!);
    expect(Math.min(...steps)).toBeGreaterThan(0.06);
    expect(Math.max(...steps) - Math.min(...steps)).toBeGreaterThan(0.02);
    expect(await annotationLines('variable-frame-rate')).toHaveLength(times.length);
  });

  test('annotations are three lines too long or four too short', async () => {
    const surplus = async (fault: string): Promise<number> =>
      (await annotationLines(fault)).length - (await frameTimes(clipWith(fault).video)).length;
    expect([await surplus('annotation-too-long'), await surplus('annotation-too-short')]).toEqual([3, -4]);
  });

  test('some frames are marked as not annotated', async () => {
    const lines = await annotationLines('unannotated-frames');
    const marked = lines.filter((line) => line === '-5,-5').length;
    expect(marked).toBeGreaterThanOrEqual(5);
    expect(marked).toBeLessThan(lines.length / 2);
  });

  test('a silent stretch is silent and has no words', async () => {
    const [samples, words] = [await soundOf(clipWith('silence').video), await wordsOf('silence')];
    const seconds = samples.length / 16_000;
    expect(loudness(samples, 0.44 * seconds, 0.56 * seconds)).toBeLessThan(1e-3);
    const inside = words.filter(
      ({startSeconds, endSeconds}) => endSeconds > 0.42 * seconds && startSeconds < 0.58 * seconds,
    );
    expect(inside).toEqual([]);
  });

  test('a short clip is a third as long as the others', async () => {
    const [short, whole] = await Promise.all(['short', undefined].map((fault) => frameTimes(clipWith(fault).video)));
    expect(short!.length).toBeLessThan(0.45 * whole!.length);
  });
});

describe('determinism', () => {
  test('the same seed gives the same bytes, another seed other ones', async () => {
    const again = path.join(root, 'again');
    await makeDemoDataset({folder: again, seed: 7, ...size, subjectCount: 6, concurrency: 1});
    const [all, some] = [await digestsOf(folder), await digestsOf(again)];
    const ofClips = Object.entries(some).filter(([file]) => file.includes('/'));
    expect(ofClips).toHaveLength(3 * 6 - 1);
    expect(Object.fromEntries(ofClips)).toEqual(Object.fromEntries(ofClips.map(([file]) => [file, all[file]])));
    const other = path.join(root, 'other');
    await makeDemoDataset({folder: other, seed: 8, ...size, subjectCount: 1});
    expect((await digestsOf(other))['annotations/s01-c1.txt']).not.toBe(
      (await digestsOf(folder))['annotations/s01-c1.txt'],
    );
  });

  test('a folder that holds the data set is left alone, and made anew when a file was changed or is missing', async () => {
    const small = {folder: path.join(root, 'small'), seed: 3, ...size, subjectCount: 1, secondsPerClip: 1};
    const first = await makeDemoDataset(small);
    const before = await digestsOf(small.folder);
    expect([first.made, (await makeDemoDataset(small)).made]).toEqual([true, false]);
    await writeFile(first.clips[0]!.annotation, 'valence,arousal\n');
    expect((await makeDemoDataset(small)).made).toBe(true);
    await unlink(first.clips[0]!.video);
    expect((await makeDemoDataset(small)).made).toBe(true);
    expect(await digestsOf(small.folder)).toEqual(before);
  });

  test('other parameters replace the data set and leave foreign files alone', async () => {
    const small = {folder: path.join(root, 'kept'), seed: 3, ...size, subjectCount: 1, secondsPerClip: 1};
    await makeDemoDataset(small);
    await writeFile(path.join(small.folder, 'experiment.yaml'), 'mine');
    expect((await makeDemoDataset({...small, seed: 4})).made).toBe(true);
    expect(await readFile(path.join(small.folder, 'experiment.yaml'), 'utf8')).toBe('mine');
  });
});

test('an aborted generation stops, leaves no stamp and no half-written video', async () => {
  const aborted = path.join(root, 'aborted');
  const controller = new AbortController();
  const options = {folder: aborted, seed: 7, ...size, signal: controller.signal, progress: () => controller.abort()};
  await expect(makeDemoDataset(options)).rejects.toThrow('aborted');
  const files = Object.keys(await digestsOf(aborted));
  expect(files).not.toContain('dataset.json');
  expect(files.filter((file) => file.startsWith('videos') && !file.endsWith('.mp4'))).toEqual([]);
});
