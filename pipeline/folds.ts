/** Folds: which clips train and which validate. Clips of one subject never stand on both sides. */
import {z} from 'zod';
import type {Clip} from './datasets/dataset.js';
import {byCodeUnit} from './datasets/folder.js';
import {UsageError} from './errors.js';

export interface Fold {
  /** '0', '1', … as `--folds` takes them, or 'official'. */
  readonly name: string;
  readonly train: readonly Clip[];
  readonly validation: readonly Clip[];
}

export const foldsConfig = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('subjects')
      .describe('k folds; the clips of a subject stay together, folds are balanced by clip count.'),
    count: z.number().int().min(2).default(5),
  }),
  z.strictObject({
    kind: z
      .literal('official')
      .describe('One fold: the published training part against the published validation part.'),
  }),
  z.strictObject({
    kind: z
      .literal('abaw')
      .describe(
        'The six folds of the ABAW systems: five chunks of the sorted training part, and the official validation part.',
      ),
    keepFamilies: z
      .boolean()
      .default(false)
      .describe(
        'Keep clips cut from one source (24-30-1920x1080-1, -2, …) in one chunk; the published partition splits them.',
      ),
  }),
]);

export type FoldsConfig = z.output<typeof foldsConfig>;

/** Makes the folds of an experiment, in order, of all clips but those of the test part. */
export function makeFolds(config: FoldsConfig, all: readonly Clip[]): Fold[] {
  const clips = all.filter(({part}) => part !== 'test');
  if (config.kind === 'subjects') return subjectFolds(config.count, clips);
  if (config.kind === 'official') return [officialFold(clips)];
  return abawFolds(clips, config.keepFamilies);
}

/** Subjects in name order, each to the fold that has the fewest clips so far. */
function subjectFolds(count: number, clips: readonly Clip[]): Fold[] {
  const bySubject = groupBy(clips, (clip) => clip.subject);
  if (bySubject.size < count) {
    throw new UsageError(
      'bad-folds',
      `${count} folds need at least ${count} subjects, the data set has ${bySubject.size}`,
      'Lower folds.count or add subjects.',
    );
  }
  const chunks: Clip[][] = Array.from({length: count}, () => []);
  const subjects = [...bySubject].sort(([a, ours], [b, theirs]) => theirs.length - ours.length || byCodeUnit(a, b));
  for (const [, own] of subjects) smallest(chunks).push(...own);
  return chunks.map((validation, index) => ({
    name: String(index),
    train: sorted(chunks.flatMap((chunk) => (chunk === validation ? [] : chunk))),
    validation: sorted(validation),
  }));
}

function officialFold(clips: readonly Clip[]): Fold {
  const [train, validation] = officialParts(clips);
  return {name: 'official', train, validation};
}

function officialParts(clips: readonly Clip[]): [Clip[], Clip[]] {
  const train = sorted(clips.filter((clip) => clip.part === 'train'));
  const validation = sorted(clips.filter((clip) => clip.part === 'validation'));
  if (train.length === 0 || validation.length === 0) {
    throw new UsageError(
      'bad-folds',
      `the data set has ${train.length} training and ${validation.length} validation clips`,
      "Keep annotations in folders named 'Train_Set' and 'Validation_Set', or use folds.kind: subjects.",
    );
  }
  return [train, validation];
}

/** Fold f validates chunk 5 − f of [c0 … c4, validation]; the last training chunk takes the remainder (71, 71, 71, 71, 72). */
function abawFolds(clips: readonly Clip[], keepFamilies: boolean): Fold[] {
  const [train, official] = officialParts(clips);
  if (train.length < 5) {
    throw new UsageError(
      'bad-folds',
      `the ABAW partition needs at least 5 training clips, there are ${train.length}`,
      'Use folds.kind: subjects.',
    );
  }
  const chunks = [...chunksOf(train, keepFamilies), official];
  return chunks.map((_, fold) => {
    const validation = chunks[5 - fold]!;
    return {
      name: String(fold),
      train: sorted(chunks.flatMap((chunk) => (chunk === validation ? [] : chunk))),
      validation,
    };
  });
}

function chunksOf(train: readonly Clip[], keepFamilies: boolean): Clip[][] {
  const size = Math.floor(train.length / 5);
  const bounds = [0, 1, 2, 3, 4].map((index) => index * size);
  const starts = keepFamilies ? bounds.map((bound) => familyStart(train, bound)) : bounds;
  return starts.map((start, index) => train.slice(start, starts[index + 1] ?? train.length));
}

/** Moves a boundary down to the first clip of the family it would cut. */
function familyStart(train: readonly Clip[], bound: number): number {
  let start = bound;
  while (start > 0 && family(train[start]!.name) === family(train[start - 1]!.name)) start--;
  return start;
}

/** '24-30-1920x1080-3' and '24-30-1920x1080-4' are parts of one source video. */
function family(name: string): string {
  return /^(\d+-\d+-\d+x\d+)(-\d+)?(_left|_right)?$/.exec(name)?.[1] ?? name;
}

function smallest(chunks: Clip[][]): Clip[] {
  return chunks.reduce((least, chunk) => (chunk.length < least.length ? chunk : least));
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

function sorted(clips: readonly Clip[]): Clip[] {
  return [...clips].sort((a, b) => byCodeUnit(a.name, b.name));
}
