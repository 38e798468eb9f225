/**
 * `npm run bench:extract [-- --minutes 60]`: extraction of one long video, 640 x 360 at 25 frames per second.
 * Time per stage and frame, and the peak memory of the workers with their ffmpeg, for a short and a long video:
 * it must not grow with the length. Reads /proc, so the memory part runs on Linux only.
 */
import {execFileSync, spawn} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {makeDemoDataset} from '../../pipeline/datasets/demo/demo-dataset.js';
import {locateFfmpeg} from '../../stages/demux/binary.js';

declare const BENCH_FOLDER: string;
const launcher = path.resolve(BENCH_FOLDER, '../../pipeline/cli/affectflow.js');
const say = (line: string) => process.stdout.write(`${line}\n`);

const minutesAt = process.argv.indexOf('--minutes');
const longest = minutesAt > 0 ? Number(process.argv[minutesAt + 1]) : 4;
const folder = mkdtempSync(path.join(os.tmpdir(), 'affectflow-bench-'));
try {
  await makeDemoDataset({
    folder: path.join(folder, 'demo'),
    seed: 1,
    subjectCount: 1,
    clipsPerSubject: 1,
    secondsPerClip: 20,
  });
  const clip = path.join(folder, 'demo/videos', readdirSync(path.join(folder, 'demo/videos'))[0]!);
  const short = await extract(clip, longest / 4);
  const long = await extract(clip, longest);
  say(
    `peak memory, ${longest} min against ${longest / 4} min: ${(long / short).toFixed(2)} × (1.00 if it does not grow); limit 1500 MB`,
  );
} finally {
  rmSync(folder, {recursive: true, force: true});
}

/** Extracts all features of a clip repeated to a length; returns the peak memory in MB. */
async function extract(clip: string, minutes: number): Promise<number> {
  const place = path.join(folder, String(minutes));
  for (const name of ['videos', 'annotations', 'transcripts']) mkdirSync(path.join(place, name), {recursive: true});
  const {path: ffmpeg} = await locateFfmpeg();
  const repeated = [
    '-stream_loop',
    '-1',
    '-i',
    clip,
    '-t',
    String(minutes * 60),
    '-r',
    '25',
    '-vf',
    'scale=640:480,crop=640:360',
  ];
  execFileSync(ffmpeg, [
    '-v',
    'error',
    ...repeated,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-c:a',
    'aac',
    path.join(place, 'videos/long.mp4'),
  ]);
  writeFileSync(path.join(place, 'annotations/long.txt'), 'valence,arousal\n0.1,0.2\n');
  writeFileSync(
    path.join(place, 'e.yaml'),
    'name: bench\ndataset: {videos: videos, annotations: annotations, transcripts: transcripts}\nsystems: [rcma]\n',
  );
  const child = spawn(process.execPath, [launcher, 'run', 'e.yaml', '--clips', '*', '--json', '--jobs', '1'], {
    cwd: place,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, memoryBelow(child.pid!))), 200);
  await new Promise((resolve) => child.once('exit', resolve));
  clearInterval(timer);
  const events = out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const frames = minutes * 60 * 25;
  say(`${minutes} min of 640 x 360 (${frames} frames), one task at a time:`);
  for (const event of events) {
    if (event['kind'] !== 'produced') continue;
    const seconds = Number(event['seconds']);
    say(
      `  ${String(event['stage']).padEnd(20)} ${seconds.toFixed(1).padStart(7)} s  ${((1000 * seconds) / frames).toFixed(2).padStart(7)} ms per frame`,
    );
  }
  say(`  peak memory of main process, workers and ffmpeg: ${peak.toFixed(0)} MB`);
  return peak;
}

/** Resident memory in MB of a process and all below it. */
function memoryBelow(root: number): number {
  const parents = new Map<number, {parent: number; kilobytes: number}>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const file = `/proc/${name}/status`;
    if (!existsSync(file)) continue;
    try {
      const status = readFileSync(file, 'utf8');
      parents.set(Number(name), {
        parent: Number(/PPid:\s+(\d+)/.exec(status)?.[1]),
        kilobytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0),
      });
    } catch {
      // The process ended between the two looks.
    }
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && isBelow(parents.get(pid)!.parent));
  return [...parents].reduce((sum, [pid, {kilobytes}]) => sum + (isBelow(pid) ? kilobytes : 0), 0) / 1024;
}
