/**
 * `npm run bench:engine`: training steps of the traced engine against PyTorch and against tfjs on WebAssembly, as
 * ratios within one run, since machines differ and are shared. Options: --models published,rcma,resnet18,ir50  --threads 2
 * --rounds 7  --compiled (also torch.compile)  --no-wasm  --no-memory  --python python3
 */
import {spawn, spawnSync} from 'node:child_process';
import type {ChildProcessWithoutNullStreams} from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import readline from 'node:readline';
import {parseArgs} from 'node:util';
import * as ort from 'onnxruntime-node';
import {compile} from '../../stages/learning/engine.js';
import {encodeModel} from '../../stages/learning/onnx/model.js';
import type {GraphProto} from '../../stages/learning/onnx/model.js';
import {assign, BoundSession, createSession, emptyTensor, writingInPlace} from '../../stages/learning/onnx/session.js';
import {nodeProto, valueInfo} from '../../stages/learning/onnx/tensor.js';
import {traceStep} from '../../stages/learning/traced.js';
import * as models from './engine-models.js';
import type {BenchModel} from './engine-models.js';

declare const BENCH_FOLDER: string;

const {values: options} = parseArgs({
  options: {
    models: {type: 'string', default: 'published,rcma,resnet18,ir50'},
    threads: {type: 'string', default: String(os.availableParallelism())},
    rounds: {type: 'string', default: '7'},
    compiled: {type: 'boolean', default: false},
    'no-wasm': {type: 'boolean', default: false},
    'no-memory': {type: 'boolean', default: false},
    python: {type: 'string', default: 'python3'},
  },
});
const threads = Number(options.threads);
const rounds = Number(options.rounds);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

/** PyTorch in a process of its own, which answers one request at a time. */
class Torch {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string) {
    this.#process = spawn(python, [path.join(BENCH_FOLDER, 'engine.py'), String(threads)]);
    this.#lines = readline.createInterface({input: this.#process.stdout})[Symbol.asyncIterator]();
  }

  static isInstalled(python: string): boolean {
    return spawnSync(python, ['-c', 'import torch']).status === 0;
  }

  async answer(): Promise<unknown> {
    const {value, done} = await this.#lines.next();
    if (done === true) throw new Error(`${options.python}: engine.py ended`);
    return JSON.parse(value);
  }

  /** Seconds of the second of two steps, so that caches are warm for both sides alike. */
  async step(model: string, mode: 'eager' | 'compiled'): Promise<number> {
    this.#process.stdin.write(`${model} ${mode} 2\n`);
    const steps = (await this.answer()) as {seconds: number}[];
    return steps[1]!.seconds;
  }

  stop(): void {
    this.#process.kill();
  }
}

/** Multiplications and additions of products and convolutions in a graph. */
function operationsOf({
  node = [],
  input = [],
  output = [],
  valueInfo: values = [],
  initializer = [],
}: GraphProto): number {
  const shapes = new Map<string, readonly number[]>(initializer.map(({name, dims}) => [name!, dims ?? []]));
  for (const {name, type} of [...input, ...output, ...values]) {
    shapes.set(
      name!,
      type!.tensorType!.shape!.dim!.map(({dimValue}) => dimValue ?? 1),
    );
  }
  const size = (shape: readonly number[]): number => shape.reduce((product, each) => product * each, 1);
  const ofNode = ({
    opType,
    input: read = [],
    output: [written] = [],
    attribute = [],
  }: (typeof node)[number]): number => {
    const [a, b, y] = [shapes.get(read[0]!), shapes.get(read[1]!), shapes.get(written!)];
    if (opType === 'MatMul' || opType === 'FusedMatMul' || opType === 'Gemm') {
      const turned = attribute.some(({name, i}) => name === 'transA' && i === 1);
      return 2 * size(y!) * a!.at(turned ? -2 : -1)!;
    }
    if (opType === 'Conv') return 2 * size(y!) * size(b!.slice(1));
    return opType === 'ConvTranspose' ? 2 * size(a!) * size(b!.slice(1)) : 0;
  };
  return node.reduce((sum, each) => sum + ofNode(each), 0);
}

/** A square product, whose speed is the machine's limit for a step: the fastest of ten, as threads of others fade out. */
async function openProduct(): Promise<{seconds: () => Promise<number>; operations: number}> {
  const [size, repetitions] = [1024, 10];
  const shape = [size, size];
  const model = writingInPlace({
    irVersion: 8,
    opsetImport: [{domain: '', version: 18}],
    graph: {
      name: 'product',
      node: [nodeProto('MatMul', ['a', 'b'], ['y'])],
      input: ['a', 'b'].map((name) => valueInfo(name, 'float32', shape)),
      output: [valueInfo('y', 'float32', shape)],
    },
  });
  const bound = new BoundSession(await createSession(encodeModel(model), {provider: 'cpu', threads}));
  const ones = new ort.Tensor('float32', new Float32Array(size * size).fill(1), shape);
  assign(bound.feeds, {a: ones, b: ones}, (name) => name);
  bound.fetches['y'] = emptyTensor({shape, dtype: 'float32'});
  const fastest = async (): Promise<number> => {
    const times: number[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) times.push(await seconds(() => bound.run()));
    return Math.min(...times);
  };
  return {operations: 2 * size ** 3, seconds: fastest};
}

