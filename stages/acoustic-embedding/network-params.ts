/** What must be said of an ONNX network before it can read sound. */
import {z} from 'zod';

const model = z.string().min(1).describe('Id of a network, or path of an .onnx file.');
const output = z
  .string()
  .optional()
  .describe(
    'Name of the output to take, or of a tensor inside the network (`affectflow models outputs`); needed where there are several outputs.',
  );

export interface PatchGeometry {
  readonly rowCount: number;
  readonly bandCount: number;
  /** Where a patch begins, counted from the time of its frame. */
  readonly startSeconds: number;
  /** Order of the axes after batch and channel. */
  readonly layout: 'time-band' | 'band-time';
  /** What stands before the first and after the last row of the spectrogram. */
  readonly beyond: 'repeat' | 'silence';
  /** Spectrogram the network was made for. */
  readonly spectrogram: 'vggish' | 'tsav';
}

/**
 * vggish: [N, 1, 96, 64], 0.96 s from the frame on, as RCMA and GRJCA cut them, but by real time stamps, and with silence
 * after the end, where their code goes on with the value of the last sample.
 * resnet18: [N, 1, 64, 107], 32 frames of 30 per second of which the frame is the last (TSAV, JCA, JMT).
 */
export const patchGeometries = {
  vggish: {rowCount: 96, bandCount: 64, startSeconds: 0, layout: 'time-band', beyond: 'silence', spectrogram: 'vggish'},
  resnet18: {
    rowCount: 107,
    bandCount: 64,
    startSeconds: -31 / 30,
    layout: 'band-time',
    beyond: 'silence',
    spectrogram: 'tsav',
  },
} as const satisfies Record<string, PatchGeometry>;

export const patchParams = z.strictObject({
  model,
  geometry: z
    .enum(['vggish', 'resnet18'])
    .default('vggish')
    .describe(
      'vggish: [N, 1, 96, 64] from the frame on; resnet18: [N, 1, 64, 107] up to it. What follows changes single values.',
    ),
  rowCount: z.int().min(1).max(10_000).optional().describe('Rows of the spectrogram per patch.'),
  bandCount: z.int().min(1).max(512).optional().describe('Mel bands the network reads.'),
  startSeconds: z
    .number()
    .min(-60)
    .max(60)
    .optional()
    .describe('Start of a patch, counted from the time of its frame.'),
  layout: z.enum(['time-band', 'band-time']).optional().describe('Order of the axes after batch and channel.'),
  beyond: z
    .enum(['repeat', 'silence'])
    .optional()
    .describe('What stands where there is no sound any more: the last row, or silence.'),
  output,
});

export const waveformParams = z.strictObject({
  model,
  sampleRateHz: z
    .int()
    .positive()
    .default(16_000)
    .describe('Samples per second that the network reads; others are resampled.'),
  windowSeconds: z.number().positive().max(60).default(1).describe('Sound per vector.'),
  frameAt: z.enum(['start', 'centre', 'end']).default('centre').describe('Where the frame lies in its window.'),
  normalise: z
    .enum(['none', 'unit-variance'])
    .default('unit-variance')
    .describe('unit-variance: mean 0 and variance 1 per window, as wav2vec 2.0’s own feature extractor does.'),
  layout: z.enum(['nt', 'nct']).default('nt').describe('nt: [N, samples]; nct: [N, 1, samples].'),
  everyFrames: z
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .describe('Runs the network for every n-th frame; those between repeat its vector.'),
  output,
});

export type PatchParams = z.output<typeof patchParams>;
export type WaveformParams = z.output<typeof waveformParams>;

/** Completes what an experiment sets with what was published. */
export function completeGeometry(params: PatchParams): PatchGeometry {
  const {rowCount, bandCount, startSeconds, layout, beyond} = params;
  const changes = Object.entries({rowCount, bandCount, startSeconds, layout, beyond});
  const set = Object.fromEntries(changes.filter(([, value]) => value !== undefined));
  return {...patchGeometries[params.geometry], ...set};
}
