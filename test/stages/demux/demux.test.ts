import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {expect, test} from 'vitest';
import {demux} from '../../../stages/demux.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {damaged, h264, makeClip, picture, tone} from './clips.js';

const folder = temporaryFolder();
const file = (name: string) => path.join(folder, name);
const demuxed = (video: string, params = {}) => runStage(demux, {inputs: {video}, params});

/** Times of all frames, and all real samples. */
async function read(video: string, params = {}) {
  const {outputs, warnings} = await demuxed(video, params);
  const times = [...(await outputs.timeline.column('timeSeconds'))];
  const samples = outputs.audio.all.flatMap((row) => [...row.samples.subarray(0, row.sampleCount)]);
  return {times, samples, warnings, rows: outputs.audio.all};
}

function rms(samples: readonly number[]): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

test('a clip gives one row per frame with its presentation time, and its sound in rows of one second', async () => {
  const clip = await makeClip(file('plain.mp4'), ...picture(2.4), ...tone(2.4), ...h264);
  const {times, rows, samples, warnings} = await read(clip);
  expect(times).toEqual(Array.from({length: 60}, (_, k) => k / 25));
  expect(rows.map(({startSeconds, sampleRateHz}) => [startSeconds, sampleRateHz])).toEqual([
    [0, 16_000],
    [1, 16_000],
    [2, 16_000],
  ]);
  // AAC comes in packets of 1024 samples, so the sound may end up to 24 ms after the picture.
  expect(samples.length / 16_000).toBeGreaterThanOrEqual(2.4);
  expect(samples.length / 16_000).toBeLessThan(2.43);
  expect(
    rows
      .at(-1)
      ?.samples.subarray(rows.at(-1)?.sampleCount)
      .every((sample) => sample === 0),
  ).toBe(true);
  // The sine source of ffmpeg has amplitude 1/8.
  expect(rms(samples.slice(1600, 32_000))).toBeCloseTo(0.125 / Math.SQRT2, 3);
  expect(warnings).toEqual([]);
});

test('uncompressed sound at its own rate arrives sample by sample', async () => {
  const clip = await makeClip(file('pcm.mkv'), ...picture(1), ...tone(1, 16_000), ...h264, '-c:a', 'pcm_s16le');
  const {samples} = await read(clip);
  const expected = Array.from({length: 16_000}, (_, k) => Math.sin((2 * Math.PI * 440 * k) / 16_000) / 8);
  expect(samples).toHaveLength(16_000);
  // ffmpeg's sine is a table with linear interpolation, then 16-bit rounding.
  expect(Math.max(...samples.map((sample, k) => Math.abs(sample - expected[k]!)))).toBeLessThan(1e-4);
});

test('stereo is mixed with equal halves, whatever the codec', async () => {
  const stereo = ['-af', 'pan=stereo|c0=c0|c1=0*c0'];
  const pcm = await makeClip(file('stereo.mkv'), ...picture(1), ...tone(1), ...stereo, ...h264, '-c:a', 'pcm_s16le');
  const aac = await makeClip(file('stereo.mp4'), ...picture(1), ...tone(1), ...stereo, ...h264, '-b:a', '256k');
  for (const clip of [pcm, aac]) {
    const {samples} = await read(clip);
    expect(rms(samples.slice(3200, 12_800))).toBeCloseTo(0.125 / 2 / Math.SQRT2, 3);
  }
});

test('a variable frame rate keeps every frame at its own time', async () => {
  const varying = "setpts='if(lt(N,10),N/25,0.4+(N-10)*0.2)/TB'";
  const clip = await makeClip(file('vfr.mkv'), ...picture(0.8), '-vf', varying, ...h264, '-vsync', 'passthrough');
  const {times} = await read(clip);
  const expected = Array.from({length: 20}, (_, k) => (k < 10 ? k / 25 : 0.4 + (k - 10) * 0.2));
  expect(times).toHaveLength(20);
  times.forEach((time, k) => expect(time).toBeCloseTo(expected[k]!, 3));
});