async function benchModel(name: string, torch: Torch | undefined): Promise<void> {
  const create = (models as unknown as Record<string, () => BenchModel>)[name]!;
  const {declaration, batch} = create();
  let program = await compile(declaration, {device: 'cpu', threads});
  await program.release();
  const startSeconds = await seconds(async () => {
    program = await compile(declaration, {device: 'cpu', threads});
  });
  const graph = traceStep(declaration, 'cpu').model.graph!;
  const operations = operationsOf(graph);
  // What the step would take without convolutions by fewer products, as PyTorch computes it.
  const directly = operationsOf(traceStep(declaration, 'any').model.graph!);
  const product = await openProduct();
  const modes = torch === undefined ? [] : options.compiled ? (['eager', 'compiled'] as const) : (['eager'] as const);
  for (const mode of modes) await torch!.step(name, mode);
  await program.run(batch);

  const times = {traced: [] as number[], share: [] as number[], eager: [] as number[], compiled: [] as number[]};
  for (let round = 0; round < rounds; round++) {
    await program.run(batch);
    const traced = await seconds(() => program.run(batch));
    times.traced.push(traced);
    times.share.push(operations / traced / (product.operations / (await product.seconds())));
    for (const mode of modes) times[mode].push((await torch!.step(name, mode)) / traced);
  }
  await program.release();
  say(
    `${name}: ${median(times.traced).toFixed(3)} s a step; ${(operations / 1e9).toFixed(1)} GFLOP ` +
      `for ${(directly / 1e9).toFixed(1)} with direct convolutions, ${String(graph.node!.length)} nodes`,
  );
  const share = median(times.share);
  say(
    `  ${percent(share)} of the rate of a 1024 × 1024 product, ${percent((share * directly) / operations)} with those of direct convolutions`,
  );
  say(`  trace and session: ${startSeconds.toFixed(2)} s`);
  for (const mode of modes) say(`  PyTorch ${mode}: ${median(times[mode]).toFixed(2)} × the time of the traced step`);
  if (name === 'rcma' && !options['no-wasm']) await benchWebAssembly({declaration, batch}, median(times.traced));
}

/** One eager step on WebAssembly, which takes long enough to be timed once. */
async function benchWebAssembly({declaration, batch}: BenchModel, tracedSeconds: number): Promise<void> {
  const program = await compile(declaration, {device: 'tfjs', threads});
  const eager = await seconds(() => program.run(batch));
  await program.release();
  say(`  tfjs eager (WebAssembly, one thread): ${(eager / tracedSeconds).toFixed(0)} × the time of the traced step`);
}

/** Sizes of RCMA of which 1,000 steps take seconds. */
const memorySizes = [
  {windows: 2, length: 20, features: {a: 6, v: 8, t: 10}, channels: [8, 6], hidden: 7},
  {windows: 4, length: 50, features: {a: 16, v: 32, t: 48}, channels: [32, 32], hidden: 16},
  {windows: 8, length: 60, features: {a: 64, v: 128, t: 128}, channels: [64, 64], hidden: 32},
];

/** Memory of the process after 50 and after 1,000 steps, as it is: no collection of garbage is asked for. */
async function benchMemory(sizes: models.RcmaSizes): Promise<void> {
  const {declaration, batch} = models.rcma(sizes);
  const program = await compile(declaration, {device: 'cpu', threads});
  const megabytes: number[] = [];
  for (let step = 1; step <= 1000; step++) {
    await program.run(batch);
    if (step === 50 || step === 1000) megabytes.push(process.memoryUsage.rss() / 2 ** 20);
  }
  await program.release();
  const [early, late] = megabytes as [number, number];
  say(
    `memory of RCMA, ${String(sizes.windows)} × ${String(sizes.length)} frames: ${early.toFixed(0)} MB after 50 steps, ` +
      `${late.toFixed(0)} MB after 1,000 (${(100 * (late / early - 1)).toFixed(1)} %)`,
  );
}

const torch = Torch.isInstalled(options.python) ? new Torch(options.python) : undefined;
try {
  if (torch === undefined) say(`PyTorch is skipped: ${options.python} has no torch (--python names another)`);
  else say(`PyTorch: ${JSON.stringify(await torch.answer())}`);
  say(`${os.cpus()[0]!.model}, ${String(threads)} threads, medians of ${String(rounds)} interleaved rounds`);
  if (!options['no-memory']) for (const sizes of memorySizes) await benchMemory(sizes);
  for (const name of options.models.split(',')) await benchModel(name, torch);
} finally {
  torch?.stop();
}
