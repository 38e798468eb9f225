/**
 * Predictions as the ABAW challenges take them: the header `image_location,valence,arousal`, then one row per frame,
 * `<clip>/<five-digit frame number>.jpg`, counted from 1, with values in [-1, 1].
 */
import {UsageError} from './errors.js';

export interface PredictedClip {
  readonly clip: string;
  /** One value per frame. */
  readonly valence: Float32Array;
  readonly arousal: Float32Array;
}

interface Frame {
  readonly clip: string;
  /** Counted from 1. */
  readonly number: number;
}

const HEADER = 'image_location,valence,arousal';

/**
 * Every frame of every clip; or, where the text of an official sample submission is given, exactly the sample's rows in
 * its order. A frame that the sample has beyond a clip's last gets the values of the last.
 *
 * @throws UsageError 'bad-sample' where the sample is malformed or names a clip that was not predicted.
 */
export function submissionText(clips: readonly PredictedClip[], sample?: string): string {
  const byName = new Map(clips.map((clip) => [clip.clip, clip]));
  const frames = sample === undefined ? clips.flatMap(framesOf) : framesOfSample(sample, byName);
  return [HEADER, ...frames.map((frame) => row(byName.get(frame.clip)!, frame)), ''].join('\n');
}

const framesOf = ({clip, valence}: PredictedClip): Frame[] =>
  Array.from(valence, (_, frame) => ({clip, number: frame + 1}));

function row({clip, valence, arousal}: PredictedClip, {number}: Frame): string {
  const frame = Math.min(number, valence.length) - 1;
  const text = (value: number) => Math.min(1, Math.max(-1, value)).toFixed(6);
  return `${clip}/${String(number).padStart(5, '0')}.jpg,${text(valence[frame]!)},${text(arousal[frame]!)}`;
}

function framesOfSample(sample: string, clips: ReadonlyMap<string, PredictedClip>): Frame[] {
  const lines = sample.replace(/^\uFEFF/, '').split(/\r?\n/);
  const frames = lines.flatMap((line, index) => {
    if (line.trim() === '' || (index === 0 && line.startsWith('image_location'))) return [];
    const [, clip = '', digits = ''] = /^\s*(.+)\/(\d+)\.\w+\s*(?:,.*)?$/.exec(line) ?? [];
    if (Number(digits) < 1) throw malformed(index + 1, line);
    return [{clip: clip.normalize('NFC'), number: Number(digits)}];
  });
  const missing = [...new Set(frames.map(({clip}) => clip))].filter(
    (clip) => (clips.get(clip)?.valence.length ?? 0) === 0,
  );
  if (missing.length > 0) throw notPredicted(missing);
  return frames;
}

const malformed = (line: number, text: string): UsageError =>
  new UsageError(
    'bad-sample',
    `line ${line} of the sample is '${text.slice(0, 60)}'`,
    `Expected the header ${HEADER}, then rows such as video12/00001.jpg,0,0.`,
  );

const notPredicted = (clips: readonly string[]): UsageError =>
  new UsageError(
    'bad-sample',
    `the sample has ${clips.length} clips without a prediction: ${clips.slice(0, 5).join(', ')}${clips.length > 5 ? ', …' : ''}`,
    'List all clips of the test part in dataset.test, or choose them with --clips.',
  );
