/** A small fold in memory: features from which the labels can be learnt. */
import type {Modality} from '../../../stages/fusion-training/system.js';
import {random} from '../../../stages/learning/random.js';
import {acoustic, labels, linguistic, visual} from '../../../stages/schemas.js';
import {MemoryShard} from '../../helpers/memory-shard.js';

export interface ClipOptions {
  readonly frameCount: number;
  readonly seed: number;
  /** Frames whose labels are not valid. */
  readonly invalid?: (frame: number) => boolean;
}

export const smallDims = {visual: 5, acoustic: 4, linguistic: 3};

/** Smooth latent valence and arousal; valence shows in the face, arousal in the voice, both weakly in words. */
export function smallClip({frameCount, seed, invalid = () => false}: ClipOptions) {
  const frames = Array.from({length: frameCount}, (_, frameIndex) => frameIndex);
  const latent = (name: string) => {
    const [phase, speed] = random(seed).stream(name).at(0).uniform(2);
    return Float32Array.from(frames, (k) => 0.8 * Math.sin(6.28 * phase! + k * (0.05 + 0.1 * speed!)));
  };
  const [valence, arousal] = [latent('valence'), latent('arousal')];
  const source = {visual: valence, acoustic: arousal, linguistic: valence.map((v, k) => (v + arousal[k]!) / 2)};
  const vectors = (modality: Modality) => {
    const width = smallDims[modality];
    const noise = random(seed)
      .stream(modality)
      .at(0)
      .normal(frameCount * width, 0, 0.5);
    return frames.map((frameIndex) => {
      const shown = source[modality][frameIndex]!;
      const own = noise.slice(frameIndex * width, (frameIndex + 1) * width);
      return {frameIndex, vector: own.map((n, i) => n + shown * (1 + i))};
    });
  };
  const labelled = frames.map((frameIndex) => ({
    frameIndex,
    valence: valence[frameIndex]!,
    arousal: arousal[frameIndex]!,
    valid: !invalid(frameIndex),
  }));
  return {
    visual: new MemoryShard(visual, vectors('visual')),
    acoustic: new MemoryShard(acoustic, vectors('acoustic')),
    linguistic: new MemoryShard(linguistic, vectors('linguistic')),
    labels: new MemoryShard(labels, labelled),
  };
}

type SmallClip = ReturnType<typeof smallClip>;

/** The inputs of a fold of such clips. */
export function smallFold(train: readonly ClipOptions[], validation: readonly ClipOptions[]) {
  const clips = {train: train.map(smallClip), validation: validation.map(smallClip)};
  const of = <K extends keyof SmallClip>(key: K) => ({
    train: clips.train.map((clip) => clip[key]),
    validation: clips.validation.map((clip) => clip[key]),
  });
  return {visual: of('visual'), acoustic: of('acoustic'), linguistic: of('linguistic'), labels: of('labels')};
}
