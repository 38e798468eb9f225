/**
 * `npm run bench:extract`: how fast features are extracted, against what is left when a network does nothing but run; where
 * the time of each stage goes; and whether memory stays flat when a video grows. `--minutes 60` takes an hour of video, sooner with `--detect-every 5` or `--frame-rate 10`,
 * `--only shares|throughput|memory` one part. Ratios within one run; nothing here is a test.
 */
import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {InferenceSession, Tensor} from 'onnxruntime-node';
import type {Digest} from '../../cache/digest.js';
import {makeDemoDataset} from '../../pipeline/datasets/demo/demo-dataset.js';
import {locateFfmpeg} from '../../stages/demux/binary.js';
import {stages} from '../../stages/index.js';
import {keepSessions} from '../../stages/learning/kept-sessions.js';
import {ir50, resNet18, type BenchNetwork} from './backbone-networks.js';
import {resourcesBelow, RunCourse} from './run-course.js';
import {runStageTask, type Cost} from './stage-task.js';

declare const BENCH_FOLDER: string;
const launcher = path.resolve(BENCH_FOLDER, '../../pipeline/cli/affectflow.js');
const say = (line: string) => process.stdout.write(`${line}\n`);
const optionOf = (name: string) => process.argv[process.argv.indexOf(name) + 1 || Infinity];

const frameRateHz = Number(optionOf('--frame-rate') ?? 25);
/** The batch that visual-embedding takes where the network takes any. */
const batchSize = 8;
const minutes = Number(optionOf('--minutes') ?? 4);
/** Faces are looked for in every n-th frame of the long video. */
const detectEvery = Number(optionOf('--detect-every') ?? 1);
const only = optionOf('--only');
const folder = mkdtempSync(path.join(os.tmpdir(), 'affectflow-bench-'));
keepSessions(2);
try {
  const demo = await demoClip();
  if (only === undefined || only === 'shares' || only === 'throughput') await times(demo);
  if (only === undefined || only === 'memory') await memory(demo);
} finally {
  rmSync(folder, {recursive: true, force: true});
}

interface DemoClip {
  readonly video: string;
  readonly annotation: string;
  readonly transcript: string;
}

async function demoClip(): Promise<DemoClip> {
  const at = path.join(folder, 'demo');
  await makeDemoDataset({folder: at, seed: 1, subjectCount: 1, clipsPerSubject: 1, secondsPerClip: 20});
  const only = (name: string) => path.join(at, name, readdirSync(path.join(at, name))[0]!);
  return {video: only('videos'), annotation: only('annotations'), transcript: only('transcripts')};
}

/** Repeats a clip to a length, as 640 x 360 pixels. */
async function repeated(clip: string, seconds: number, file: string): Promise<void> {
  const {path: ffmpeg} = await locateFfmpeg();
  const video = [
    '-r',
    String(frameRateHz),
    '-vf',
    'scale=640:480,crop=640:360',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
  ];
  const source = ['-v', 'error', '-stream_loop', '-1', '-i', clip, '-t', String(seconds)];
  execFileSync(ffmpeg, [...source, ...video, '-c:a', 'aac', file]);
}

/** Half a minute of video, one stage after the other on one thread, and then other backbones on its faces. */
async function times({video: clip, annotation, transcript}: DemoClip): Promise<void> {
  const place = path.join(folder, 'stages');
  for (const name of ['shards', 'manifests', 'scratch']) mkdirSync(path.join(place, name), {recursive: true});
  const video = path.join(place, 'clip.mp4');
  await repeated(clip, 30, video);
  const shards = new Map<string, Digest>();
  const files = {video, annotation, transcript};
  const costs = new Map<string, Cost>();
  let frames = 0;
  for (const stage of stages.filter(({per}) => per === 'clip')) {
    const run = () => runStageTask({stage, files, shards, threads: 1, folder: place});
    // Once to load code and networks, as a worker does with its first task of a stage.
    await run();
    const {cost, manifest} = await run();
    costs.set(stage.name, cost);
    if (stage.name === 'face-alignment') frames = manifest.outputs[0]!.rows;
  }
  if (only !== 'throughput') sayShares(costs, frames);
  if (only === 'shares') return;
  const whole = ['demux', 'face-alignment'].map((name) => costs.get(name)!);
  for (const network of [resNet18(), ir50()]) await throughput(network, {place, shards, frames, whole});
}

