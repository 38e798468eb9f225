/**
 * How training looks at crops: one part and one direction per window, as in the authors' code, drawn from seed and step
 * alone. Evaluation sees the middle.
 */
import type {Random} from '../learning/random.js';
import type {Network} from './networks/network.js';

/** The part of a scaled crop that is read. */
export interface View {
  readonly left: number;
  readonly top: number;
  readonly mirrored: boolean;
}

export interface Augmentation {
  readonly randomCrop: boolean;
  readonly randomFlip: boolean;
}

/** Pixels by which a view can move. A spectrogram is seen as it is. */
const marginOf = ({format}: Pick<Network, 'format'>): number =>
  format.kind === 'crop' ? format.resizeTo - format.size : 0;

export function middleView(network: Pick<Network, 'format'>): View {
  const middle = Math.floor(marginOf(network) / 2);
  return {left: middle, top: middle, mirrored: false};
}

export interface ViewArguments {
  readonly network: Pick<Network, 'format'>;
  /** What is absent is not done. */
  readonly augmentation: Partial<Augmentation>;
  readonly random: Random;
  /** Number of the step among all steps of a training. */
  readonly step: number;
}

/** Draws one view per window of a step. */
export function drawViews(count: number, {network, augmentation, random, step}: ViewArguments): View[] {
  const positions = marginOf(network) + 1;
  const crops = random
    .stream('random-crop')
    .at(step)
    .uniform(2 * count);
  const flips = random.stream('random-flip').at(step).uniform(count);
  const middle = middleView(network);
  return Array.from({length: count}, (_, window) => {
    const [left, top] = [0, 1].map((axis) => Math.floor(crops[2 * window + axis]! * positions));
    const place = augmentation.randomCrop === true ? {left: left!, top: top!} : middle;
    return {...place, mirrored: augmentation.randomFlip === true && flips[window]! < 0.5};
  });
}
