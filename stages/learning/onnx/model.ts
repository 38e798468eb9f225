/**
 * The parts of ONNX's file format that tracing, export and import need, as plain objects with the field names of
 * the format. Source: github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
import {bytes, decode, double, encode, float, integer, many, message, one, packed, text} from './protobuf.js';
import type {Fields, Message} from './protobuf.js';
import {StageError} from '../../errors.js';

export interface ModelProto extends Message {
  irVersion?: number;
  producerName?: string;
  producerVersion?: string;
  docString?: string;
  graph?: GraphProto;
  opsetImport?: OperatorSetProto[];
  metadataProps?: EntryProto[];
}

export interface OperatorSetProto extends Message {
  domain?: string;
  version?: number;
}

export interface EntryProto extends Message {
  key?: string;
  value?: string;
}

export interface GraphProto extends Message {
  node?: NodeProto[];
  name?: string;
  initializer?: TensorProto[];
  docString?: string;
  input?: ValueInfoProto[];
  output?: ValueInfoProto[];
  valueInfo?: ValueInfoProto[];
}

export interface NodeProto extends Message {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  domain?: string;
  attribute?: AttributeProto[];
}

export interface AttributeProto extends Message {
  name?: string;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
  type?: number;
}

export interface TensorProto extends Message {
  dims?: number[];
  dataType?: number;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: number[];
  doubleData?: number[];
  name?: string;
  rawData?: Uint8Array;
  externalData?: EntryProto[];
}

export interface ValueInfoProto extends Message {
  name?: string;
  type?: TypeProto;
}

export interface TypeProto extends Message {
  tensorType?: TensorTypeProto;
  sequenceType?: SequenceTypeProto;
}

export interface SequenceTypeProto extends Message {
  elemType?: TypeProto;
}

export interface TensorTypeProto extends Message {
  elemType?: number;
  shape?: ShapeProto;
}

export interface ShapeProto extends Message {
  dim?: DimensionProto[];
}

/** A known size, or the name of one that a run decides. */
export interface DimensionProto extends Message {
  dimValue?: number;
  dimParam?: string;
}

const dimension: Fields<DimensionProto> = {dimValue: one(1, integer), dimParam: one(2, text)};
const shape: Fields<ShapeProto> = {
  dim: many(
    1,
    message(() => dimension),
  ),
};
const tensorType: Fields<TensorTypeProto> = {
  elemType: one(1, integer),
  shape: one(
    2,
    message(() => shape),
  ),
};
const sequenceType: Fields<SequenceTypeProto> = {
  elemType: one(
    1,
    message(() => type),
  ),
};
const type: Fields<TypeProto> = {
  tensorType: one(
    1,
    message(() => tensorType),
  ),
  sequenceType: one(
    4,
    message(() => sequenceType),
  ),
};
const valueInfo: Fields<ValueInfoProto> = {
  name: one(1, text),
  type: one(
    2,
    message(() => type),
  ),
};
const entry: Fields<EntryProto> = {key: one(1, text), value: one(2, text)};
const operatorSet: Fields<OperatorSetProto> = {domain: one(1, text), version: one(2, integer)};
const tensor: Fields<TensorProto> = {
  dims: many(1, integer),
  dataType: one(2, integer),
  floatData: packed(4, float),
  int32Data: packed(5, integer),
  int64Data: packed(7, integer),
  name: one(8, text),
  rawData: one(9, bytes),
  doubleData: packed(10, double),
  externalData: many(
    13,
    message(() => entry),
  ),
};
const attribute: Fields<AttributeProto> = {
  name: one(1, text),
  f: one(2, float),
  i: one(3, integer),
  s: one(4, bytes),
  t: one(
    5,
    message(() => tensor),
  ),
  g: one(
    6,
    message(() => graph),
  ),
  floats: many(7, float),
  ints: many(8, integer),
  strings: many(9, bytes),
  type: one(20, integer),
};
const node: Fields<NodeProto> = {
  input: many(1, text),
  output: many(2, text),
  name: one(3, text),
  opType: one(4, text),
  attribute: many(
    5,
    message(() => attribute),
  ),
  domain: one(7, text),
};
const graph: Fields<GraphProto> = {
  node: many(
    1,
    message(() => node),
  ),
  name: one(2, text),
  initializer: many(
    5,
    message(() => tensor),
  ),
  docString: one(10, text),
  input: many(
    11,
    message(() => valueInfo),
  ),
  output: many(
    12,
    message(() => valueInfo),
  ),
  valueInfo: many(
    13,
    message(() => valueInfo),
  ),
};
const model: Fields<ModelProto> = {
  irVersion: one(1, integer),
  producerName: one(2, text),
  producerVersion: one(3, text),
  docString: one(6, text),
  graph: one(
    7,
    message(() => graph),
  ),
  opsetImport: many(
    8,
    message(() => operatorSet),
  ),
  metadataProps: many(
    14,
    message(() => entry),
  ),
};

/** Writes a model as the bytes of an .onnx file. */
export function encodeModel(value: ModelProto): Uint8Array {
  return encode(model, value);
}

/** Reads the bytes of an .onnx file; tensors are views of `data`. Throws StageError 'bad-weights' for other bytes. */
export function decodeModel(data: Uint8Array): ModelProto {
  try {
    return decode(model, data);
  } catch (cause) {
    throw new StageError(
      'bad-weights',
      `ONNX model: the ${String(data.length)} bytes given are not an ONNX file.`,
      'Check that the file was downloaded whole.',
      {cause},
    );
  }
}