function sayShares(costs: ReadonlyMap<string, Cost>, frames: number): void {
  say(`where the time goes: ${frames} frames of 640 x 360, one stage after the other, one thread each`);
  say('                        wall   per frame   processor time in: ffmpeg  networks  elsewhere');
  const sum = {wall: 0, own: 0, decoding: 0, inference: 0};
  for (const [name, cost] of costs) {
    say(`  ${name.padEnd(19)} ${shareLine(cost, frames)}`);
    for (const key of ['wall', 'own', 'decoding', 'inference'] as const) sum[key] += cost[key];
  }
  say(`  ${'all'.padEnd(19)} ${shareLine(sum, frames)}`);
}

function shareLine({wall, own, decoding, inference}: Cost, frames: number): string {
  const total = own + decoding;
  const percent = (seconds: number) => `${((100 * Math.max(0, seconds)) / total).toFixed(1)} %`.padStart(9);
  const perFrame = `${((1000 * wall) / frames).toFixed(2)} ms`.padStart(10);
  return `${wall.toFixed(2).padStart(6)} s ${perFrame} ${' '.repeat(19)}${percent(decoding)} ${percent(inference)} ${percent(own - inference)}`;
}

interface Faces {
  readonly place: string;
  readonly shards: Map<string, Digest>;
  readonly frames: number;
  /** What comes before the embedding of faces. */
  readonly whole: readonly Cost[];
}

/** Times visual-embedding against the same network on inputs in memory, with equal batches and threads. */
async function throughput(network: BenchNetwork, {place, shards, frames, whole}: Faces): Promise<void> {
  const model = path.join(place, 'network.onnx');
  writeFileSync(model, network.file);
  const stage = stages.find(({name}) => name === 'visual-embedding')!;
  const {resizeTo, inputSize} = network;
  const params = {backbone: 'onnx', onnx: {model, resizeTo, inputSize}};
  for (const threads of new Set([1, os.availableParallelism()])) {
    const bare = await bareNetwork(model, {inputSize, threads, frames});
    const run = () => runStageTask({stage, params, files: {}, shards, threads, folder: place});
    const first = await run();
    const [alone, costs] = [[await bare.run()], [first.cost]];
    for (let round = 0; round < 2; round++) {
      costs.push((await run()).cost);
      alone.push(await bare.run());
    }
    await bare.release();
    const best = alone.reduce((a, b) => (b.wall < a.wall ? b : a));
    sayThroughput({network, threads, frames, bare: best, costs, whole: threads === 1 ? whole : []});
  }
}

/** Seconds for all frames. */
interface BareCost {
  readonly wall: number;
  /** Processor time of all threads. */
  readonly processor: number;
}

interface Bare {
  run(): Promise<BareCost>;
  release(): Promise<void>;
}

async function bareNetwork(
  model: string,
  {inputSize, threads, frames}: {inputSize: number; threads: number; frames: number},
): Promise<Bare> {
  const session = await InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const shape = [batchSize, 3, inputSize, inputSize];
  const values = new Float32Array(shape.reduce((product, size) => product * size)).fill(0.1);
  const feeds = {image: new Tensor('float32', values, shape)};
  await session.run(feeds);
  return {
    async run() {
      const [start, before] = [performance.now(), process.cpuUsage()];
      for (let done = 0; done < frames; done += batchSize) await session.run(feeds);
      const {user, system} = process.cpuUsage(before);
      return {wall: (performance.now() - start) / 1000, processor: (user + system) / 1e6};
    },
    release: () => session.release(),
  };
}

interface Measured {
  readonly network: BenchNetwork;
  readonly threads: number;
  readonly frames: number;
  readonly bare: BareCost;
  /** The first includes loading the network. */
  readonly costs: readonly Cost[];
  readonly whole: readonly Cost[];
}

