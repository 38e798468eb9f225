/** Element types of tfjs that can be traced. */
import type {DataType} from '../onnx/tensor.js';
import {StageError} from '../../errors.js';

export function tracedType(dtype: string): DataType & ('float32' | 'int32' | 'bool') {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new StageError(
    'unsupported-op',
    `A tensor of ${dtype} cannot be traced.`,
    'Use float32, int32 or bool tensors in the step.',
  );
}
