/** A small fold in memory, behind the interface of shard readers: features from which the labels can be learnt. */
import type {ColumnValues, ShardReader, ShardSchema} from '../../../cache/shard.js';
import type {FoldInputs} from '../../../stages/fusion-training/fold-data.js';
import type {Modality} from '../../../stages/fusion-training/system.js';
import {random} from '../../../stages/learning/random.js';
import {acoustic, labels, linguistic, visual} from '../../../stages/schemas.js';

type Columns<S extends ShardSchema> = {
  [K in keyof S['columns']]: ColumnValues<S['columns'][K]['type']>;
};

/** A reader of columns that are in memory. */
export function memoryReader<S extends ShardSchema>(
  schema: S,
  columns: Columns<S>,
  {rowCount, width = 1}: {readonly rowCount: number; readonly width?: number},
): ShardReader<S> {
  return {
    schema,
    rowCount,
    width: () => (rowCount === 0 ? 0 : width),
    rows: () => {
      throw new Error('not needed');
    },
    column: (name, start = 0, end = rowCount) => {
      const factor = schema.columns[name]!.type === 'f32s' ? width : 1;
      const values = columns[name] as Float32Array;
      return Promise.resolve(values.slice(start * factor, end * factor) as never);
    },
  };
}

export interface ClipOptions {
  readonly frameCount: number;
  readonly seed: number;
  /** Frames whose labels are not valid. */
  readonly invalid?: (frame: number) => boolean;
}

const schemas = {visual, acoustic, linguistic};
export const smallDims = {visual: 5, acoustic: 4, linguistic: 3};

/** Smooth latent valence and arousal; valence shows in the face, arousal in the voice, both weakly in words. */
export function smallClip({frameCount, seed, invalid = () => false}: ClipOptions) {
  const latent = (name: string) => {
    const [phase, speed] = random(seed).stream(name).at(0).uniform(2);
    return Float32Array.from({length: frameCount}, (_, k) => 0.8 * Math.sin(6.28 * phase! + k * (0.05 + 0.1 * speed!)));
  };
  const [valence, arousal] = [latent('valence'), latent('arousal')];
  const noise = (name: string, count: number) => random(seed).stream(name).at(0).normal(count, 0, 0.5);
  const frameIndex = Int32Array.from({length: frameCount}, (_, k) => k);
  const source = {visual: valence, acoustic: arousal, linguistic: valence.map((v, k) => (v + arousal[k]!) / 2)};
  const reader = (modality: Modality) => {
    const width = smallDims[modality];
    const vector = noise(modality, frameCount * width).map(
      (n, i) => n + source[modality][Math.floor(i / width)]! * (1 + (i % width)),
    );
    return memoryReader(schemas[modality], {frameIndex, vector}, {rowCount: frameCount, width});
  };
  const valid = Uint8Array.from({length: frameCount}, (_, k) => (invalid(k) ? 0 : 1));
  return {
    visual: reader('visual'),
    acoustic: reader('acoustic'),
    linguistic: reader('linguistic'),
    labels: memoryReader(labels, {frameIndex, valence, arousal, valid}, {rowCount: frameCount}),
  };
}

/** The inputs of a fold of such clips. */
export function smallFold(
  train: readonly ClipOptions[],
  validation: readonly ClipOptions[],
  modalities: readonly Modality[] = ['visual', 'acoustic', 'linguistic'],
): FoldInputs {
  const clips = {train: train.map(smallClip), validation: validation.map(smallClip)};
  const of = <K extends keyof ReturnType<typeof smallClip>>(key: K) => ({
    train: clips.train.map((clip) => clip[key]),
    validation: clips.validation.map((clip) => clip[key]),
  });
  return {features: new Map(modalities.map((modality) => [modality, of(modality)])), labels: of('labels')};
}
