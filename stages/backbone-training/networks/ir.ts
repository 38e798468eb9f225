/** Improved residual networks of ArcFace (Deng et al., CVPR 2019, §3.2), as published for faces. */
import {convolution, convolutionWeights} from '../../learning/layers/convolution.js';
import type {Declaration, Scope} from '../../learning/layers/declaration.js';
import {declare} from '../../learning/layers/declaration.js';
import {dense, denseWeights} from '../../learning/layers/dense.js';
import {dropout, dropoutMask} from '../../learning/layers/dropout.js';
import {imageNorm, imageNormWeights} from '../../learning/layers/image-norm.js';
import {l2Normalise} from '../../learning/layers/l2-norm.js';
import {prelu, preluWeights} from '../../learning/layers/prelu.js';
import type {tf} from '../../learning/tf.js';

export interface IrOptions {
  /** Channels and number of units of each stage; each but the first halves the image. */
  readonly stages: readonly {readonly channels: number; readonly count: number}[];
  /** Side of the image. */
  readonly size: number;
  readonly dimension: number;
}

interface Unit {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
}

/** Dropout before the last linear map. */
const DROPOUT = 0.4;

export function irDeclaration({stages, size, dimension}: IrOptions): Declaration {
  const [first, last] = [stages[0]!.channels, stages.at(-1)!.channels];
  const side = size / 2 ** (stages.length - 1);
  return declare(
    convolutionWeights('input_layer.0', {inputs: 3, outputs: first, size: 3}),
    imageNormWeights('input_layer.1', first),
    preluWeights('input_layer.2', first),
    ...unitsOf(stages).map(unitWeights),
    imageNormWeights('output_layer.0', last),
    dropoutMask('output_layer.1', [last * side ** 2], DROPOUT),
    denseWeights('output_layer.3', {inputs: last * side ** 2, outputs: dimension}),
    imageNormWeights('output_layer.4', dimension),
  );
}

/** Maps images [N, s, s, 3] to vectors [N, d] of length 1. */
export function irForward({stages}: IrOptions, scope: Scope, images: tf.Tensor4D): tf.Tensor2D {
  let x = convolution(scope, 'input_layer.0', images);
  x = prelu(scope, 'input_layer.2', imageNorm(scope, 'input_layer.1', x));
  for (const unit of unitsOf(stages)) x = residual(scope, unit, x);
  x = imageNorm(scope, 'output_layer.0', x);
  // Weights of the linear map are for channels first.
  const flat = x.transpose<tf.Tensor4D>([0, 3, 1, 2]).reshape<tf.Tensor2D>([x.shape[0], -1]);
  const vector = dense(scope, 'output_layer.3', dropout(scope, 'output_layer.1', flat));
  return l2Normalise(imageNorm(scope, 'output_layer.4', vector)) as tf.Tensor2D;
}

function unitsOf(stages: IrOptions['stages']): Unit[] {
  const units: Unit[] = [];
  for (const [stage, {channels, count}] of stages.entries()) {
    for (let k = 0; k < count; k++) {
      const inputs = units.at(-1)?.outputs ?? channels;
      const stride = stage > 0 && k === 0 ? 2 : 1;
      units.push({name: `body.${units.length}`, inputs, outputs: channels, stride});
    }
  }
  return units;
}

function unitWeights({name, inputs, outputs}: Unit): Partial<Declaration> {
  return declare(
    imageNormWeights(`${name}.res_layer.0`, inputs),
    convolutionWeights(`${name}.res_layer.1`, {inputs, outputs, size: 3}),
    preluWeights(`${name}.res_layer.2`, outputs),
    convolutionWeights(`${name}.res_layer.3`, {inputs: outputs, outputs, size: 3}),
    imageNormWeights(`${name}.res_layer.4`, outputs),
    inputs === outputs ? {} : convolutionWeights(`${name}.shortcut_layer.0`, {inputs, outputs, size: 1}),
    inputs === outputs ? {} : imageNormWeights(`${name}.shortcut_layer.1`, outputs),
  );
}

/** x [N, s, s, c] → [N, s / stride, s / stride, c'] */
function residual(scope: Scope, {name, inputs, outputs, stride}: Unit, x: tf.Tensor4D): tf.Tensor4D {
  const inner = convolution(scope, `${name}.res_layer.1`, imageNorm(scope, `${name}.res_layer.0`, x));
  const active = prelu(scope, `${name}.res_layer.2`, inner);
  const outer = imageNorm(scope, `${name}.res_layer.4`, convolution(scope, `${name}.res_layer.3`, active, stride));
  if (inputs === outputs) return outer.add(x);
  const shortcut = convolution(scope, `${name}.shortcut_layer.0`, x, stride);
  return outer.add(imageNorm(scope, `${name}.shortcut_layer.1`, shortcut));
}