function sayThroughput({network, threads, frames, bare, costs, whole}: Measured): void {
  const [first, ...rest] = costs;
  const best = rest.reduce((a, b) => (b.wall < a.wall ? b : a));
  const rate = (seconds: number) => `${(frames / seconds).toFixed(1)} frames/s`;
  const share = (seconds: number) => `${((100 * seconds) / best.wall).toFixed(1)} %`;
  const between = best.wall - best.inference;
  // What the network does not leave idle, the preparation of its input must share with it.
  const possible = Math.max(bare.wall, (bare.processor + between) / os.availableParallelism());
  const cores = `${threads} thread${threads > 1 ? 's' : ''} of ${os.availableParallelism()} cores`;
  say('');
  say(`${network.name} (${(network.file.length / 1e6).toFixed(0)} MB), ${cores}: bare network ${rate(bare.wall)}`);
  say(
    `  visual-embedding ${rate(best.wall)}: ${share(bare.wall)} of the bare network (target 95 %), ${share(possible)} of what is possible: ${rate(possible)} with all cores at work on network and input`,
  );
  const perFrame = (seconds: number) => `${((1000 * seconds) / frames).toFixed(2)} ms`;
  say(
    `  per frame ${perFrame(best.wall)}: network ${perFrame(best.inference)}, the rest (reading and decoding crops, input, writing) ${perFrame(between)} beside ${perFrame(best.own - best.inference * threads)} of processor time`,
  );
  say(`  loading the network, once per worker: ${Math.max(0, 1000 * (first!.wall - best.wall)).toFixed(0)} ms`);
  if (whole.length === 0) return;
  const wall = whole.reduce((sum, cost) => sum + cost.wall, best.wall);
  const inside = whole.reduce((sum, cost) => sum + cost.inference, best.inference);
  say(
    `  with demux and face-alignment before it ${rate(wall)}, all networks alone ${rate(inside)}: ${((100 * inside) / wall).toFixed(1)} %`,
  );
}

/** Extracts all features from two lengths of video through the command line and compares the peaks of memory. */
async function memory({video}: DemoClip): Promise<void> {
  const shortMinutes = Math.min(minutes / 4, 5);
  const short = await extract(video, shortMinutes);
  const long = await extract(video, minutes);
  say(
    `peak memory, ${minutes} min against ${shortMinutes} min: ${(long / short).toFixed(2)} × (1.00 if it does not grow); limit 1500 MB`,
  );
}

/** Extracts all features of a clip repeated to a length; returns the peak memory in MB. */
async function extract(clip: string, minutes: number): Promise<number> {
  const place = path.join(folder, String(minutes));
  for (const name of ['videos', 'annotations', 'transcripts']) mkdirSync(path.join(place, name), {recursive: true});
  await repeated(clip, minutes * 60, path.join(place, 'videos/long.mp4'));
  writeFileSync(path.join(place, 'annotations/long.txt'), 'valence,arousal\n0.1,0.2\n');
  writeFileSync(
    path.join(place, 'e.yaml'),
    'name: bench\ndataset: {videos: videos, annotations: annotations, transcripts: transcripts}\nsystems: [rcma]\n' +
      `stages: {face-alignment: {detectEvery: ${detectEvery}}}\n`,
  );
  const child = spawn(process.execPath, [launcher, 'run', 'e.yaml', '--clips', '*', '--json', '--jobs', '1'], {
    cwd: place,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const course = new RunCourse();
  createInterface({input: child.stdout}).on(
    'line',
    (line) => line.startsWith('{') && course.hear(JSON.parse(line) as never),
  );
  const timer = setInterval(() => course.see(resourcesBelow(child.pid!)), 200);
  await new Promise((resolve) => child.once('close', resolve));
  clearInterval(timer);
  const frames = minutes * 60 * frameRateHz;
  say(
    `${minutes} min of 640 x 360 (${frames} frames), one task at a time; ms per frame, and ms of processor time per frame in each quarter:`,
  );
  for (const line of course.lines(frames)) say(line);
  say(`  peak memory of main process, workers and ffmpeg: ${course.peak.toFixed(0)} MB`);
  return course.peak;
}