test('sound that starts after the picture is preceded by silence', async () => {
  const late = ['-itsoffset', '0.5', ...tone(1, 16_000)];
  const clip = await makeClip(file('late.mkv'), ...picture(2), ...late, ...h264, '-c:a', 'pcm_s16le');
  const {samples} = await read(clip);
  expect(samples.findIndex((sample) => sample !== 0)).toBe(8001); // the sine begins with 0
  expect(samples).toHaveLength(24_000);
});

test('sound that starts before the picture is cut, and times count from the first frame', async () => {
  const late = ['-itsoffset', '0.32', ...picture(1)];
  const clip = await makeClip(file('early.mkv'), ...late, ...tone(2, 16_000), ...h264, '-c:a', 'pcm_s16le');
  const {times, samples} = await read(clip);
  expect(times[0]).toBe(0);
  expect(times[1]).toBeCloseTo(0.04, 3);
  expect(samples).toHaveLength(32_000 - 5120);
  const expected = Array.from({length: 1000}, (_, k) => Math.sin((2 * Math.PI * 440 * (k + 5120)) / 16_000) / 8);
  expect(Math.max(...expected.map((value, k) => Math.abs(value - samples[k]!)))).toBeLessThan(1e-4);
});

test('a video without sound gives no audio rows and says so', async () => {
  const clip = await makeClip(file('mute.mp4'), ...picture(1), ...h264);
  const {times, rows, warnings} = await read(clip);
  expect(times).toHaveLength(25);
  expect(rows).toEqual([]);
  expect(warnings).toEqual(['video has no audio stream; its sound is treated as missing']);
});

test('a video of one frame has one row at time 0', async () => {
  const clip = await makeClip(file('one.mp4'), ...picture(1), '-frames:v', '1', ...h264);
  expect((await read(clip)).times).toEqual([0]);
});

test.each([
  'with space.mp4',
  `quotes ' and ".mp4`,
  'ünïcødé 表情.mp4',
  '-leading-dash.mp4',
  '100%d%%.mp4',
  'a:b,c;d[e].mp4',
])('the name %s is no obstacle', async (name) => {
  const clip = await makeClip(file('plain-name.mp4'), ...picture(0.2), ...tone(0.2), ...h264);
  const odd = damaged(clip, file(name), {});
  const {times, warnings} = await read(odd);
  expect([times.length, warnings]).toEqual([5, []]);
});

test('damage in the middle is survived, counted and reported', async () => {
  const clip = await makeClip(file('whole.mp4'), ...picture(3, 25, '320x240'), ...tone(3), ...h264, '-g', '10');
  const broken = damaged(clip, file('broken.mp4'), {at: 40_000, count: 3000});
  const {times, samples, warnings} = await read(broken);
  expect(times.length).toBeGreaterThan(50);
  expect(samples.length).toBeGreaterThan(32_000);
  expect(warnings.join('\n')).toMatch(
    /video is damaged or cut off: \d+ decoding errors?.*frames were decoded and kept/,
  );
});

test('of a file that was cut off, what decodes is kept and the loss is reported', async () => {
  const fast = ['-movflags', '+faststart'];
  const clip = await makeClip(file('fast.mp4'), ...picture(3, 25, '320x240'), ...tone(3), ...h264, ...fast);
  const cut = damaged(clip, file('cut.mp4'), {length: 60_000});
  const {times, warnings} = await read(cut);
  expect(times.length).toBeGreaterThan(5);
  expect(times.length).toBeLessThan(75);
  expect(warnings.join('\n')).toMatch(/video is damaged or cut off/);
});

