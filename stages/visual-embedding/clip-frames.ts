/** Which frames of a video make the clip that belongs to a frame. */
import type {ClipParams} from './clip-params.js';

export type ClipGeometry = Pick<ClipParams, 'frames' | 'dilation' | 'frameAt' | 'beyond'>;

/** How far a clip reaches before and behind its frame, in frames of the video. */
export function reachOf({frames, dilation, frameAt}: ClipGeometry): {before: number; after: number} {
  const span = (frames - 1) * dilation;
  const before = {start: 0, centre: Math.floor(frames / 2) * dilation, end: span}[frameAt];
  return {before, after: span - before};
}

/**
 * Frames of the clip of one frame, in order of time; undefined for a black image.
 *
 * With `frameAt: end` these are i − (n − 1) · d, …, i − d, i: the 8 of the 32 frames ending at i that JCA and JMT read
 * with d = 4 (datasets/dataset_new.py of their code), and the 8 of 48 of Kuhnke et al. with d = 6 (aff2compdataset.py).
 */
export function clipFrames(frame: number, frameCount: number, geometry: ClipGeometry): (number | undefined)[] {
  const {frames, dilation, beyond} = geometry;
  if (beyond === 'denser') return denserFrames(frame, geometry);
  const first = frame - reachOf(geometry).before;
  return Array.from({length: frames}, (_, k) => {
    const wanted = first + k * dilation;
    const nearest = Math.min(Math.max(wanted, 0), frameCount - 1);
    return beyond === 'black' && nearest !== wanted ? undefined : nearest;
  });
}

/** The largest dilation for which all frames exist; where even 1 is too many, every frame and then the last again. */
function denserFrames(frame: number, {frames, dilation}: ClipGeometry): number[] {
  const step = Math.min(dilation, Math.floor((frame + 1) / frames));
  return Array.from({length: frames}, (_, k) => (step > 0 ? frame - (frames - 1 - k) * step : Math.min(k, frame)));
}
