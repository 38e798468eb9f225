/**
 * VGGish, the acoustic backbone of RCMA and GRJCA, with torchvggish's names.
 *
 *   patch       [N, 96, 64, 1]     0.96 s of ln(mel + 0.01)
 *   features    1, 1, 2 and 2 convolutions of 64, 128, 256 and 512 channels, each group ending in a 2 × 2 maximum
 *   embeddings  [N, 12288] → 4096 → 4096 → 128; the last rectifier is dropped, as in the released code of RCMA
 */
import {convolution, convolutionWeights} from '../../learning/layers/convolution.js';
import {declare} from '../../learning/layers/declaration.js';
import type {Scope} from '../../learning/layers/declaration.js';
import {dense, denseWeights} from '../../learning/layers/dense.js';
import {tf} from '../../learning/tf.js';
import type {Network} from './network.js';

/** Convolutions by their place in torchvggish's sequence; `last` of a group is followed by the maximum. */
const CONVOLUTIONS = [
  {name: 'features.0', inputs: 1, outputs: 64, last: true},
  {name: 'features.3', inputs: 64, outputs: 128, last: true},
  {name: 'features.6', inputs: 128, outputs: 256, last: false},
  {name: 'features.8', inputs: 256, outputs: 256, last: true},
  {name: 'features.11', inputs: 256, outputs: 512, last: false},
  {name: 'features.13', inputs: 512, outputs: 512, last: true},
] as const;

/** Groups of the authors' protocol: parameters 16–17, 14–15 and 12–13 of their network. */
export const vggish: Network = {
  name: 'vggish',
  title: 'VGGish',
  paper: 'Hershey et al., "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017',
  format: {kind: 'patch', rowCount: 96, bandCount: 64, layout: 'time-band', frameAt: 'start'},
  dimension: 128,
  groups: [['embeddings.4'], ['embeddings.2'], ['embeddings.0']],
  declare: () =>
    declare(
      ...CONVOLUTIONS.map(({name, inputs, outputs}) =>
        convolutionWeights(name, {inputs, outputs, size: 3, bias: true}),
      ),
      // 96 × 64 halved four times is 6 × 4.
      denseWeights('embeddings.0', {inputs: 512 * 6 * 4, outputs: 4096}),
      denseWeights('embeddings.2', {inputs: 4096, outputs: 4096}),
      denseWeights('embeddings.4', {inputs: 4096, outputs: 128}),
    ),
  forward,
};

function forward(scope: Scope, patches: tf.Tensor4D): tf.Tensor2D {
  let x = patches;
  for (const {name, last} of CONVOLUTIONS) {
    x = convolution(scope, name, x).relu();
    if (last) x = tf.maxPool(x, 2, 2, 'valid');
  }
  // The weights come from TensorFlow: channels are last, as they are here.
  const flat = x.reshape([x.shape[0], -1]);
  const hidden = dense(scope, 'embeddings.2', dense(scope, 'embeddings.0', flat).relu()).relu();
  return dense(scope, 'embeddings.4', hidden) as tf.Tensor2D;
}
