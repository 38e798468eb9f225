/**
 * tfjs, loaded when something of it is first used. Loading takes 0.3 s, which commands that train nothing should not
 * pay, though they read the declarations of systems and layers whose equations are written in tfjs.
 */
import {createRequire} from 'node:module';
import type * as tfjs from '@tensorflow/tfjs';

const require = createRequire(import.meta.url);
let loaded: typeof tfjs | undefined;

export const tf = new Proxy({} as typeof tfjs, {
  get: (_, name) => (loaded ??= require('@tensorflow/tfjs') as typeof tfjs)[name as keyof typeof tfjs],
});

// eslint-disable-next-line @typescript-eslint/no-namespace -- types under the name they have in tfjs
export declare namespace tf {
  export type Tensor<R extends tfjs.Rank = tfjs.Rank> = tfjs.Tensor<R>;
  export type Scalar = tfjs.Scalar;
  export type Tensor1D = tfjs.Tensor1D;
  export type Tensor2D = tfjs.Tensor2D;
  export type Tensor3D = tfjs.Tensor3D;
  export type Tensor4D = tfjs.Tensor4D;
  export type TensorLike = tfjs.TensorLike;
  export type Variable = tfjs.Variable;
}
