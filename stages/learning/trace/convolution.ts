/** Convolutions and their gradients, as tfjs asks for them. */
import {biased} from './activation.js';
import type {FusedAttributes, FusedInputs} from './activation.js';
import {fastConvolve} from './fast-convolution.js';
import {fastFormOf} from './fast-form.js';
import {filterGradient} from './filter-gradient.js';
import type {Value} from './graph.js';
import {fromFirst, fromLast, geometryOf, outputFirst, paddingOf, toFirst, toLast} from './image-geometry.js';
import type {ConvolutionAttributes, Kind} from './image-geometry.js';
import {inputGradient} from './input-gradient.js';
import type {Call, Kernels} from './kernel.js';
import {patchConvolve, suitsPatches} from './patch-convolution.js';

interface ConvolutionInputs {
  readonly x: Value;
  readonly filter: Value;
}
interface GradientInputs {
  readonly x: Value;
  readonly filter: Value;
  readonly dy: Value;
}
export const convolutions = {
  Conv2D: ({inputs, attributes}: Call<ConvolutionInputs, ConvolutionAttributes>) =>
    convolve(inputs, attributes, 'dense'),
  FusedConv2D: ({inputs, attributes}: Call<ConvolutionInputs & FusedInputs, ConvolutionAttributes & FusedAttributes>) =>
    biased(convolve(inputs, attributes, 'dense'), inputs, attributes),
  DepthwiseConv2dNative: ({inputs, attributes}: Call<ConvolutionInputs, ConvolutionAttributes>) =>
    convolve(inputs, attributes, 'depthwise'),
  FusedDepthwiseConv2D: ({
    inputs,
    attributes,
  }: Call<ConvolutionInputs & FusedInputs, ConvolutionAttributes & FusedAttributes>) =>
    biased(convolve(inputs, attributes, 'depthwise'), inputs, attributes),
  Conv2DBackpropInput: ({
    inputs,
    attributes,
  }: Call<GradientInputs, ConvolutionAttributes & {inputShape: readonly number[]}>) =>
    inputGradient(inputs, attributes, 'dense'),
  DepthwiseConv2dNativeBackpropInput: ({
    inputs,
    attributes,
  }: Call<GradientInputs, ConvolutionAttributes & {inputShape: readonly number[]}>) =>
    inputGradient(inputs, attributes, 'depthwise'),
  Conv2DBackpropFilter: ({
    inputs,
    attributes,
  }: Call<GradientInputs, ConvolutionAttributes & {filterShape: readonly number[]}>) =>
    filterGradient(inputs, attributes, 'dense'),
  DepthwiseConv2dNativeBackpropFilter: ({
    inputs,
    attributes,
  }: Call<GradientInputs, ConvolutionAttributes & {filterShape: readonly number[]}>) =>
    filterGradient(inputs, attributes, 'depthwise'),
} satisfies Kernels;

function convolve({x, filter}: ConvolutionInputs, attributes: ConvolutionAttributes, kind: Kind): Value {
  const geometry = geometryOf(x.shape, filter.shape, attributes, kind);
  const form = fastFormOf(x.graph, geometry, kind);
  if (form !== undefined) return fromLast(fastConvolve(toLast(x, attributes), filter, form), attributes);
  if (suitsPatches(x.graph, geometry, {channels: geometry.inChannels, kind})) {
    return fromLast(patchConvolve(toLast(x, attributes), filter, geometry), attributes);
  }
  const {batchSize, outChannels, outHeight, outWidth} = geometry;
  const output = {shape: [batchSize, outChannels, outHeight, outWidth], dtype: x.dtype};
  const y = x.graph.node('Conv', [toFirst(x, attributes), outputFirst(filter, kind)], output, {
    strides: [geometry.strideHeight, geometry.strideWidth],
    dilations: [geometry.dilationHeight, geometry.dilationWidth],
    pads: paddingOf(geometry),
    group: kind === 'depthwise' ? geometry.inChannels : 1,
    kernel_shape: [geometry.filterHeight, geometry.filterWidth],
  });
  return fromFirst(y, attributes);
}
