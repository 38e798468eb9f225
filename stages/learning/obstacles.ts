/**
 * What stands in the way of a device, found without loading any library, so that a command can refuse before it has
 * computed anything.
 */
import {existsSync, readdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import process from 'node:process';
import type {Device} from './program.js';
import {StageError} from '../errors.js';

interface Requirements {
  readonly remedy: string;
  /** Why there is no use in trying; undefined where a try is worth it. */
  readonly obstacle: () => string | undefined;
}

const requirements: Readonly<Record<Device, Requirements>> = {
  cuda: {
    remedy: 'Run npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12 on a machine with CUDA 12 and cuDNN 9.',
    obstacle: cudaObstacle,
  },
  webgpu: {
    remedy: "Install the graphics card's driver with Vulkan; vulkaninfo --summary must list the card.",
    obstacle: webgpuObstacle,
  },
  'tfjs-gpu': {
    remedy: nativeRemedy('@tensorflow/tfjs-node-gpu'),
    obstacle: () => packageObstacle('@tensorflow/tfjs-node-gpu'),
  },
  cpu: {remedy: 'Reinstall onnxruntime-node with npm rebuild onnxruntime-node.', obstacle: () => undefined},
  // Without tfjs-node there is WebAssembly.
  tfjs: {remedy: nativeRemedy('@tensorflow/tfjs-node'), obstacle: () => undefined},
};

/** What would make a device usable. */
export const remedyFor = (device: Device): string => requirements[device].remedy;

export const obstacleTo = (device: Device): string | undefined => requirements[device].obstacle();

/** Throws StageError 'no-device' where there is no use in trying a device. `auto` always finds one. */
export function refuseMissing(device: Device | 'auto'): void {
  const missing = device === 'auto' ? undefined : obstacleTo(device);
  if (device === 'auto' || missing === undefined) return;
  throw new StageError('no-device', `Device ${device}: ${missing}`, remedyFor(device));
}

/** What makes a native backend of tfjs available. */
export function nativeRemedy(library: string): string {
  const build = `affectflow build-tfjs-node${library.endsWith('-gpu') ? ' --gpu' : ''}`;
  return `Install ${library} and run ${build} (see stages/learning/README.md), or use --device cpu.`;
}

export function isInstalled(library: string): boolean {
  try {
    createRequire(import.meta.url).resolve(library);
    return true;
  } catch {
    return false;
  }
}

const packageObstacle = (library: string): string | undefined =>
  isInstalled(library) ? undefined : `${library} is not installed.`;

function cudaObstacle(): string | undefined {
  if (process.platform !== 'linux') return "ONNX Runtime's npm package has no CUDA provider for this system.";
  if (!existsSync('/dev/nvidiactl') && !existsSync('/dev/dxg')) return 'No NVIDIA card was found.';
  const library = path.join(
    path.dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    `bin/napi-v6/linux/${process.arch}/libonnxruntime_providers_cuda.so`,
  );
  return existsSync(library) ? undefined : 'The CUDA files of ONNX Runtime are not installed beside it.';
}

/** On Linux, Vulkan needs a card's device file, unless drivers are named by hand, as the tests do. */
function webgpuObstacle(): string | undefined {
  if (process.platform !== 'linux' || namedDrivers() !== undefined) return undefined;
  return hasCard() ? undefined : 'No graphics card was found.';
}

/** Software drivers of Vulkan, which are slower than the CPU provider. */
const SOFTWARE_DRIVER = /swiftshader|lvp|llvmpipe|lavapipe/i;

/** Why `auto` leaves WebGPU alone although it may work. */
export function softwareDriver(): string | undefined {
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
