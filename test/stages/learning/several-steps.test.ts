import * as tf from '@tensorflow/tfjs';
import {describe, expect, test} from 'vitest';
import {compileSeveral} from '../../../stages/learning/several-steps.js';
import type {Arrays, Program, Step} from '../../../stages/learning/program.js';
import {compileTraced} from '../../../stages/learning/traced.js';
import {runSteps} from '../../../stages/learning/training-loop.js';
import {rcma, scalarsOf} from '../../bench/engine-models.js';

const options = {provider: 'cpu', threads: 1, reason: 'a test asked for it'} as const;
const small = rcma({windows: 2, length: 20, features: {a: 6, v: 8, t: 10}, channels: [8, 6], hidden: 7});

/** Batches that differ in everything, Adam's scalars included. */
const batchOf = (step: number): Arrays => ({
  ...small.batch,
  ...scalarsOf({learningRate: 1e-3 / (step + 1), step: step + 1}),
  a: {shape: [2, 20, 6], values: small.batch['a']!.values.map((value) => value * Math.cos(step))},
});

/** A counter, a weight, and state that stays as it is. */
const counting: Step = ({w, count, frozen}, {x}) => ({
  state: {w: tf.add(w!, tf.mul(x!, frozen!)), count: tf.add(count!, tf.scalar(2, 'int32')), frozen: frozen!},
  outputs: {loss: tf.sum(w!), count: count!},
});
const counted = {
  step: counting,
  state: {
    w: {shape: [2], values: Float32Array.of(1, 2)},
    count: {shape: [], values: Int32Array.of(5)},
    frozen: {shape: [2], values: Float32Array.of(10, 100)},
  },
  batch: {x: {shape: [], dtype: 'float32'}} as const,
};
const x = (value: number): Arrays => ({x: {shape: [], values: Float32Array.of(value)}});

describe('several steps in one call', () => {
  test('give the losses and the state of as many single steps, to the bit', async () => {
    const [one, several] = [
      await compileTraced(small.declaration, options),
      await compileSeveral(small.declaration, options),
    ];
    const batches = Array.from({length: 5}, (_, step) => batchOf(step));
    const expected: Arrays[] = [];
    for (const batch of batches) expected.push(await one.run(batch));
    const outputs = [...(await several.runSteps!(batches.slice(0, 3))), await several.run(batches[3]!)];
    outputs.push(...(await several.runSteps!([batches[4]!])));
    expect(outputs).toEqual(expected);
    expect(await several.state()).toEqual(await one.state());
    expect(new Set(expected.map(({loss}) => loss!.values[0])).size).toBe(5);
    await Promise.all([one.release(), several.release()]);
  });

  test('count, leave frozen state alone, and go on from state that is loaded', async () => {
    const program = await compileSeveral(counted, options);
    const outputs = await program.runSteps!([x(1), x(2), x(3)]);
    expect(outputs.map(({count}) => count!.values[0])).toEqual([5, 7, 9]);
    expect(outputs.map(({loss}) => loss!.values[0])).toEqual([3, 113, 333]);
    const state = await program.state();
    expect(state).toEqual({
      w: {shape: [2], values: Float32Array.of(61, 602)},
      count: {shape: [], values: Int32Array.of(11)},
      frozen: counted.state.frozen,
    });
    await program.load({...state, count: {shape: [], values: Int32Array.of(40)}});
    expect((await program.run(x(0)))['count']!.values).toEqual(Int32Array.of(40));
    expect((await program.state())['w']!.values).toEqual(Float32Array.of(61, 602));
    await expect(program.run({x: {shape: [1], values: Float32Array.of(1)}})).rejects.toMatchObject({
      code: 'wrong-shape',
    });
    await program.release();
  });

  test('make the epochs that single steps make, also where the batches do not fill the calls', async () => {
    const [one, several] = [
      await compileTraced(small.declaration, options),
      await compileSeveral(small.declaration, options),
    ];
    const epoch = async (program: Program) => {
      const recycled: Arrays[] = [];
      const loss = await runSteps(program, {
        stage: 'fusion-training',
        epoch: 0,
        batchCount: 11,
        signal: new AbortController().signal,
        prepare: (step) => Promise.resolve(batchOf(step)),
        recycle: (arrays) => void recycled.push(arrays),
      });
      return {loss, recycled: recycled.length, state: await program.state()};
    };
    expect(several.stepsPerCall).toBeLessThan(11);
    expect(await epoch(several)).toEqual(await epoch(one));
    await Promise.all([one.release(), several.release()]);
  });
});
