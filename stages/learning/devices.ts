/**
 * The devices a program can run on. A device is usable when a small training step has really run on it and given the
 * right numbers; whatever is missing is told with its remedy.
 */
import * as tf from '@tensorflow/tfjs';
import {compileEager, eagerBackend, loadEager} from './eager.js';
import type {EagerDevice} from './eager.js';
import {obstacleTo, refuseMissing, remedyFor, softwareDriver} from './obstacles.js';
import type {Provider} from './onnx/session.js';
import type {Arrays, Device, Inference, Program, Step, TensorSpecs} from './program.js';
import {specsOf} from './records.js';
import type {StepDeclaration} from './step.js';
import {exportForward} from './export.js';
import type {Forward} from './export.js';
import {compileSeveral} from './several-steps.js';
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
  /** Why `auto` leaves it alone although it may work. */
  readonly reservation?: () => string | undefined;
  readonly compile: (declaration: StepDeclaration, options: RunOptions) => Promise<Program>;
  readonly load: (forward: Forward, weights: Arrays, inputs: TensorSpecs, options: RunOptions) => Promise<Inference>;
  /** What runs the steps, for the report. */
  readonly describe: () => Promise<string>;
}

const traced = (provider: Provider, name: string): DeviceDeclaration => ({
  compile: (declaration, options) => compileTraced(declaration, {provider, ...options}),
  load: (forward, weights, inputs, options) =>
    loadTraced(exportForward(forward, weights, inputs), {provider, threads: options.threads}),
  describe: () => Promise.resolve(name),
});

const eager = (device: EagerDevice): DeviceDeclaration => ({
  compile: async (declaration, {reason, threads}) => {
    const backend = await eagerBackend(device, threads);
    const known = reason.includes(backend.library);
    return compileEager(declaration, backend, known ? reason : `${reason} It runs on ${backend.library}.`);
  },
  load: async (forward, weights, _, {threads}) => loadEager(forward, weights, await eagerBackend(device, threads)),
  describe: async () => (await eagerBackend(device, 1)).library,
});

/** In the order in which `auto` tries them. */
const declarations: Readonly<Record<Device, DeviceDeclaration>> = {
  cuda: {
    ...traced('cuda', "ONNX Runtime's CUDA provider"),
    // onnxruntime-node keeps outputs on a device for WebGPU alone.
    compile: (declaration, options) => compileSeveral(declaration, {provider: 'cuda', ...options}),
  },
  webgpu: {...traced('webgpu', "ONNX Runtime's WebGPU provider"), reservation: softwareDriver},
  'tfjs-gpu': eager('tfjs-gpu'),
  cpu: traced('cpu', "ONNX Runtime's CPU provider"),
  tfjs: eager('tfjs'),
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
  const missing = obstacleTo(device);
  if (missing !== undefined) return {device, usable: false, reason: missing, remedy: remedyFor(device)};
  try {
    await runProbe(device);
    const described = await declarations[device].describe();
    return {device, usable: true, reason: `A training step ran on ${described.replace(/\.$/, '')}.`};
  } catch (error) {
    // What went wrong in a library says nothing of what to install; what the probe itself found does.
    const own = error instanceof StageError && error.cause === undefined;
    return {device, usable: false, reason: sentenceOf(error), remedy: own ? error.remedy : remedyFor(device)};
  }
}

/** The first line of a message, without the places in ONNX Runtime's sources. */
function sentenceOf(error: unknown): string {
  const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
  return `${line!.replace(/\/\S+\.cc:\d+ .*was false\. /, '').replace(/\.$/, '')}.`;
}

/**
 * The device to use, and why. `auto` takes the first in the order above that runs the probe; a device that was asked
 * for is used or fails, and is never replaced. Throws StageError 'no-device'.
 */
export async function chooseDevice(requested: Device | 'auto'): Promise<{device: Device; reason: string}> {
  if (requested !== 'auto') {
    refuseMissing(requested);
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
  throw new StageError('no-device', `No device can train. ${refused.join(' ')}`, remedyFor('cpu'));
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
