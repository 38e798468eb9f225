/** Typed arrays ↔ ONNX tensors, and the small constructors from which graphs are written. */
import type {AttributeProto, DimensionProto, NodeProto, TensorProto, ValueInfoProto} from './model.js';
import {StageError} from '../../errors.js';

/** Element types this project writes; the numbers are those of TensorProto.DataType. */
export const dataTypes = {float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64: 11} as const;
export type DataType = keyof typeof dataTypes;
export type TensorValues = Float32Array | Float64Array | Int32Array | Uint8Array | BigInt64Array;

/** Writes values as a named tensor; the bytes are shared with `values`, not copied. */
export function tensorProto(
  name: string,
  {dtype, shape, values}: {dtype: DataType; shape: readonly number[]; values: TensorValues},
): TensorProto {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return {name, dims: [...shape], dataType: dataTypes[dtype], rawData};
}

/** Reads a tensor's values, however they were stored. Throws StageError 'bad-weights' where they lie in another file. */
export function tensorValues(tensor: TensorProto): {dtype: DataType; shape: readonly number[]; values: TensorValues} {
  const dtype = (Object.keys(dataTypes) as DataType[]).find((key) => dataTypes[key] === tensor.dataType);
  if (dtype === undefined || (tensor.externalData ?? []).length > 0) {
    throw new StageError(
      'bad-weights',
      `ONNX initialiser ${tensor.name ?? ''}: element type ${String(tensor.dataType)} or its storage is not supported.`,
      'Save the model with float32 weights in one file.',
    );
  }
  return {dtype, shape: tensor.dims ?? [], values: storedValues(tensor, dtype)};
}

function storedValues(tensor: TensorProto, dtype: DataType): TensorValues {
  const {rawData} = tensor;
  if (rawData !== undefined) {
    // A copy, because a view into a file starts at any byte and typed arrays must be aligned; `slice` of a Buffer is a view.
    const {buffer} = new Uint8Array(rawData);
    if (dtype === 'float32') return new Float32Array(buffer);
    if (dtype === 'float64') return new Float64Array(buffer);
    if (dtype === 'int32') return new Int32Array(buffer);
    if (dtype === 'int64') return new BigInt64Array(buffer);
    return new Uint8Array(buffer);
  }
  if (dtype === 'float32') return Float32Array.from(tensor.floatData ?? []);
  if (dtype === 'float64') return Float64Array.from(tensor.doubleData ?? []);
  if (dtype === 'int64') return BigInt64Array.from((tensor.int64Data ?? []).map(BigInt));
  return dtype === 'int32' ? Int32Array.from(tensor.int32Data ?? []) : Uint8Array.from(tensor.int32Data ?? []);
}

/** Declares an input or output of a graph; a dimension given by name is decided by the run. */
export function valueInfo(name: string, dtype: DataType, shape: readonly (number | string)[]): ValueInfoProto {
  const dim = shape.map((size): DimensionProto => (typeof size === 'number' ? {dimValue: size} : {dimParam: size}));
  return {name, type: {tensorType: {elemType: dataTypes[dtype], shape: {dim}}}};
}

/** A number that must be stored as a float although it may be whole, such as an epsilon or a slope. */
export class FloatAttribute {
  constructor(readonly value: number) {}
}

export type AttributeValue = number | string | readonly number[] | FloatAttribute;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Numbers of AttributeProto.AttributeType. */
const attributeTypes = {float: 1, int: 2, string: 3, ints: 7} as const;

export function attributeProto(name: string, value: AttributeValue): AttributeProto {
  if (value instanceof FloatAttribute) return {name, type: attributeTypes.float, f: value.value};
  if (typeof value === 'number') return {name, type: attributeTypes.int, i: value};
  if (typeof value === 'string') return {name, type: attributeTypes.string, s: new TextEncoder().encode(value)};
  return {name, type: attributeTypes.ints, ints: [...value]};
}

/** Declares a node; `domain` is empty for the operators of ONNX itself. */
export function nodeProto(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  {attributes = {}, domain = '', name = ''}: {attributes?: Attributes; domain?: string; name?: string} = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
  return {opType, input: [...input], output: [...output], attribute, name, ...(domain === '' ? {} : {domain})};
}
