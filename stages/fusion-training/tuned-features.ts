/** Vectors of a fine-tuned backbone, which one shard holds for all clips of a fold, as if each clip had a shard of its own. */
import type {ShardReader} from '../../cache/shard.js';
import {StageError} from '../errors.js';
import type {labels, tunedAcoustic, tunedVisual} from '../schemas.js';
import type {FoldShards} from '../stage.js';

export type Tuned = typeof tunedVisual | typeof tunedAcoustic;

/** Cuts the shard into clips by the lengths of their labels. Throws StageError 'wrong-shape' where it has other clips. */
export async function tunedClips(
  tuned: ShardReader<Tuned>,
  clips: FoldShards<typeof labels>,
): Promise<FoldShards<Tuned>> {
  const frameCounts = [...clips.train, ...clips.validation].map(({rowCount}) => rowCount);
  const sections: ShardReader<Tuned>[] = [];
  let start = 0;
  for (const frameCount of frameCounts) {
    sections.push(section(tuned, start, start + frameCount));
    start += frameCount;
  }
  const parts = {train: sections.slice(0, clips.train.length), validation: sections.slice(clips.train.length)};
  const fits = start === tuned.rowCount && (await begins(parts.train, 0)) && (await begins(parts.validation, 1));
  if (!fits) throw otherClips(tuned.rowCount, start);
  return parts;
}

/** Whether every section begins with the first frame of the clip at its position. */
async function begins(sections: readonly ShardReader<Tuned>[], validation: 0 | 1): Promise<boolean> {
  for (const [position, clip] of sections.entries()) {
    if (clip.rowCount === 0) continue;
    const [part, index] = [await clip.column('validation', 0, 1), await clip.column('clipIndex', 0, 1)];
    if (part[0] !== validation || index[0] !== position) return false;
  }
  return true;
}

/** Rows [first, end) of a shard. */
function section<S extends Tuned>(reader: ShardReader<S>, first: number, end: number): ShardReader<S> {
  const rowCount = end - first;
  const last = (row: number) => first + Math.min(row, rowCount);
  return {
    schema: reader.schema,
    rowCount,
    width: (column) => reader.width(column),
    rows: (from = 0, to = rowCount) => reader.rows(first + from, last(to)),
    column: (name, from = 0, to = rowCount) => reader.column(name, first + from, last(to)),
  };
}

const otherClips = (rows: number, expected: number): StageError =>
  new StageError(
    'wrong-shape',
    `The fine-tuned vectors are of other clips: they have ${rows} frames where the labels of the fold have ${expected}, or are in another order.`,
    'Run backbone-training of this fold again.',
  );
