/** Patches of a clip's spectrogram as a network reads them, cut by presentation time as acoustic-embedding cuts them. */
import type {ShardReader} from '../../cache/shard.js';
import type {PatchGeometry} from '../acoustic-embedding/network-params.js';
import {checkSpectrogram, silence} from '../acoustic-embedding/network-vectors.js';
import {readLabels} from '../fusion-training/fold-data.js';
import type {labels, logMel, timeline} from '../schemas.js';
import type {FoldShards} from '../stage.js';
import type {Split, Splits} from './data.js';
import type {FrameImages, Frames} from './frame-images.js';
import type {Network} from './networks/network.js';

interface FoldInputs {
  readonly logMel: FoldShards<typeof logMel>;
  readonly timeline: FoldShards<typeof timeline>;
  readonly labels: FoldShards<typeof labels>;
}

/** Opens patches and labels of a fold. */
export async function openSound(inputs: FoldInputs, {format}: Pick<Network, 'format'>): Promise<Splits> {
  if (format.kind !== 'patch') throw new TypeError('Expected a network of spectrogram patches');
  const open = async (part: keyof FoldInputs['labels']): Promise<Split> => {
    const images: FrameImages[] = [];
    for (const [clip, reader] of inputs.logMel[part].entries())
      images.push(await openPatches(reader, inputs.timeline[part][clip]!, format.geometry));
    return {labels: await Promise.all(inputs.labels[part].map(readLabels)), images};
  };
  return {train: await open('train'), validation: await open('validation')};
}

/** Opens the patches of a clip; one without sound has zeros. */
export async function openPatches(
  spectrogram: ShardReader<typeof logMel>,
  frames: ShardReader<typeof timeline>,
  geometry: PatchGeometry,
): Promise<FrameImages> {
  const times = await frames.column('timeSeconds');
  if (!(await checkSpectrogram(spectrogram, geometry)))
    return {frameCount: times.length, write: (out) => Promise.resolve(void out.fill(0))};
  const [first, second = 1 + first!] = await spectrogram.column('timeSeconds', 0, 2);
  const beyond = geometry.beyond === 'silence' ? await silence(spectrogram, geometry) : undefined;
  const rowAt = (frame: number) => Math.round((times[frame]! + geometry.startSeconds) / (second - first!));
  const size = geometry.rowCount * geometry.bandCount;
  return {
    frameCount: times.length,
    async write(out, wanted) {
      const rows = await rowsOf(spectrogram, wanted, {rowAt, rowCount: geometry.rowCount});
      for (let k = 0; k < wanted.count; k++) {
        const start = rowAt(wanted.first + k * wanted.stride);
        writePatch(out.subarray(k * size, (k + 1) * size), {...rows, start, beyond}, geometry);
      }
    },
  };
}

interface Rows {
  readonly bands: Float32Array;
  /** First row that is held, and the number of rows that there are. */
  readonly from: number;
  readonly total: number;
}

/** The rows of the spectrogram that some frames read, and the last for what lies beyond it. */
async function rowsOf(
  spectrogram: ShardReader<typeof logMel>,
  {first, stride, count}: Frames,
  {rowAt, rowCount}: {readonly rowAt: (frame: number) => number; readonly rowCount: number},
): Promise<Rows> {
  const total = spectrogram.rowCount;
  const within = (row: number) => Math.max(0, Math.min(total - 1, row));
  const from = within(rowAt(first));
  const to = within(rowAt(first + (count - 1) * stride) + rowCount - 1) + 1;
  return {bands: await spectrogram.column('bands', from, to), from, total};
}

interface Patch extends Rows {
  /** Row at which the patch begins. */
  readonly start: number;
  /** What stands beyond both ends; the nearest row where undefined. */
  readonly beyond: number | undefined;
}

function writePatch(out: Float32Array, patch: Patch, {rowCount, bandCount, layout}: PatchGeometry): void {
  const {bands, from, total, start, beyond} = patch;
  for (let row = 0; row < rowCount; row++) {
    const inside = Math.max(0, Math.min(total - 1, start + row));
    const isBeyond = inside !== start + row && beyond !== undefined;
    for (let band = 0; band < bandCount; band++) {
      const at = layout === 'time-band' ? row * bandCount + band : band * rowCount + row;
      out[at] = isBeyond ? beyond : bands[(inside - from) * bandCount + band]!;
    }
  }
}