test('a file cut off before its index is refused with what ffmpeg said', async () => {
  const clip = await makeClip(file('slow.mp4'), ...picture(1), ...tone(1), ...h264);
  const cut = damaged(clip, file('no index.mp4'), {length: 3000});
  await expect(demuxed(cut)).rejects.toMatchObject({
    code: 'unreadable-file',
    message: expect.stringMatching(
      /^"no index.mp4" is not a media file that ffmpeg can read: moov atom not found/,
    ) as string,
    remedy: expect.stringMatching(/again/) as string,
  });
});

test('what is no video is refused: a missing file, a folder, an empty file, text, a file without permission', async () => {
  mkdirSync(file('folder.mp4'));
  writeFileSync(file('empty.mp4'), '');
  writeFileSync(file('text.mp4'), 'valence,arousal\n0,0\n'.repeat(50));
  const refusals = {
    'absent.mp4': /^"absent.mp4" cannot be opened: no such file$/,
    'folder.mp4': /^"folder.mp4" is not a file$/,
    'empty.mp4': /^"empty.mp4" is empty \(0 bytes\)$/,
    'text.mp4': /^"text.mp4" is not a media file that ffmpeg can read: .*Invalid data found/,
  };
  for (const [name, message] of Object.entries(refusals)) {
    await expect(demuxed(file(name))).rejects.toMatchObject({
      code: 'unreadable-file',
      message: expect.stringMatching(message) as string,
    });
  }
});

test.skipIf(process.getuid?.() === 0)('a file that may not be read is refused', async () => {
  writeFileSync(file('secret.mp4'), 'x');
  chmodSync(file('secret.mp4'), 0o000);
  await expect(demuxed(file('secret.mp4'))).rejects.toMatchObject({code: 'unreadable-file'});
});

test('sound alone is no video, even with a cover image', async () => {
  const sound = await makeClip(file('sound.m4a'), ...tone(1));
  const cover = ['-map', '0', '-map', '1', '-c:v', 'png', '-frames:v', '1', '-disposition:v:0', 'attached_pic'];
  const covered = await makeClip(file('cover.mp3'), ...tone(1), ...picture(1), ...cover);
  for (const clip of [sound, covered]) {
    await expect(demuxed(clip)).rejects.toMatchObject({
      code: 'no-video-stream',
      message: `"${path.basename(clip)}" has no video stream`,
    });
  }
});

test('a video stream without a frame is refused', async () => {
  const fast = ['-movflags', '+faststart'];
  const clip = await makeClip(file('rich.mp4'), ...picture(1, 25, '320x240'), ...h264, ...fast);
  const hollow = damaged(clip, file('hollow.mp4'), {length: 2100});
  const refused = await demuxed(hollow).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: 'no-frames',
    message: expect.stringMatching(/^"hollow.mp4" has a video stream but no frame of it could be decoded/) as string,
  });
});

test('a recording that was joined from pieces keeps all frames; where its sound overlaps, it is cut and reported', async () => {
  await makeClip(file('piece.mp4'), ...picture(1), ...tone(1.07), ...h264);
  writeFileSync(file('list.txt'), "file 'piece.mp4'\n".repeat(3));
  const joined = await makeClip(file('joined.mkv'), '-f', 'concat', '-i', file('list.txt'), '-c', 'copy');
  const {times, samples, warnings} = await read(joined);
  expect(times).toHaveLength(75);
  expect(times.every((time, k) => k === 0 || time > times[k - 1]!)).toBe(true);
  // Three times 1.07 s and what the codec pads.
  expect(samples.length / 16_000).toBeGreaterThan(3.15);
  expect(samples.length / 16_000).toBeLessThan(3.4);
  expect(warnings.filter((warning) => !warning.startsWith('overlaps in the time stamps of the audio'))).toEqual([]);
});

test('a stop request ends decoding with the reason of the signal', async () => {
  const clip = await makeClip(file('stop.mp4'), ...picture(2), ...h264);
  const signal = AbortSignal.abort(new Error('stopped by the user'));
  await expect(runStage(demux, {inputs: {video: clip}, signal})).rejects.toThrow('stopped by the user');
});
