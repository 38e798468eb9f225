/**
 * The devices a program can run on. A device is usable when a small training step has really run on it and given the
 * right numbers; whatever is missing is told with its remedy.
 */
import {existsSync, readdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import {compileEager, eagerBackend, loadEager, nativeRemedy} from './eager.js';
import type {EagerDevice} from './eager.js';
import type {Provider} from './onnx/session.js';
import type {Arrays, Device, Inference, Program, Step, TensorSpecs} from './program.js';
import {specsOf} from './records.js';
import type {StepDeclaration} from './step.js';
import {exportForward} from './export.js';
import type {Forward} from './export.js';
import {compileTraced, loadTraced} from './traced.js';
import {StageError} from '../errors.js';

export interface DeviceReport {
  readonly device: Device;
  readonly usable: boolean;
  /** What was found, as one sentence. */
  readonly reason: string;
  /** What would make it usable; absent where it is. */
  readonly remedy?: string;
}

export interface RunOptions {
  readonly threads: number;
  readonly reason: string;
}

interface DeviceDeclaration {
  readonly remedy: string;
  /** Why there is no use in trying, found without loading anything; undefined where a try is worth it. */
  readonly obstacle: () => string | undefined;
  /** Why `auto` leaves it alone although it may work. */
  readonly reservation?: () => string | undefined;
  readonly compile: (declaration: StepDeclaration, options: RunOptions) => Promise<Program>;
  readonly load: (forward: Forward, weights: Arrays, inputs: TensorSpecs, options: RunOptions) => Promise<Inference>;
  /** What runs the steps, for the report. */
  readonly describe: () => Promise<string>;
}

const traced = (
  provider: Provider,
  {name, ...declared}: Pick<DeviceDeclaration, 'remedy' | 'obstacle' | 'reservation'> & {name: string},
): DeviceDeclaration => ({
  ...declared,
  compile: (declaration, options) => compileTraced(declaration, {provider, ...options}),
  load: (forward, weights, inputs, options) =>
    loadTraced(exportForward(forward, weights, inputs), {provider, threads: options.threads}),
  describe: () => Promise.resolve(name),
});

const eager = (device: EagerDevice, remedy: string): DeviceDeclaration => ({
  remedy,
  obstacle: () => undefined,
  compile: async (declaration, {reason, threads}) =>
    compileEager(declaration, await eagerBackend(device, threads), reason),
  load: async (forward, weights, _, {threads}) => loadEager(forward, weights, await eagerBackend(device, threads)),
  describe: async () => (await eagerBackend(device, 1)).library,
});

/** In the order in which `auto` tries them. */
const declarations: Readonly<Record<Device, DeviceDeclaration>> = {
  cuda: traced('cuda', {
    name: "ONNX Runtime's CUDA provider",
    remedy: 'Run npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12 on a machine with CUDA 12 and cuDNN 9.',
    obstacle: cudaObstacle,
  }),
  webgpu: traced('webgpu', {
    name: "ONNX Runtime's WebGPU provider",
    remedy: "Install the graphics card's driver with Vulkan; vulkaninfo --summary must list the card.",
    obstacle: webgpuObstacle,
    reservation: softwareDriver,
  }),
  'tfjs-gpu': eager('tfjs-gpu', nativeRemedy('@tensorflow/tfjs-node-gpu')),
  cpu: traced('cpu', {
    name: "ONNX Runtime's CPU provider",
    remedy: 'Reinstall onnxruntime-node with npm rebuild onnxruntime-node.',
    obstacle: () => undefined,
  }),
  tfjs: eager('tfjs', nativeRemedy('@tensorflow/tfjs-node')),
};

export function deviceOf(device: Device): DeviceDeclaration {
  return declarations[device];
}

/** Tries every device and reports what was found, for `affectflow doctor`. */
export async function probeDevices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  // One after the other: tfjs has one active backend at a time.
  for (const device of Object.keys(declarations) as Device[]) reports.push(await probeDevice(device));
  return reports;
}

/** Runs a real training step on a device and compares its numbers. */
export async function probeDevice(device: Device): Promise<DeviceReport> {
  const {remedy, obstacle, describe} = declarations[device];
  const missing = obstacle();
  if (missing !== undefined) return {device, usable: false, reason: missing, remedy};
  try {
    await runProbe(device);
    return {device, usable: true, reason: `A training step ran on ${(await describe()).replace(/\.$/, '')}.`};
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    return {device, usable: false, reason, remedy: error instanceof StageError ? error.remedy : remedy};
  }
}

