/** Products of matrices. */
import type * as tf from '@tensorflow/tfjs';
import {biased} from './activation.js';
import type {FusedAttributes, FusedInputs} from './activation.js';
import type {Binary, Call, Kernels} from './kernel.js';
import {matmul} from './operations.js';

export const products = {
  BatchMatMul: ({inputs: {a, b}, attributes}: Call<Binary, tf.BatchMatMulAttrs>) => matmul(a, b, attributes),
  _FusedMatMul: ({inputs, attributes}: Call<Binary & FusedInputs, tf.BatchMatMulAttrs & FusedAttributes>) =>
    biased(matmul(inputs.a, inputs.b, attributes), inputs, attributes),
} satisfies Kernels;
