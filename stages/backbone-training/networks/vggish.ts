/**
 * VGGish, the acoustic backbone of RCMA and GRJCA, with torchvggish's names, and a small network of its family.
 *
 *   patch       [N, 96, 64, 1]     0.96 s of ln(mel + 0.01)
 *   features    1, 1, 2 and 2 convolutions of 64, 128, 256 and 512 channels, each group ending in a 2 × 2 maximum
 *   embeddings  [N, 12288] → 4096 → 4096 → 128; the last rectifier is dropped, as in the released code of RCMA
 */
import {patchGeometries} from '../../acoustic-embedding/network-params.js';
import {convolution, convolutionWeights} from '../../learning/layers/convolution.js';
import type {Declaration, Scope} from '../../learning/layers/declaration.js';
import {declare} from '../../learning/layers/declaration.js';
import {dense, denseWeights} from '../../learning/layers/dense.js';
import {tf} from '../../learning/tf.js';
import type {Network} from './network.js';

interface VggOptions {
  /** Channels of the convolutions of each group. */
  readonly groups: readonly (readonly number[])[];
  /** Units of the two hidden layers, and length of the vector. */
  readonly units: readonly [number, number, number];
}

const ROWS = patchGeometries.vggish.rowCount;
const BANDS = patchGeometries.vggish.bandCount;

const whole: VggOptions = {groups: [[64], [128], [256, 256], [512, 512]], units: [4096, 4096, 128]};

/** Groups of the authors' protocol: parameters 16–17, 14–15 and 12–13 of their network. */
export const vggish: Network = {
  name: 'vggish',
  title: 'VGGish',
  paper: 'Hershey et al., "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017',
  format: {kind: 'patch', geometry: patchGeometries.vggish},
  dimension: 128,
  groups: [['embeddings.4'], ['embeddings.2'], ['embeddings.0']],
  declare: () => vggDeclaration(whole),
  forward: (scope, patches) => vggForward(whole, scope, patches),
};

const small: VggOptions = {groups: [[8], [8], [16], [16]], units: [32, 32, 16]};

/** Not published: four convolutions, for tests and demonstrations on a CPU. */
export const vggSmall: Network = {
  name: 'vgg-small',
  title: 'VGG of four convolutions',
  paper: 'none; the family is that of VGGish',
  format: {kind: 'patch', geometry: patchGeometries.vggish},
  dimension: 16,
  groups: [['embeddings.4'], ['embeddings.2'], ['embeddings.0'], ['features']],
  declare: () => vggDeclaration(small),
  forward: (scope, patches) => vggForward(small, scope, patches),
};

interface Layer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** Whether the maximum of the group follows. */
  readonly last: boolean;
}

/** Convolutions by their place in torchvggish's sequence, where each has a rectifier and each group a maximum after it. */
function layersOf({groups}: VggOptions): Layer[] {
  const layers: Layer[] = [];
  let place = 0;
  for (const group of groups) {
    for (const [k, outputs] of group.entries()) {
      const last = k === group.length - 1;
      layers.push({name: `features.${place}`, inputs: layers.at(-1)?.outputs ?? 1, outputs, last});
      place += last ? 3 : 2;
    }
  }
  return layers;
}

function vggDeclaration(options: VggOptions): Declaration {
  const {groups, units} = options;
  const positions = (ROWS / 2 ** groups.length) * (BANDS / 2 ** groups.length);
  return declare(
    ...layersOf(options).map(({name, inputs, outputs}) =>
      convolutionWeights(name, {inputs, outputs, size: 3, bias: true}),
    ),
    denseWeights('embeddings.0', {inputs: groups.at(-1)!.at(-1)! * positions, outputs: units[0]}),
    denseWeights('embeddings.2', {inputs: units[0], outputs: units[1]}),
    denseWeights('embeddings.4', {inputs: units[1], outputs: units[2]}),
  );
}

function vggForward(options: VggOptions, scope: Scope, patches: tf.Tensor4D): tf.Tensor2D {
  let x = patches;
  for (const {name, last} of layersOf(options)) {
    x = convolution(scope, name, x).relu();
    if (last) x = tf.maxPool(x, 2, 2, 'valid');
  }
  // The weights come from TensorFlow: channels are last, as they are here.
  const flat = x.reshape([x.shape[0], -1]);
  const hidden = dense(scope, 'embeddings.2', dense(scope, 'embeddings.0', flat).relu()).relu();
  return dense(scope, 'embeddings.4', hidden) as tf.Tensor2D;
}
