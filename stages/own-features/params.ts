/** What an experiment says of features that the user made. */
import {z} from 'zod';

export const ownParams = z.strictObject({
  align: z.enum(['frame', 'time']).default('frame').describe('Whether rows belong to frames by number or by time.'),
  keyColumn: z
    .string()
    .optional()
    .describe('Column with the frame or the time of a row; known names are found without it.'),
  columns: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('Columns to take; where absent, all but frame, time and names.'),
  firstFrame: z.int().min(0).max(1).default(0).describe('Number of the first frame in the key column: 1 for OpenFace.'),
  toleranceRows: z
    .int()
    .min(0)
    .default(1)
    .describe('Rows by which a file without frame numbers may miss the frames of the video; the last row is repeated.'),
  timeUnit: z.enum(['s', 'ms']).default('s').describe('Unit of the key column with align: time; ms for MuSe.'),
  rowsPerSecond: z.number().positive().optional().describe('With align: time, for files without a time column.'),
  offsetSeconds: z.number().default(0).describe('Added to the times of the file; half a window where they are starts.'),
  maxGapSeconds: z.number().min(0).default(1).describe('A frame farther than this from any row gets zeros.'),
  nonFinite: z.enum(['error', 'zero']).default('error').describe('What to do with NaN and infinite values.'),
});

export type OwnParams = z.output<typeof ownParams>;
export type OwnParamsGiven = OwnParams | undefined;
