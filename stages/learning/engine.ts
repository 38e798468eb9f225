/**
 * The training engine: a step written in tfjs becomes a program that runs on a device. On `cpu`, `webgpu` and `cuda`
 * the step is traced into one ONNX graph (`trace/`); on `tfjs` and `tfjs-gpu` it runs as it is. Devices, and with them
 * tfjs and ONNX Runtime, are loaded when a program is first compiled.
 */
import type {Arrays, Inference, Program, ProgramOptions, TensorSpecs} from './program.js';
import type {StepDeclaration} from './step.js';
import type {Forward} from './export.js';

export type {Forward, StepDeclaration};

/**
 * Compiles a training step: forward pass, gradients and optimiser become one program that holds the state.
 * State reaches the step as variables, so that `tf.variableGrads` can be asked for their gradients.
 * Throws StageError 'unsupported-op' where the step cannot be traced, 'no-device' where the device cannot run it.
 */
export async function compile(declaration: StepDeclaration, options: ProgramOptions): Promise<Program> {
  const {chooseDevice, deviceOf} = await import('./devices.js');
  const {device, reason} = await chooseDevice(options.device);
  return deviceOf(device).compile(declaration, {threads: options.threads, reason});
}

/** Compiles a forward pass with fixed weights. `forward` may also use tensors that it closed over. */
export async function compileForward(
  forward: Forward,
  weights: Arrays,
  inputs: TensorSpecs,
  options: ProgramOptions,
): Promise<Inference> {
  const {chooseDevice, deviceOf} = await import('./devices.js');
  const {device, reason} = await chooseDevice(options.device);
  return deviceOf(device).load(forward, weights, inputs, {threads: options.threads, reason});
}
