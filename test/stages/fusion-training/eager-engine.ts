/** Runs steps eagerly on tfjs's own CPU backend: slow, but with no tracing between an equation and its numbers. */
import * as tf from '@tensorflow/tfjs';
import {installGradients} from '../../../stages/learning/gradients.js';
import type {Arrays, Tensors} from '../../../stages/learning/program.js';
import type {Engine} from '../../../stages/fusion-training/training.js';

export const toTensors = (arrays: Arrays): Tensors =>
  Object.fromEntries(Object.entries(arrays).map(([name, {shape, values}]) => [name, tf.tensor(values, [...shape])]));

export const toArrays = (tensors: Tensors): Arrays =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      {shape: tensor.shape, values: tensor.dataSync<'float32'>().slice()},
    ]),
  );

/** Runs a function of tensors on arrays and disposes of all that it made. */
export function eagerly(inputs: readonly Arrays[], run: (...tensors: Tensors[]) => Tensors): Arrays {
  tf.env().set('IS_TEST', true);
  tf.engine().startScope();
  try {
    return toArrays(run(...inputs.map(toTensors)));
  } finally {
    tf.engine().endScope();
  }
}

export const eagerEngine: Engine = {
  compile: async ({step, state}) => {
    await tf.setBackend('cpu');
    installGradients();
    let current = state;
    return {
      device: 'tfjs',
      reason: 'a test asked for it',
      run: (batch) => {
        let outputs: Arrays = {};
        current = eagerly([current, batch], (s, b) => {
          const result = step(s!, b!);
          outputs = toArrays(result.outputs);
          return result.state;
        });
        return Promise.resolve(outputs);
      },
      state: () => Promise.resolve(current),
      load: (loaded) => {
        current = loaded;
        return Promise.resolve();
      },
      release: () => Promise.resolve(),
    };
  },
  compileForward: (forward, weights) =>
    Promise.resolve({
      device: 'tfjs',
      run: (inputs) => Promise.resolve(eagerly([weights, inputs], (w, i) => forward(w!, i!))),
      release: () => Promise.resolve(),
    }),
};
