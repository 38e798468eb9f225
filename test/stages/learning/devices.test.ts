import {existsSync} from 'node:fs';
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import {describe, expect, test} from 'vitest';
import {chooseDevice, probeDevice, probeDevices} from '../../../stages/learning/devices.js';
import {compile, compileForward} from '../../../stages/learning/engine.js';
import {obstacleTo, refuseMissing, remedyFor} from '../../../stages/learning/obstacles.js';
import type {Arrays, Device, Step} from '../../../stages/learning/program.js';

/** SwiftShader, a Vulkan driver in software, as Debian's chromium-common package carries it; Mesa 22's lacks what Dawn needs. */
const softwareDriver = [
  process.env['VK_DRIVER_FILES'],
  process.env['VK_ICD_FILENAMES'],
  '/usr/lib/chromium/vk_swiftshader_icd.json',
].find((file) => file !== undefined && existsSync(file));

/** w ← w − 0.1 · ∂/∂w mean((relu(x·w) − y)²), with a counter. */
const step: Step = ({w, count, frozen}, {x, y}) => {
  const loss = (): tf.Scalar => {
    const prediction = tf.relu(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D));
    return tf.mean(tf.square(tf.sub(prediction, y!)));
  };
  const {value, grads} = tf.variableGrads(loss, [w as tf.Variable]);
  const next = tf.sub(w!, tf.mul(grads[(w as tf.Variable).name]!, 0.1));
  return {state: {w: next, count: tf.add(count!, tf.scalar(1, 'int32')), frozen: frozen!}, outputs: {loss: value}};
};
const wave = (length: number): Float32Array => Float32Array.from({length}, (_, index) => Math.sin(index + 1));
const state: Arrays = {
  w: {shape: [4, 3], values: wave(12)},
  count: {shape: [], values: Int32Array.of(7)},
  frozen: {shape: [2], values: Float32Array.of(5, 6)},
};
const batch: Arrays = {x: {shape: [6, 4], values: wave(24)}, y: {shape: [6, 3], values: wave(18).reverse()}};
const specs = {
  x: {shape: [6, 4], dtype: 'float32'},
  y: {shape: [6, 3], dtype: 'float32'},
} as const;

async function train(device: Device): Promise<{losses: number[]; state: Arrays}> {
  const program = await compile({step, state, batch: specs}, {device, threads: 1});
  try {
    const losses = [];
    for (let run = 0; run < 3; run++) losses.push((await program.run(batch))['loss']!.values[0]!);
    await program.load({...(await program.state()), count: {shape: [], values: Int32Array.of(40)}});
    await program.run(batch);
    return {losses, state: await program.state()};
  } finally {
    await program.release();
  }
}

describe('probing', () => {
  test('reports every device, with a remedy for each that is missing', async () => {
    const reports = await probeDevices();
    expect(reports.map(({device}) => device)).toEqual(['cuda', 'webgpu', 'tfjs-gpu', 'cpu', 'tfjs']);
    for (const report of reports) {
      expect(report.reason).toMatch(/\.$/);
      expect(report.usable ? report.remedy : typeof report.remedy).toBe(report.usable ? undefined : 'string');
    }
    expect(reports.find(({device}) => device === 'cpu')!.usable).toBe(true);
  });

  test('auto says which device it took, and why not the ones before it', async () => {
    const {device, reason} = await chooseDevice('auto');
    expect(reason).toMatch(/^A training step ran on /);
    if (device === 'cpu') expect(reason).toMatch(/Not cuda: .* Not webgpu: .* Not tfjs-gpu: /);
  });

  test('what this machine lacks is refused before anything is loaded', () => {
    for (const device of ['cuda', 'webgpu', 'tfjs-gpu', 'cpu', 'tfjs'] as const) {
      const refusal = {
        code: 'no-device',
        message: `Device ${device}: ${obstacleTo(device)!}`,
        remedy: remedyFor(device),
      };
      const refuse = expect(() => refuseMissing(device));
      if (obstacleTo(device) === undefined) refuse.not.toThrow();
      else refuse.toThrow(expect.objectContaining(refusal));
    }
    expect(obstacleTo('cpu')).toBeUndefined();
    expect(() => refuseMissing('auto')).not.toThrow();
  });

  test('says which library runs eager steps', async () => {
    const program = await compile({step, state, batch: specs}, {device: 'tfjs', threads: 1});
    expect(program.reason).toMatch(/^tfjs was asked for\. It runs on @tensorflow\/tfjs-(node|backend-wasm)/);
    await program.release();
  });

  test('a device that is asked for and missing is refused, never replaced', async () => {
    for (const device of ['cuda', 'webgpu', 'tfjs-gpu'] as const) {
      const {usable} = await probeDevice(device);
      if (!usable) await expect(train(device)).rejects.toMatchObject({code: 'no-device'});
    }
  });
});

describe('the same step', () => {
  test('gives the same losses and state eagerly as traced', async () => {
    const [traced, eager] = [await train('cpu'), await train('tfjs')];
    expect(traced.state['count']!.values).toEqual(Int32Array.of(41));
    expect(traced.state['frozen']).toEqual(state['frozen']);
    expectClose(eager, traced);
  });

  const title = 'gives the same losses and state on WebGPU as on the CPU';
  const skipped = ' (skipped: no software Vulkan driver; Debian has one in chromium-common)';
  test.skipIf(softwareDriver === undefined)(softwareDriver === undefined ? title + skipped : title, async () => {
    process.env['VK_DRIVER_FILES'] = softwareDriver;
    expectClose(await train('webgpu'), await train('cpu'));
  });

  test('leaves tfjs with the backend that was active and with no more tensors', async () => {
    await tf.setBackend('cpu');
    const {numTensors} = tf.memory();
    await train('tfjs');
    await train('cpu');
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

test('a forward pass gives the same numbers eagerly as traced', async () => {
  const outputs = [];
  for (const device of ['cpu', 'tfjs'] as const) {
    const inference = await compileForward(
      ({w}, {x}) => ({y: tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), sign: tf.greater(x!, 0)}),
      {w: state['w']!},
      {x: specs.x},
      {device, threads: 1},
    );
    outputs.push(await inference.run({x: batch['x']!}));
    await inference.release();
  }
  const [traced, eager] = outputs;
  expect(eager!['sign']).toEqual(traced!['sign']);
  expect(eager!['y']!.values).toHaveLength(18);
  for (const [index, value] of traced!['y']!.values.entries()) expect(eager!['y']!.values[index]).toBeCloseTo(value, 5);
});

function expectClose(a: Awaited<ReturnType<typeof train>>, b: Awaited<ReturnType<typeof train>>): void {
  for (const [index, loss] of a.losses.entries()) expect(loss).toBeCloseTo(b.losses[index]!, 5);
  expect(a.state['count']).toEqual(b.state['count']);
  expect(a.state['frozen']).toEqual(b.state['frozen']);
  for (const [index, value] of a.state['w']!.values.entries()) {
    expect(value).toBeCloseTo(b.state['w']!.values[index]!, 5);
  }
}
