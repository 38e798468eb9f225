import {readFileSync, readdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {expect, test} from 'vitest';
import {locateFfmpeg} from '../../../stages/demux/binary.js';
import {decodeFrames, type FrameRequest, type VideoFrame} from '../../../stages/demux/frames.js';
import {PresentationClock} from '../../../stages/demux/presentation-clock.js';
import {decodeTimeline} from '../../../stages/demux/timeline.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {damaged, h264, makeClip, picture} from './clips.js';

const folder = temporaryFolder();
const file = (name: string) => path.join(folder, name);
const {signal} = new AbortController();

const frames = (request: Omit<FrameRequest, 'signal'>) => collect(decodeFrames({...request, signal}));

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Mean of each channel over the pixels of a frame. */
function meanColour({rgb}: VideoFrame): number[] {
  return [0, 1, 2].map(
    (channel) => rgb.filter((_, k) => k % 3 === channel).reduce((sum, value) => sum + value, 0) / (rgb.length / 3),
  );
}

const colour = (name: string, seconds: number, size = '64x48') => [
  '-f',
  'lavfi',
  '-i',
  `color=${name}:s=${size}:r=25:d=${seconds}`,
];

test('frames come whole, in order, with the times of the timeline', async () => {
  const varying = "setpts='if(lt(N,10),N/25,0.4+(N-10)*0.2)/TB'";
  const clip = await makeClip(file('vfr.mkv'), ...picture(0.8), '-vf', varying, ...h264, '-vsync', 'passthrough');
  const decoded = await frames({path: clip});
  const clock = new PresentationClock();
  const rows = await collect(decodeTimeline({path: clip, threads: 2, signal, clock, warn: () => undefined}));
  expect(decoded.map(({frameIndex, timeSeconds}) => ({frameIndex, timeSeconds}))).toEqual(rows);
  expect(decoded).toHaveLength(20);
  expect(new Set(decoded.map(({width, height, rgb}) => `${width}x${height}: ${rgb.length}`))).toEqual(
    new Set(['64x48: 9216']),
  );
});

test('colours arrive as red, green, blue', async () => {
  const inputs = [...colour('red', 0.2), ...colour('lime', 0.2), ...colour('blue', 0.2)];
  const joined = ['-filter_complex', '[0][1][2]concat=n=3:v=1'];
  const clip = await makeClip(file('colours.mkv'), ...inputs, ...joined, '-c:v', 'ffv1', '-pix_fmt', 'gbrp');
  const means = (await frames({path: clip})).map((frame) => meanColour(frame));
  // Through limited-range YUV, so the last levels are lost.
  const rounded = [means[0], means[7], means[14]].map((mean) => mean?.map((value) => Math.round(value / 10) * 10));
  expect(rounded).toEqual([
    [250, 0, 0],
    [0, 250, 0],
    [0, 0, 250],
  ]);
});

test('frames are scaled on request, and begin where asked', async () => {
  const clip = await makeClip(file('plain.mp4'), ...picture(1), ...h264);
  const all = await frames({path: clip, width: 32, height: 20});
  const tail = await frames({path: clip, width: 32, height: 20, startFrame: 20});
  expect(all.map(({rgb}) => rgb.length)).toEqual(Array.from({length: 25}, () => 32 * 20 * 3));
  expect(tail).toEqual(all.slice(20));
});

test('a video that is to be shown rotated is decoded rotated', async () => {
  const lying = await makeClip(file('lying.mp4'), ...picture(0.2), ...h264);
  const turned = rotated(lying, file('turned.mp4'));
  const [frame] = await frames({path: turned});
  expect([frame?.width, frame?.height]).toEqual([48, 64]);
});

/** Writes a rotation by 90° into the matrix of the track header; ffmpeg's own option for it changed with version 6. */
function rotated(from: string, to: string): string {
  const bytes = readFileSync(from);
  const matrix = bytes.indexOf('tkhd') + 4 + 40;
  const rotation = [0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000];
  rotation.forEach((value, k) => bytes.writeInt32BE(value, matrix + 4 * k));
  writeFileSync(to, bytes);
  return to;
}

test('a size that changes on the way is scaled to the first', async () => {
  const small = await makeClip(file('small.h264'), ...colour('red', 0.2), ...h264);
  const large = await makeClip(file('large.h264'), ...colour('blue', 0.2, '128x96'), ...h264);
  const both = file('both.h264');
  writeFileSync(both, Buffer.concat([readFileSync(small), readFileSync(large)]));
  const decoded = await frames({path: both});
  expect(decoded.map(({rgb}) => rgb.length)).toEqual(Array.from({length: 10}, () => 64 * 48 * 3));
  expect(meanColour(decoded[9]!)[2]).toBeGreaterThan(200);
});

test.runIf(process.platform === 'linux')(
  'a slow consumer holds ffmpeg back, and leaving the loop ends it',
  async () => {
    const clip = await makeClip(file('long.mp4'), ...picture(8, 50, '640x480'), ...h264);
    const before = process.memoryUsage.rss();
    for await (const {frameIndex} of decodeFrames({path: clip, signal})) {
      if (frameIndex === 3) {
        await new Promise((resolve) => setTimeout(resolve, 400));
        // All 400 frames would take 350 MB.
        expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
        expect(runningOn(clip)).toBe(1);
        break;
      }
    }
    await expect.poll(() => runningOn(clip), {timeout: 5000}).toBe(0);
  },
);

/** Processes that decode this clip, where the system shows them as files. */
function runningOn(clip: string): number {
  const commandLine = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return ''; // Ended meanwhile.
    }
  };
  const lines = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(commandLine);
  return lines.filter((line) => line.includes(clip) && line.includes('rawvideo')).length;
}

test.runIf(process.platform === 'linux')(
  'a stop request while frames are read ends ffmpeg and throws the reason',
  async () => {
    const clip = await makeClip(file('stop.mp4'), ...picture(4, 50, '640x480'), ...h264);
    const stop = new AbortController();
    const reading = async () => {
      for await (const {frameIndex} of decodeFrames({path: clip, signal: stop.signal})) {
        if (frameIndex === 2) stop.abort(new Error('stopped by the user'));
      }
    };
    await expect(reading()).rejects.toThrow('stopped by the user');
    await expect.poll(() => runningOn(clip), {timeout: 5000}).toBe(0);
  },
);

test('frames that are damaged are still counted', async () => {
  const clip = await makeClip(file('whole.mp4'), ...picture(2, 25, '320x240'), ...h264, '-g', '10');
  const broken = damaged(clip, file('broken.mp4'), {at: 20_000, count: 2000});
  const warnings: string[] = [];
  const request = {
    threads: 1,
    signal,
    clock: new PresentationClock(),
    warn: (message: string) => void warnings.push(message),
  };
  const rows = await collect(decodeTimeline({path: broken, ...request}));
  const decoded = await frames({path: broken});
  expect(decoded).toHaveLength(rows.length);
  expect(warnings).toHaveLength(1);
});

test('FFMPEG_PATH that names no ffmpeg is an error that says so', async () => {
  await expect(locateFfmpeg(file('nothing-here'))).rejects.toMatchObject({
    code: 'ffmpeg-missing',
    message: expect.stringContaining('nothing-here') as string,
  });
  await expect(locateFfmpeg(process.execPath)).rejects.toMatchObject({code: 'ffmpeg-missing'});
});
