/** Which frames of a fold's clips a modality is lost in. */
import type {Draw} from '../learning/random.js';

export interface LostTime {
  readonly frameCounts: readonly number[];
  /** Share of the frames of all clips together. */
  readonly share: number;
  readonly stretchFrames: number;
  readonly draw: Draw;
}

/**
 * Cuts all clips into stretches and loses them in a drawn order until the share is reached, so that a larger share
 * loses whatever a smaller one does. Per clip, 1 where a frame is lost; the last stretch may be cut short.
 */
export function lostFrames({frameCounts, share, stretchFrames, draw}: LostTime): Uint8Array[] {
  const lost = frameCounts.map((count) => new Uint8Array(count));
  const stretches = frameCounts.flatMap((count, clip) =>
    Array.from({length: Math.ceil(count / stretchFrames)}, (_, i) => ({
      clip,
      start: i * stretchFrames,
      end: Math.min(count, (i + 1) * stretchFrames),
    })),
  );
  let left = Math.round(share * frameCounts.reduce((sum, count) => sum + count, 0));
  for (const index of draw.permutation(stretches.length)) {
    const {clip, start, end} = stretches[index]!;
    lost[clip]!.fill(1, start, Math.min(end, start + left));
    left -= Math.min(end - start, left);
  }
  return lost;
}