/**
 * The device to use, and why. `auto` takes the first in the order above that runs the probe; a device that was asked
 * for is used or fails, and is never replaced. Throws StageError 'no-device'.
 */
export async function chooseDevice(requested: Device | 'auto'): Promise<{device: Device; reason: string}> {
  if (requested !== 'auto') {
    const {obstacle, remedy} = declarations[requested];
    const missing = obstacle();
    if (missing !== undefined) throw new StageError('no-device', `Device ${requested}: ${missing}`, remedy);
    return {device: requested, reason: `${requested} was asked for.`};
  }
  const refused: string[] = [];
  for (const device of Object.keys(declarations) as Device[]) {
    const reservation = declarations[device].reservation?.();
    const {usable, reason} =
      reservation === undefined ? await knownReport(device) : {usable: false, reason: reservation};
    if (usable) return {device, reason: [reason, ...refused].join(' ')};
    refused.push(`Not ${device}: ${reason}`);
  }
  throw new StageError('no-device', `No device can train. ${refused.join(' ')}`, declarations.cpu.remedy);
}

/** What a device can do does not change while a process runs. */
const reports = new Map<Device, Promise<DeviceReport>>();

function knownReport(device: Device): Promise<DeviceReport> {
  const known = reports.get(device) ?? probeDevice(device);
  reports.set(device, known);
  return known;
}

/** One step of gradient descent on ½(x·w)² with x = 3: w ← w − 0.1 · 9 w. */
const probeStep: Step = ({w}, {x}) => {
  const loss = (): tf.Scalar => tf.sum(tf.mul(tf.square(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D)), 0.5));
  const {value, grads} = tf.variableGrads(loss, [w as tf.Variable]);
  return {state: {w: tf.sub(w!, tf.mul(grads[(w as tf.Variable).name]!, 0.1))}, outputs: {loss: value}};
};

async function runProbe(device: Device): Promise<void> {
  const state: Arrays = {w: {shape: [1, 1], values: Float32Array.of(2)}};
  const batch: Arrays = {x: {shape: [1, 1], values: Float32Array.of(3)}};
  const declaration = {step: probeStep, state, batch: specsOf(batch)};
  const program = await declarations[device].compile(declaration, {threads: 1, reason: 'probe'});
  try {
    const {loss} = await program.run(batch);
    const {w} = await program.state();
    const seen = [loss!.values[0]!, w!.values[0]!];
    const right = Math.abs(seen[0]! - 18) < 1e-3 && Math.abs(seen[1]! - 0.2) < 1e-4;
    if (right) return;
    throw new StageError(
      'no-device',
      `A training step on ${device} gave loss ${String(seen[0])} and weight ${String(seen[1])} instead of 18 and 0.2.`,
      'Update the driver of the graphics card, or use --device cpu.',
    );
  } finally {
    await program.release();
  }
}

function cudaObstacle(): string | undefined {
  if (process.platform !== 'linux') return "ONNX Runtime's npm package has no CUDA provider for this system.";
  if (!existsSync('/dev/nvidiactl') && !existsSync('/dev/dxg')) return 'No NVIDIA card was found.';
  const library = path.join(
    path.dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    `bin/napi-v6/linux/${process.arch}/libonnxruntime_providers_cuda.so`,
  );
  return existsSync(library) ? undefined : 'The CUDA files of ONNX Runtime are not installed beside it.';
}

/** Software drivers of Vulkan, which are slower than the CPU provider. */
const SOFTWARE_DRIVER = /swiftshader|lvp|llvmpipe|lavapipe/i;

/** On Linux, Vulkan needs a card's device file, unless drivers are named by hand, as the tests do. */
function webgpuObstacle(): string | undefined {
  if (process.platform !== 'linux' || namedDrivers() !== undefined) return undefined;
  return hasCard() ? undefined : 'No graphics card was found.';
}

function softwareDriver(): string | undefined {
  const drivers = namedDrivers();
  const software = drivers !== undefined && SOFTWARE_DRIVER.test(drivers);
  return software ? 'Vulkan is set to a software driver, which is slower than the CPU itself.' : undefined;
}

/** Machine settings of the Vulkan loader; they choose where a program runs, never what it computes. */
function namedDrivers(): string | undefined {
  return process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'];
}

function hasCard(): boolean {
  const cards = existsSync('/dev/dri') ? readdirSync('/dev/dri').filter((name) => name.startsWith('renderD')) : [];
  return cards.length > 0 || existsSync('/dev/nvidiactl') || existsSync('/dev/dxg');
}
